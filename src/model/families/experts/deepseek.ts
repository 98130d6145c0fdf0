import { msg } from '../../../core/translatable.ts';
import { eitherCount, flag, only, refuse, text, value, type Options } from '../config.ts';
import { readSizes, type Sizes } from '../llama/base.ts';
import { latentDecoder, type LatentDefaults } from '../llama/latentAttention.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { denseThenExperts, sigmoidRouting, sparseByKind, type ExpertDefaults, type Routing } from './denseThenExperts.ts';
import { expertGroups } from './expertParts.ts';

/** DeepSeek V2: latent attention, experts chosen by softmax. */
export function deepseekV2(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, { dim: 4096, inner: 11_008, layers: 32, heads: 32, kvHeads: null, vocab: 102_400, positions: 2048 });
  only(config, 'scoring_func', 'softmax');
  // The reference reads this option and does not apply it.
  if (value(config, 'norm_topk_prob') !== null) only(config, 'norm_topk_prob', false);
  const experts = eitherCount(config, 'n_routed_experts', 'num_experts', 64);
  if ((value(config, 'num_experts_per_tok') ?? null) === null) refuse(config, 'num_experts_per_tok', msg`is missing`);
  const method = text(config, 'topk_method', 'greedy');
  if (method !== 'greedy' && method !== 'group_limited_greedy') only(config, 'topk_method', 'greedy');
  const missing = ['n_group', 'topk_group'].find((name) => method !== 'greedy' && (value(config, name) ?? null) === null);
  if (missing !== undefined) refuse(config, missing, msg`is missing, with "topk_method": "${method}"`);
  const bias = flag(config, 'mlp_bias', false);
  return deepseek(
    config,
    tensors,
    sizes,
    { style: 'interleaved', firstSparse: 0, bias, experts, chosen: 1, scale: 1, inner: 1407, shared: 2 },
    {
      score: 'softmax',
      correction: () => null,
      normalised: false,
      groups: method === 'greedy' ? null : expertGroups(config, experts, [1, 1], 'best'),
    },
  );
}

/** DeepSeek V3 and R1: latent attention, experts chosen by sigmoid and a correction, within groups. */
export function deepseekV3(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, { dim: 7168, inner: 18_432, layers: 61, heads: 128, kvHeads: 128, vocab: 129_280, positions: 4096 });
  only(config, 'scoring_func', 'sigmoid');
  only(config, 'topk_method', 'noaux_tc');
  const experts = eitherCount(config, 'n_routed_experts', 'num_local_experts', 256);
  const style = flag(config, 'rope_interleave', true) ? 'interleaved' : 'half';
  return deepseek(
    config,
    tensors,
    sizes,
    { style, firstSparse: 3, bias: false, experts, chosen: 8, scale: 2.5, inner: 2048, shared: 1 },
    sigmoidRouting(config, tensors, experts, [8, 4]),
  );
}

/** GLM 4.7 Flash: DeepSeek V3 with other sizes; "mlp_layer_types" says which layers have experts, by default all but the first. */
export function glm4MoeLite(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, {
    dim: 2048,
    inner: 10_240,
    layers: 47,
    heads: 20,
    kvHeads: 20,
    // Not read: latent attention has sizes of its own.
    headDim: 64,
    ownHeadDim: true,
    vocab: 154_880,
    positions: 202_752,
  });
  const experts = eitherCount(config, 'n_routed_experts', 'num_local_experts', 64);
  return deepseek(
    config,
    tensors,
    sizes,
    {
      style: flag(config, 'rope_interleave', true) ? 'interleaved' : 'half',
      firstSparse: 1,
      isSparse: sparseByKind(config, sizes.layers, (layer) => layer > 0),
      bias: false,
      experts,
      chosen: 4,
      scale: 1.8,
      inner: 1536,
      shared: 1,
      latent: { rank: 512, queryRank: 768, plain: 192, rotated: 64, valueDim: 256 },
      epsilon: 1e-5,
    },
    sigmoidRouting(config, tensors, experts, [1, 1]),
  );
}

function deepseek(config: Options, tensors: Tensors, sizes: Sizes, absent: ExpertDefaults & LatentDefaults, routing: Routing): DecoderSpec {
  return latentDecoder(config, tensors, sizes, absent, { mlp: denseThenExperts(config, tensors, sizes, absent, routing) });
}
