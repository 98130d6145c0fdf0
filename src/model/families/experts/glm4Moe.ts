import { eitherCount, flag, type Options } from '../config.ts';
import { attentionBias, headNorms, llamaLike, readSizes, rmsEpsilon } from '../llama/base.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { denseThenExperts, sigmoidRouting } from './denseThenExperts.ts';

/** GLM 4.5 and 4.6: half of each head rotated, experts chosen as in DeepSeek V3. */
export function glm4Moe(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, {
    dim: 4096,
    inner: 10_944,
    layers: 46,
    heads: 96,
    kvHeads: 8,
    vocab: 151_552,
    positions: 131_072,
    ownHeadDim: true,
  });
  const epsilon = rmsEpsilon(config, 1e-5);
  const experts = eitherCount(config, 'n_routed_experts', 'num_local_experts', 128);
  const normed = flag(config, 'use_qk_norm', false);
  return llamaLike(config, tensors, sizes, epsilon, {
    biases: attentionBias(config, false, false),
    rope: { partial: 0.5 },
    attention: ({ attention }) => (normed ? headNorms(tensors, attention, sizes.headDim, epsilon) : {}),
    mlp: denseThenExperts(
      config,
      tensors,
      sizes,
      { firstSparse: 1, bias: false, experts, chosen: 8, scale: 1, inner: 1408, shared: 1 },
      sigmoidRouting(config, tensors, experts, [1, 1]),
    ),
  });
}
