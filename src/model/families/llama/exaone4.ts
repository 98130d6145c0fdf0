import type { Options } from '../config.ts';
import { everyNth, slidingLayers, windowOption, windowsOf } from '../layers.ts';
import { readRope } from '../rope.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { headNorms, llamaLike, postNorms, readSizes, rmsEpsilon, type Differences, type Sizes } from './base.ts';

/** EXAONE 4: post-norms, queries and keys normalised per head; where some layers have a window, the others have no rope. */
export function exaone4(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = exaoneSizes(config);
  const epsilon = rmsEpsilon(config, 1e-5);
  return llamaLike(config, tensors, sizes, epsilon, { norms: postNorms, ...exaoneAttention(config, tensors, sizes, epsilon) });
}

/** Sizes of a model of EXAONE's fourth generation. */
export function exaoneSizes(config: Options): Sizes {
  return readSizes(config, { dim: 4096, inner: 16_384, layers: 32, heads: 32, kvHeads: 32, vocab: 102_400, positions: 2048 });
}

/** Attention of EXAONE 4. */
export function exaoneAttention(
  config: Options,
  tensors: Tensors,
  sizes: Sizes,
  epsilon: number,
): Pick<Differences, 'windows' | 'ropes' | 'attention'> {
  const window = windowOption(config, 4096);
  // Without a window the pattern is 0, which is not read.
  const sliding = slidingLayers(config, sizes.layers, window === null ? () => false : everyNth(config, 'sliding_window_pattern', 4));
  const rope = readRope(config, sizes.headDim, sizes.maxPositions);
  return {
    windows: windowsOf(config, sliding, window),
    ropes: (layer) => (window === null || sliding(layer) ? rope : null),
    attention: ({ attention }) => headNorms(tensors, attention, sizes.headDim, epsilon),
  };
}
