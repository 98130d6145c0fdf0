import { msg } from '../../../core/translatable.ts';
import { count, refuse, value, type Options } from '../config.ts';
import type { PerLayerInputs, PerLayerStep } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import type { Sizes } from './base.ts';

// What Gemma 3n and Gemma 4 share.

/** A whole number of at least 0; null is 0. */
export function countFrom0(config: Options, name: string, absent: number): number {
  return value(config, name) === null ? 0 : count(config, name, absent, 0);
}

/** The layer whose keys and values a layer reads: of the last `num_kv_shared_layers` the last one before them of the same kind. */
export function sourcesOf(config: Options, layers: number, sliding: (layer: number) => boolean, absent = 0): (layer: number) => number {
  const shared = countFrom0(config, 'num_kv_shared_layers', absent);
  const first = layers - shared;
  if (first < 1) refuse(config, 'num_kv_shared_layers', msg`is ${shared}, of ${layers} layers`);
  return (layer) => {
    if (layer < first) return layer;
    for (let from = first - 1; from >= 0; from--) if (sliding(from) === sliding(layer)) return from;
    return refuse(config, 'num_kv_shared_layers', msg`is ${shared}: no layer before those has keys for layer ${layer}`);
  };
}

/**
 * The vectors of its own that each layer reads. `beyond`: as in `PerLayerInputs`; absent: config.json may not have fewer rows than tokens.
 */
export function perLayerInputs(
  config: Options,
  tensors: Tensors,
  { dim, layers, vocab }: Sizes,
  { width, epsilon, beyond }: { readonly width: number; readonly epsilon: number; readonly beyond?: PerLayerInputs['beyond'] },
): PerLayerInputs {
  const rows = count(config, 'vocab_size_per_layer_input', 262_144);
  if (rows < vocab && beyond === undefined) refuse(config, 'vocab_size_per_layer_input', msg`is ${rows}, with a vocabulary of ${vocab}`);
  const prefix = tensors.has('embed_tokens.weight') ? '' : 'model.';
  return {
    table: tensors.weight(`${prefix}embed_tokens_per_layer.weight`, [rows, layers * width]),
    tableScale: Math.fround(Math.sqrt(width)),
    projection: tensors.linear(`${prefix}per_layer_model_projection`, dim, layers * width, false),
    projectionScale: dim ** -0.5,
    norm: tensors.rms(`${prefix}per_layer_projection_norm`, width, epsilon),
    width,
    scale: Math.SQRT1_2,
    ...(rows < vocab && beyond !== undefined ? { beyond } : {}),
  };
}

/** What the layer whose tensors begin with `at` makes of its vectors. */
export function perLayerStep(
  tensors: Tensors,
  at: string,
  { dim, activation }: Pick<Sizes, 'dim' | 'activation'>,
  { width }: Pick<PerLayerInputs, 'width'>,
  epsilon: number,
): PerLayerStep {
  return {
    gate: tensors.linear(`${at}.per_layer_input_gate`, dim, width, false),
    activation,
    projection: tensors.linear(`${at}.per_layer_projection`, width, dim, false),
    norm: tensors.rms(`${at}.post_per_layer_input_norm`, dim, epsilon),
  };
}
