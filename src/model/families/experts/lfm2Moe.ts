import { count, flag, number, type Options } from '../config.ts';
import { lfm2Differences, lfm2Mlp, lfm2Sizes } from '../llama/lfm2.ts';
import { llamaLike } from '../llama/base.ts';
import { PLAIN_EXPERTS, type DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { chosenExperts, gatedExperts, normalisedOption } from './expertParts.ts';

/** LFM2 with experts (Liquid AI 2025), chosen by sigmoid and a correction, from `num_dense_layers` on. */
export function lfm2Moe(config: Options, tensors: Tensors): DecoderSpec {
  const { sizes, epsilon } = lfm2Sizes(config, 2048, 7168);
  const { dim, inner, activation } = sizes;
  const experts = count(config, 'num_experts', 32);
  const chosen = chosenExperts(config, experts, 4);
  const expertInner = count(config, 'moe_intermediate_size', 1792);
  const dense = count(config, 'num_dense_layers', 2, 0);
  const corrected = flag(config, 'use_expert_bias', true);
  const normalised = normalisedOption(config, true);
  const scale = number(config, 'routed_scaling_factor', 1);
  return llamaLike(config, tensors, sizes, epsilon, {
    ...lfm2Differences(config, tensors, sizes, epsilon),
    mlp: ({ layer, at }) => {
      const place = `${at}.feed_forward`;
      if (layer < dense) return lfm2Mlp(tensors, place, sizes, inner);
      return {
        ...PLAIN_EXPERTS,
        router: tensors.linear(`${place}.gate`, dim, experts, false),
        experts: gatedExperts(tensors, `${place}.experts`, experts, dim, expertInner, activation, { gate: 'w1', up: 'w3', down: 'w2' }),
        chosen,
        score: 'sigmoid',
        correction: corrected ? tensors.weight(`${place}.expert_bias`, [experts]) : null,
        normalised,
        addedToSum: 1e-6,
        scale,
      };
    },
  });
}
