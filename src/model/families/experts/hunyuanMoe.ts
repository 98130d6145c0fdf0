import { msg } from '../../../core/translatable.ts';
import { count, eitherCount, list, refuse, value, type Options } from '../config.ts';
import { hunyuanLike, hunyuanSizes } from '../llama/hunyuan.ts';
import { PLAIN_EXPERTS, type DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { gatedExperts, sharedExperts } from './expertParts.ts';

/** Hunyuan with experts: those of a layer as wide as its shared one, chosen by softmax. */
export function hunyuanMoe(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = hunyuanSizes(config);
  const { dim, inner, activation } = sizes;
  const experts = eitherCount(config, 'num_experts', 'num_local_experts', 1);
  const chosen = chosenByLayer(config, sizes.layers, experts);
  return hunyuanLike(config, tensors, sizes, {
    mlp: ({ layer, mlp }) => ({
      ...PLAIN_EXPERTS,
      chosen: chosen(layer),
      score: 'softmax',
      normalised: true,
      router: tensors.linear(`${mlp}.gate.wg`, dim, experts, false),
      experts: gatedExperts(tensors, `${mlp}.experts`, experts, dim, inner, activation),
      shared: sharedExperts(tensors, `${mlp}.shared_mlp`, dim, inner, activation),
    }),
  });
}

/** How many experts each token is sent to: `moe_topk`, one number or one a layer. */
function chosenByLayer(config: Options, layers: number, experts: number): (layer: number) => number {
  const isCount = (item: unknown): item is number => typeof item === 'number' && Number.isSafeInteger(item) && item >= 1;
  const given = Array.isArray(value(config, 'moe_topk'))
    ? list(config, 'moe_topk', layers, isCount, msg`whole numbers from 1 on`)
    : [count(config, 'moe_topk', count(config, 'num_experts_per_tok', 1))];
  const numbers = given ?? [1];
  const most = Math.max(...numbers);
  if (most > experts) refuse(config, 'moe_topk', msg`is ${most}, with ${experts} experts`);
  return (layer) => numbers[layer] ?? numbers[0] ?? 1;
}
