import { msg } from '../../../core/translatable.ts';
import { count, number, options, refuse, value, type Options } from '../config.ts';
import { slidingLayers, windowOption, windowsOf } from '../layers.ts';
import type { DecoderSpec, QueryScale } from '../spec.ts';
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

/** The rope of Ministral 3 where config.json has none. */
const YARN = {
  rope_type: 'yarn',
  rope_theta: 1_000_000,
  factor: 16,
  original_max_position_embeddings: 16_384,
  beta_fast: 32,
  beta_slow: 1,
  mscale: 1,
  mscale_all_dim: 1,
  llama_4_scaling_beta: 0.1,
};

/** How queries grow with their position, by a rope's `llama_4_scaling_beta`. Throws UserError where that is missing. */
export function queryScaleOption(rope: Options, maxPositions: number): QueryScale {
  if (value(rope, 'llama_4_scaling_beta') === undefined) refuse(rope, 'llama_4_scaling_beta', msg`is missing`);
  return {
    beta: number(rope, 'llama_4_scaling_beta'),
    trained: count(rope, 'original_max_position_embeddings', maxPositions),
    from: 0,
  };
}

/** Ministral 3: Mistral whose queries grow with their position. */
export function ministral3(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, {
    dim: 4096,
    inner: 14_336,
    layers: 34,
    heads: 32,
    kvHeads: 8,
    headDim: 128,
    ownHeadDim: true,
    vocab: 131_072,
    positions: 262_144,
  });
  const given = value(config, 'rope_parameters') ?? value(config, 'rope_scaling') ?? null;
  const roped = given === null ? { ...config, values: { ...config.values, rope_parameters: YARN } } : config;
  const rope = options(given ?? YARN, 'rope_parameters');
  const queryScale = queryScaleOption(rope, sizes.maxPositions);
  const window = windowOption(config, null);
  return llamaLike(roped, tensors, sizes, rmsEpsilon(config, 1e-5), { windows: () => window, attention: () => ({ queryScale }) });
}
