import { value, type Options } from '../config.ts';
import { slidingLayers, windowOption, windowsOf } from '../layers.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { llamaLike, readSizes, rmsEpsilon } from './base.ts';

/** The rope where config.json has none. */
const ROPE = {
  rope_type: 'llama3',
  rope_theta: 1_000_000,
  factor: 16,
  original_max_position_embeddings: 8192,
  low_freq_factor: 1,
  high_freq_factor: 4,
};

/** Meta's Code World Model: Llama 3 with a window in all layers but each fourth, the first one of these. */
export function cwm(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, {
    dim: 6144,
    inner: 21_504,
    layers: 64,
    heads: 48,
    kvHeads: 8,
    headDim: 128,
    ownHeadDim: true,
    vocab: 128_256,
    positions: 131_072,
  });
  const given = value(config, 'rope_scaling') ?? value(config, 'rope_parameters') ?? null;
  const own = given === null ? { ...config, values: { ...config.values, rope_parameters: ROPE } } : config;
  return llamaLike(own, tensors, sizes, rmsEpsilon(config, 1e-5), {
    rope: { theta: 1_000_000 },
    windows: windowsOf(
      config,
      slidingLayers(config, sizes.layers, (layer) => layer % 4 !== 0),
      windowOption(config, 8192),
    ),
  });
}
