import { count, flag, type Options } from '../config.ts';
import { slidingLayers, windowOption, windowsOf } from '../layers.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import type { RopeStyle } from '../rope.ts';
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

/**
 * Rope of the text parts of models that read pictures too: a text's positions are the same along all three axes, which makes it the
 * usual rope, by whichever name.
 */
export const VISION_ROPE: RopeStyle = { theta: 500_000, renamed: { mrope: 'default' } };

/** Text part of Qwen2-VL and Qwen2.5-VL: Qwen 2 with other defaults. */
export function qwen2Vl(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, { dim: 8192, inner: 29_568, layers: 80, heads: 64, kvHeads: 8, vocab: 152_064, positions: 32_768 });
  return llamaLike(config, tensors, sizes, rmsEpsilon(config, 1e-5), {
    biases: { qkv: true, output: false, mlp: false },
    rope: { ...VISION_ROPE, theta: 1_000_000 },
    windows: qwenWindows(config, sizes.layers, 80),
  });
}

/** Text part of Qwen3-VL: Qwen 3 with other defaults, without windows. */
export function qwen3Vl(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, { ...DEFAULTS, headDim: 128, positions: 128_000 });
  const epsilon = rmsEpsilon(config);
  return llamaLike(config, tensors, sizes, epsilon, {
    biases: attentionBias(config),
    rope: VISION_ROPE,
    attention: ({ attention }) => headNorms(tensors, attention, sizes.headDim, epsilon),
  });
}

/** Windows: with `use_sliding_window`, the layers from `max_window_layers` on have one. */
function qwenWindows(config: Options, layers: number, until = 28): (layer: number) => number | null {
  const window = flag(config, 'use_sliding_window', false) ? windowOption(config, 4096) : null;
  const first = count(config, 'max_window_layers', until, 0);
  return windowsOf(
    config,
    slidingLayers(config, layers, (layer) => window !== null && layer >= first),
    window,
  );
}
