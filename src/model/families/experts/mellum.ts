import { eitherCount, type Options } from '../config.ts';
import { slidingLayers, windowOption, windowsOf } from '../layers.ts';
import { attentionBias, headNorms, llamaLike, readSizes, rmsEpsilon } from '../llama/base.ts';
import { ropesByKind, withoutFlatRope } from '../llama/ropesByKind.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { denseThenExperts, sparseByKind } from './denseThenExperts.ts';
import { normalisedOption } from './expertParts.ts';

/** JetBrains' Mellum 2: Qwen 3 with experts, windows by layer, and a rope of their own for the layers with a window. */
export function mellum(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, {
    dim: 2304,
    inner: 7168,
    layers: 28,
    heads: 32,
    kvHeads: 4,
    headDim: 128,
    ownHeadDim: true,
    vocab: 98_304,
    positions: 131_072,
  });
  const epsilon = rmsEpsilon(config);
  const experts = eitherCount(config, 'num_local_experts', 'num_experts', 64);
  const sliding = slidingLayers(config, sizes.layers, () => false);
  const ropes = ropesByKind(withoutFlatRope(config), sizes, { full: 500_000, sliding: 10_000, slidingOption: null });
  return llamaLike(config, tensors, sizes, epsilon, {
    biases: attentionBias(config),
    windows: windowsOf(config, sliding, windowOption(config, 1024)),
    ropes: (layer) => (sliding(layer) ? ropes.sliding : ropes.full),
    attention: ({ attention }) => headNorms(tensors, attention, sizes.headDim, epsilon),
    mlp: denseThenExperts(
      config,
      tensors,
      sizes,
      {
        firstSparse: 0,
        isSparse: sparseByKind(config, sizes.layers, () => true),
        bias: false,
        experts,
        chosen: 8,
        scale: 1,
        inner: 896,
        shared: null,
      },
      { score: 'softmax', normalised: normalisedOption(config, true), groups: null, correction: () => null },
    ),
  });
}
