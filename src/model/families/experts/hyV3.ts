import { eitherCount, flag, type Options } from '../config.ts';
import { attentionBias, headNorms, llamaLike, readSizes, rmsEpsilon } from '../llama/base.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { biasedRouting, denseThenExperts, sparseByKind } from './denseThenExperts.ts';

/** Tencent's Hy3: queries and keys normalised per head, experts chosen by a sigmoid with a correction. */
export function hyV3(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, {
    dim: 4096,
    inner: 13_312,
    layers: 80,
    heads: 64,
    kvHeads: 8,
    headDim: 128,
    ownHeadDim: true,
    vocab: 120_832,
    positions: 131_072,
  });
  const epsilon = rmsEpsilon(config, 1e-5);
  const experts = eitherCount(config, 'num_experts', 'num_local_experts', 192);
  const bias = flag(config, 'mlp_bias', false);
  return llamaLike(config, tensors, sizes, epsilon, {
    biases: attentionBias(config),
    rope: { theta: 11_158_840 },
    attention: ({ attention }) => headNorms(tensors, attention, sizes.headDim, epsilon),
    mlp: denseThenExperts(
      config,
      tensors,
      sizes,
      {
        firstSparse: 1,
        isSparse: sparseByKind(config, sizes.layers, (layer) => layer > 0),
        bias,
        experts,
        chosen: 8,
        scale: 2.826,
        inner: 1536,
        shared: 1,
        names: { router: 'router.gate', shared: 'shared_mlp', sharedOption: 'num_shared_experts', scaleOption: 'router_scaling_factor' },
      },
      biasedRouting(tensors, experts),
    ),
  });
}
