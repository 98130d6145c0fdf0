import { at, dot, row, tensor, type Tensor } from './tensor.ts';

// Vectors of the static embedding table, typed words, and how alike vectors are.

/** The mean of some rows of the static embedding table, times `weight`. */
export interface VectorTerm {
  readonly ids: readonly number[];
  readonly weight: number;
}

/** A sum of terms: one token's row is one term of one id and weight 1; a - b + c has three terms. */
export type TableVector = readonly VectorTerm[];

/** One way to take a typed word: these tokens, the mean of their rows where there are several. */
export interface Reading {
  readonly ids: readonly number[];
  /** What each token reads as. */
  readonly pieces: readonly string[];
}

export interface Word {
  readonly text: string;
  /** The likeliest meant first; empty only for a text without tokens. */
  readonly readings: readonly Reading[];
}

export interface Words {
  readonly words: readonly Word[];
}

/** Nearest rows of the whole static table to a vector, by cosine, the vector's own tokens left out. */
export interface Neighbours {
  /** [N] best first. */
  readonly ids: Int32Array;
  /** [N] */
  readonly cosines: Float32Array;
  readonly pieces: Readonly<Record<number, string>>;
  /** Rows compared: the whole table less the vector's own tokens and rows of zeros. */
  readonly compared: number;
  /** Euclidean length of the vector. */
  readonly length: number;
}

/** Principal components of N vectors of the static table, and what they are in the whole space. */
export interface VectorMap {
  /** [N, 3] */
  readonly points: Float32Array;
  /** [3] share of the variance each component explains. */
  readonly explained: Float32Array;
  /** [N] Euclidean lengths before centring. */
  readonly norms: Float32Array;
  /** [N, N] in all dimensions. */
  readonly cosines: Float32Array;
}

/** The most probable tokens when final norm and unembedding read one token's residual after `layer` (logit lens). */
export interface LensTop {
  readonly layer: number;
  readonly token: number;
  /** [N] best first. */
  readonly ids: Int32Array;
  /** [N] */
  readonly probs: Float32Array;
  readonly pieces: Readonly<Record<number, string>>;
}

/** How alike all tokens' vectors are at one place of the residual stream. */
export interface Similarity {
  /** -1: static embedding; 0: input of the first block; i: after block i. */
  readonly layer: number;
  /** [T, T] */
  readonly cosines: Float32Array;
}

/** One word at two places, layer by layer. Index 0 is the static embedding, 1 the input of the first block, i + 1 after block i. */
export interface WordByLayer {
  /** [layers + 2] cosine of the two vectors. */
  readonly cosines: Float32Array;
  /** [layers + 2] mean cosine of any two different tokens of the first text, its first token left out; NaN where there are none. */
  readonly typical: Float32Array;
}

/** Product of two rows that begin at these places, four sums at a time so that no addition waits for the one before; accumulated in float64. */
function rowsDot(a: Float32Array, aStart: number, b: Float32Array, bStart: number, length: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let i = 0;
  for (; i + 3 < length; i += 4) {
    s0 += (a[aStart + i] ?? 0) * (b[bStart + i] ?? 0);
    s1 += (a[aStart + i + 1] ?? 0) * (b[bStart + i + 1] ?? 0);
    s2 += (a[aStart + i + 2] ?? 0) * (b[bStart + i + 2] ?? 0);
    s3 += (a[aStart + i + 3] ?? 0) * (b[bStart + i + 3] ?? 0);
  }
  for (; i < length; i++) s0 += (a[aStart + i] ?? 0) * (b[bStart + i] ?? 0);
  return s0 + s1 + (s2 + s3);
}

/** Cosine of two vectors of equal length; NaN where one is all zeros. */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return within(dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)));
}

/** Cosines of all pairs of rows. [T, D] -> [T, T]. A vector is wholly like itself: the diagonal is exactly 1. */
export function cosineMatrix(rows: Tensor): Float32Array {
  const count = at(rows.dims, 0);
  const dim = at(rows.dims, 1);
  const units = unitRows(rows).data;
  const cosines = new Float32Array(count * count);
  for (let i = 0; i < count; i++) {
    cosines[i * count + i] = Number.isNaN(at(units, i * dim)) ? Number.NaN : 1;
    for (let j = 0; j < i; j++) {
      const value = within(rowsDot(units, i * dim, units, j * dim, dim));
      cosines[i * count + j] = value;
      cosines[j * count + i] = value;
    }
  }
  return cosines;
}

/** Mean cosine over all pairs of different rows, rows before `first` left out: (|sum of units|^2 - n) / (n (n - 1)). NaN for fewer than two. */
export function meanCosine(rows: Tensor, first: number): number {
  const count = at(rows.dims, 0) - first;
  if (count < 2) return Number.NaN;
  const units = unitRows(rows);
  const sum = new Float64Array(at(rows.dims, 1));
  for (let token = first; token < first + count; token++) {
    const unit = row(units, token);
    for (let i = 0; i < sum.length; i++) sum[i] = at(sum, i) + at(unit, i);
  }
  return (dot(sum, sum) - count) / (count * (count - 1));
}

/** Each row divided by its length; a row of zeros becomes NaN. */
function unitRows(rows: Tensor): Tensor {
  const count = at(rows.dims, 0);
  const dim = at(rows.dims, 1);
  const units = new Float32Array(rows.data.length);
  for (let token = 0; token < count; token++) {
    const length = Math.sqrt(rowsDot(rows.data, token * dim, rows.data, token * dim, dim));
    for (let i = 0; i < dim; i++) units[token * dim + i] = at(rows.data, token * dim + i) / length;
  }
  return tensor(rows.dims, units);
}

/** Rounding can carry a cosine a hair outside -1..1, which it never is. */
function within(value: number): number {
  return Math.max(-1, Math.min(1, value));
}
