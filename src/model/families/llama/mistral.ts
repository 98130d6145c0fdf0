import type { Options } from '../config.ts';
import { slidingLayers, windowOption, windowsOf } from '../layers.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { llamaLike, readSizes, rmsEpsilon } from './base.ts';

/** Mistral 7B and its relatives: a window in every layer, or in none. */
export function mistral(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, { dim: 4096, inner: 14_336, layers: 32, heads: 32, kvHeads: 8, vocab: 32_000, positions: 131_072 });
  const window = windowOption(config, 4096);
  return llamaLike(config, tensors, sizes, rmsEpsilon(config), { windows: () => window });
}

/** Ministral: Mistral with a window in the layers that "layer_types" names, by default in all. */
export function ministral(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, { dim: 4096, inner: 14_336, layers: 32, heads: 32, kvHeads: 8, vocab: 32_000, positions: 131_072 });
  const window = windowOption(config, 4096);
  return llamaLike(config, tensors, sizes, rmsEpsilon(config), {
    windows: windowsOf(
      config,
      slidingLayers(config, sizes.layers, () => window !== null),
      window,
    ),
  });
}
