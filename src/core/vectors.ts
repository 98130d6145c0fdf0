import { at, dot, row, tensor, type Tensor } from './tensor.ts';
import type { Token } from './trace.ts';

// Vectors of the static embedding table, typed words, and the similarity of vectors.

/** The mean of some rows of the static embedding table, times `weight`. */
export interface VectorTerm {
  readonly ids: readonly number[];
  readonly weight: number;
}

/** A sum of terms: one token's row is one term of one id and weight 1; a - b + c has three terms. */
export type TableVector = readonly VectorTerm[];

/** One tokenization of a typed word; its vector is the mean of the tokens' rows. */
export interface Reading {
  readonly ids: readonly number[];
  /** Text of each token. */
  readonly pieces: readonly string[];
}

/** A typed word with its possible tokenizations. */
export interface Word {
  readonly text: string;
  /** The most plausible tokenization first; empty only for a text without tokens. */
  readonly readings: readonly Reading[];
}

/** A text's tokens, and the length in UTF-16 units of the part that fits the model. */
export interface TextReading {
  readonly tokens: readonly Token[];
  readonly length: number;
}

/** Typed words with their tokenizations. */
export interface Words {
  readonly words: readonly Word[];
}

/**
 * How vectors are compared: `centred`, minus their mean (for rows of the static table the table's mean, for vectors of tokens in a
 * text the mean over the text without its first token), or `stored`, as they are.
 * Mu and Viswanath 2018, "All-but-the-Top": a common part makes all cosines large, and tells how frequent a token is.
 */
export type VectorFrame = 'centred' | 'stored';

/** Distribution of the cosines of random pairs, as a baseline: similarities within it are noise. */
export interface TypicalPair {
  readonly mean: number;
  /** Standard deviation. */
  readonly deviation: number;
}

/** Nearest neighbours of a vector by cosine among all rows of the static table, without the vector's own tokens. */
export interface Neighbours {
  /** [N] best first. */
  readonly ids: Int32Array;
  /** [N] */
  readonly cosines: Float32Array;
  readonly pieces: Readonly<Record<number, string>>;
  /** Number of rows compared: all but the vector's own tokens and rows of zeros. */
  readonly compared: number;
  /** Euclidean norm of the vector, minus the table's mean where vectors are compared `centred`. */
  readonly length: number;
  /** Cosines of random pairs of rows of the table, compared the same way; NaN where it has fewer than two. */
  readonly typical: TypicalPair;
}

/** N vectors of the static table projected onto their principal components, with their cosines in the whole space. */
export interface VectorMap {
  /** [N, 3] */
  readonly points: Float32Array;
  /** [3] share of the variance each component explains. */
  readonly explained: Float32Array;
  /** [N] Euclidean norms of the compared vectors. */
  readonly norms: Float32Array;
  /** [N, N] cosines in all dimensions. */
  readonly cosines: Float32Array;
  /** As in `Neighbours`. */
  readonly typical: TypicalPair;
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

/** Similarity of all pairs of token vectors at one place of the residual stream. */
export interface Similarity {
  /** -1: static embedding; 0: input of the first block; i: after block i. */
  readonly layer: number;
  /** [T, T] */
  readonly cosines: Float32Array;
  /** Mean cosine of all pairs of different tokens, without the first; NaN where there are none. */
  readonly typical: TypicalPair;
}

/** One word at two places, layer by layer. Index 0 is the static embedding, 1 the input of the first block, i + 1 after block i. */
export interface WordByLayer {
  /** [layers + 2] cosine of the two vectors. */
  readonly cosines: Float32Array;
  /** [layers + 2] mean cosine of any two different tokens of the first text, its first token left out; NaN where there are none. */
  readonly typical: Float32Array;
}

/**
 * Dot product of two rows that begin at these offsets, in four partial sums so that additions do not wait for each other;
 * accumulated in float64.
 */
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

/** Cosines of all pairs of rows. [T, D] -> [T, T]. The diagonal is exactly 1. */
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

/** Mean and standard deviation of cosines; NaN for an empty list, and where one is of a row of zeros. */
export function typicalOf(cosines: readonly number[]): TypicalPair {
  const mean = cosines.reduce((sum, value) => sum + value, 0) / cosines.length;
  return { mean, deviation: Math.sqrt(cosines.reduce((sum, value) => sum + (value - mean) ** 2, 0) / cosines.length) };
}

/** Cosines of all pairs of vectors [T, D] at a place, as they are compared. */
export function similarityOf(compared: Tensor, layer: number): Similarity {
  const cosines = cosineMatrix(compared);
  const count = at(compared.dims, 0);
  const pairs: number[] = [];
  for (let i = 2; i < count; i++) for (let j = 1; j < i; j++) pairs.push(cosines[i * count + j] ?? Number.NaN);
  return { layer, cosines, typical: typicalOf(pairs) };
}

/** Rows [N, D], each minus `centre` [D]. */
export function lessCentre(rows: Tensor, centre: ArrayLike<number>): Tensor {
  const dim = at(rows.dims, 1);
  return tensor(
    rows.dims,
    rows.data.map((value, index) => value - (centre[index % dim] ?? Number.NaN)),
  );
}

/** [D] mean in float64 of the rows of several tensors [N, D], without the first row of each; zeros where none is left. */
export function meanRow(parts: readonly Tensor[]): Float64Array {
  const sum = new Float64Array(at(parts[0]?.dims ?? [0, 0], 1));
  let count = 0;
  for (const rows of parts) {
    for (let token = 1; token < at(rows.dims, 0); token++, count++) {
      const own = row(rows, token);
      for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? Number.NaN) + (own[i] ?? Number.NaN);
    }
  }
  return sum.map((value) => value / Math.max(1, count));
}

/**
 * Mean cosine over all pairs of different rows, from row `first` on: (|sum of units|^2 - n) / (n (n - 1)). NaN for fewer
 * than two.
 */
export function meanCosine(rows: Tensor, first: number): number {
  const count = at(rows.dims, 0) - first;
  if (count < 2) return Number.NaN;
  const units = unitRows(rows);
  const sum = new Float64Array(at(rows.dims, 1));
  for (let token = first; token < first + count; token++) {
    const unit = row(units, token);
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? Number.NaN) + (unit[i] ?? Number.NaN);
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
    for (let i = 0; i < dim; i++) units[token * dim + i] = (rows.data[token * dim + i] ?? Number.NaN) / length;
  }
  return tensor(rows.dims, units);
}

/** Clamps to -1..1, which rounding can leave slightly. */
function within(value: number): number {
  return Math.max(-1, Math.min(1, value));
}
