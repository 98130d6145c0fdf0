import { at, tensor } from './tensor.ts';
import type { ModelInfo } from './trace.ts';
import { cosineMatrix } from './vectors.ts';

// How a model encodes positions, as the Positions view shows it.

/** Vectors of sampled positions, from a learned table or the sinusoidal formula. */
export interface PositionTable {
  /** The positions shown, [n] of `count`, and the dimensions shown, [m] of `dim`. */
  readonly positions: Int32Array;
  readonly count: number;
  readonly dimensions: Int32Array;
  readonly dim: number;
  /** [n, m] */
  readonly values: Float32Array;
  /** [n, n] cosines of the whole vectors; NaN where one of them is 0. */
  readonly cosine: Float32Array;
}

/** The rotation of one head's query and key, and what it does to their score (Su et al. 2021). */
export interface Rotation {
  readonly kind: 'rotary';
  readonly layer: number;
  readonly head: number;
  readonly kvHead: number;
  readonly query: number;
  readonly key: number;
  /** [headDim] before and after rotation. */
  readonly q: Float32Array;
  readonly k: Float32Array;
  readonly qRotated: Float32Array;
  readonly kRotated: Float32Array;
  /** [pairs] radians per position, at this text's length. */
  readonly frequencies: Float32Array;
  /** [pairs, 2] indices of the two numbers of a head that are rotated together. */
  readonly pairs: Int32Array;
  readonly style: 'half' | 'interleaved';
  readonly theta: number;
  /** Type of rope scaling for longer contexts; "default" is none. */
  readonly scaling: string;
  /** Cosines and sines are multiplied by this. */
  readonly attentionFactor: number;
  /** Factor of q . k before the softmax. */
  readonly scale: number;
  /** q . k without and with the rotation; where a norm follows the rotation, after that norm; times the query's factor by position. */
  readonly dotBefore: number;
  readonly dotAfter: number;
  /** [n] q . k of the key at its own position and the query moved to 0..n-1 tokens after it. */
  readonly byDistance: Float32Array;
  /** Whether a norm follows the rotation. */
  readonly normed: boolean;
}

/** How positions enter layer `layer` of a model. */
export type PositionView =
  | Rotation
  /** No rotation in this layer, although other layers rotate queries and keys. */
  | { readonly kind: 'notRotated'; readonly layer: number }
  /**
   * A bias on each score: [heads] slopes, and [heads, T] the bias of each key for the query at `query`, relative to the bias of the
   * query's own token.
   */
  | { readonly kind: 'alibi'; readonly query: number; readonly slopes: Float32Array; readonly bias: Float32Array }
  /** Added to the embedding: rows of a learned table, or sines. */
  | { readonly kind: 'learned' | 'sinusoidal'; readonly table: PositionTable }
  | { readonly kind: 'none' };

/**
 * Sinusoidal positions of Vaswani et al. 2017 (section 3.5): sin(p / 10000^(2i/d)) at 2i, the cosine at 2i + 1.
 * [positions, dim]
 */
export function sinusoidalTable(positions: ArrayLike<number>, dim: number): Float32Array {
  const table = new Float32Array(positions.length * dim);
  for (let row = 0; row < positions.length; row++) {
    for (let i = 0; i < dim; i++) {
      const angle = at(positions, row) / 10_000 ** ((i - (i % 2)) / dim);
      table[row * dim + i] = i % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
    }
  }
  return table;
}

/** Evenly spaced indices from 0, at most `most` of `count`: [n]. */
export function sampledIndices(count: number, most: number): Int32Array {
  const step = Math.max(1, Math.ceil(count / most));
  return Int32Array.from({ length: Math.ceil(count / step) }, (_, i) => i * step);
}

/** The displayed table of the whole rows `positions` [n, dim]: at most `most` of their dimensions. */
export function positionTable(rows: Float32Array, positions: Int32Array, count: number, most: number): PositionTable {
  const dim = positions.length === 0 ? 0 : rows.length / positions.length;
  const dimensions = sampledIndices(dim, most);
  const values = new Float32Array(positions.length * dimensions.length);
  for (let row = 0; row < positions.length; row++)
    dimensions.forEach((dimension, i) => {
      values[row * dimensions.length + i] = at(rows, row * dim + dimension);
    });
  return { positions, count, dimensions, dim, values, cosine: cosineMatrix(tensor([positions.length, dim], rows)) };
}

/** Tokens per full turn of a pair; Infinity for a pair that is not rotated. */
export function wavelength(frequency: number): number {
  return (2 * Math.PI) / Math.abs(frequency);
}

/** Whether layer `layer` of a model with rotary positions rotates queries and keys. */
export function rotatesIn({ traits }: Pick<ModelInfo, 'traits'>, layer: number): boolean {
  return traits === undefined || typeof traits.layers[layer]?.ropeTheta === 'number';
}

/** Whether positions are rotations, but layer `layer` has none. */
export function isUnrotated(model: Pick<ModelInfo, 'positions' | 'traits'>, layer: number): boolean {
  return model.positions === 'rotary' && !rotatesIn(model, layer);
}

/** The layer nearest to this one that rotates queries and keys, the first of two as near; this one where none does. */
export function nearestRotated(model: Pick<ModelInfo, 'traits' | 'layers'>, layer: number): number {
  for (let away = 0; away < model.layers; away++)
    for (const one of [layer - away, layer + away]) if (one >= 0 && one < model.layers && rotatesIn(model, one)) return one;
  return layer;
}
