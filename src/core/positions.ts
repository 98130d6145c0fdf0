import { at } from './tensor.ts';

// What a model does to tell positions apart, as the Positions view reads it.

/** Vectors of sampled positions: of a model's own table, or of the formula. */
export interface PositionTable {
  /** The positions shown, [n] of `count`, and the dimensions shown, [m] of `dim`. */
  readonly positions: Int32Array;
  readonly count: number;
  readonly dimensions: Int32Array;
  readonly dim: number;
  /** [n, m] */
  readonly values: Float32Array;
  /** [n, n] of the whole vectors; 0 where one of them is 0. */
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
  /** [headDim] before and after they are turned. */
  readonly q: Float32Array;
  readonly k: Float32Array;
  readonly qTurned: Float32Array;
  readonly kTurned: Float32Array;
  /** [pairs] radians a position, at this text's length. */
  readonly frequencies: Float32Array;
  /** [pairs, 2] the numbers of a head that are turned together. */
  readonly pairs: Int32Array;
  readonly style: 'half' | 'interleaved';
  readonly theta: number;
  /** How the frequencies were stretched for longer texts: "default" is not at all. */
  readonly scaling: string;
  /** Cosines and sines are multiplied by this. */
  readonly attentionFactor: number;
  /** What q . k is multiplied by before the softmax. */
  readonly scale: number;
  /** q . k as it would be without and as it is with the rotation; where a norm follows the rotation, behind that. */
  readonly dotBefore: number;
  readonly dotAfter: number;
  /** [n] q . k of the same key where it is, and the same query 0..n-1 tokens behind it. */
  readonly byDistance: Float32Array;
  /** A norm follows the rotation. */
  readonly normed: boolean;
}

/** How positions come into layer `layer` of a model. */
export type PositionView =
  | Rotation
  /** Queries and keys of this layer are not turned, those of others are. */
  | { readonly kind: 'notTurned'; readonly layer: number }
  /** A bias on each score: [heads] slopes, and [heads, T] what each key's score gets, for a query at `query`, more than that of the query's own token. */
  | { readonly kind: 'alibi'; readonly query: number; readonly slopes: Float32Array; readonly bias: Float32Array }
  /** Added to the embedding: rows of a learned table, or sines. */
  | { readonly kind: 'learned' | 'sinusoidal'; readonly table: PositionTable }
  | { readonly kind: 'none' };

/** Positions of "Attention Is All You Need" (Vaswani et al. 2017, section 3.5): sin(p / 10000^(2i/d)) at 2i, the cosine at 2i + 1. [positions, dim] */
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

/** Cosines of every two of `count` rows of a table: [count, count]; 0 where a row is 0. */
export function cosineMatrix(table: Float32Array, count: number): Float32Array {
  const dim = count === 0 ? 0 : table.length / count;
  const rows = Array.from({ length: count }, (_, index) => table.subarray(index * dim, (index + 1) * dim));
  const lengths = rows.map((values) => Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0)));
  const cosines = new Float32Array(count * count);
  for (const [i, a] of rows.entries()) {
    for (let j = 0; j <= i; j++) {
      const b = rows[j] ?? a;
      let product = 0;
      for (let d = 0; d < dim; d++) product += at(a, d) * at(b, d);
      const size = at(lengths, i) * at(lengths, j);
      cosines[i * count + j] = cosines[j * count + i] = size === 0 ? 0 : product / size;
    }
  }
  return cosines;
}

/** Every how-manieth of `count` is shown where at most `most` are: [n] indices from 0 on. */
export function sampledIndices(count: number, most: number): Int32Array {
  const step = Math.max(1, Math.ceil(count / most));
  return Int32Array.from({ length: Math.ceil(count / step) }, (_, i) => i * step);
}

/** The table of whole rows `positions`, [n, dim], as it is shown: at most `most` of its dimensions. */
export function positionTable(rows: Float32Array, positions: Int32Array, count: number, most: number): PositionTable {
  const dim = positions.length === 0 ? 0 : rows.length / positions.length;
  const dimensions = sampledIndices(dim, most);
  const values = new Float32Array(positions.length * dimensions.length);
  for (let row = 0; row < positions.length; row++) dimensions.forEach((dimension, i) => { values[row * dimensions.length + i] = at(rows, row * dim + dimension); });
  return { positions, count, dimensions, dim, values, cosine: cosineMatrix(rows, positions.length) };
}

/** Tokens after which a pair has turned once; Infinity for one that is not turned. */
export function wavelength(frequency: number): number {
  return (2 * Math.PI) / frequency;
}
