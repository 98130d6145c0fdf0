import { count, flag, type Options } from '../config.ts';
import { slidingLayers, windowOption, windowsOf } from '../layers.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { attentionBias, headNorms, llamaLike, readSizes, rmsEpsilon, type Defaults } from './base.ts';

const DEFAULTS: Defaults = { dim: 4096, inner: 22_016, layers: 32, heads: 32, kvHeads: 32, vocab: 151_936, positions: 32_768 };

/** Qwen 1.5 to 2.5: biases on queries, keys and values. */
export function qwen2(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, DEFAULTS);
  return llamaLike(config, tensors, sizes, rmsEpsilon(config), {
    biases: { qkv: true, output: false, mlp: false },
    windows: qwenWindows(config, sizes.layers),
  });
}

/** Qwen 3: queries and keys are normalised per head. */
export function qwen3(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, { ...DEFAULTS, headDim: 128 });
  const epsilon = rmsEpsilon(config);
  return llamaLike(config, tensors, sizes, epsilon, {
    biases: attentionBias(config),
    windows: qwenWindows(config, sizes.layers),
    attention: ({ attention }) => headNorms(tensors, attention, sizes.headDim, epsilon),
  });
}

/** Windows: with `use_sliding_window`, the layers from `max_window_layers` on have one. */
function qwenWindows(config: Options, layers: number): (layer: number) => number | null {
  const window = flag(config, 'use_sliding_window', false) ? windowOption(config, 4096) : null;
  const first = count(config, 'max_window_layers', 28, 0);
  return windowsOf(
    config,
    slidingLayers(config, layers, (layer) => window !== null && layer >= first),
    window,
  );
}
