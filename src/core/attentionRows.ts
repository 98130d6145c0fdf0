import { at } from './tensor.ts';
import type { AttentionRow } from './trace.ts';

/**
 * What is meant by a token's attention where there are several heads.
 * - `head`: the weights of one head, after softmax.
 * - `mean`: their mean over all heads of a layer.
 * - `value-weighted`: the lengths of what a layer's attention brings from each token, the values of all heads times their weights through
 *   the output projection, as shares of their sum (Kobayashi et al. 2020).
 */
export const ATTENTION_KINDS = ['head', 'mean', 'value-weighted'] as const;
export type AttentionKind = (typeof ATTENTION_KINDS)[number];

/** Whose attention is meant; `head` counts for the kind `head` alone. */
export interface AttentionChoice {
  readonly kind: AttentionKind;
  readonly layer: number;
  readonly head: number;
}

/** Most weights in one answer about rows of attention: 16 MB. */
export const MOST_WEIGHTS = 1 << 22;

/** The attention of some tokens in a row, each to itself and those before it. */
export interface AttentionRows {
  /** The first of these tokens. */
  readonly from: number;
  /** The token behind the last of them. */
  readonly to: number;
  /** [from + 1] weights of the first of them, [from + 2] of the next, and so on. */
  readonly weights: Float32Array;
}

/** Number of weights in the rows of tokens `from` to `to` (exclusive). */
export function weightsBetween(from: number, to: number): number {
  return (to * (to + 1) - from * (from + 1)) / 2;
}

/** The attention [query + 1] of one of these tokens, as a view. */
export function rowIn({ from, weights }: AttentionRows, query: number): Float32Array {
  const start = weightsBetween(from, query);
  return weights.subarray(start, start + query + 1);
}

/** The rows of tokens `from` to `to` (exclusive) of a matrix [T, T]; row = query, column = key. */
export function rowsOfMatrix(matrix: Float32Array, tokens: number, from: number, to: number): AttentionRows {
  const weights = new Float32Array(weightsBetween(from, to));
  for (let query = from; query < to; query++)
    weights.set(matrix.subarray(query * tokens, query * tokens + query + 1), weightsBetween(from, query));
  return { from, to, weights };
}

/** The end (exclusive) of the rows from `from` on that one answer holds: at least one, at most those before `to`. */
export function rowsTogether(from: number, to: number): number {
  let end = from + 1;
  while (end < to && weightsBetween(from, end + 1) <= MOST_WEIGHTS) end++;
  return end;
}

/** `values` as shares of their sum; all 0 where that is 0. */
export function sharesOf(values: Float32Array): Float32Array {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += at(values, i);
  return values.map((value) => (sum === 0 ? 0 : value / sum));
}

/** Key that a query attends to most. With `hideFirst` the first token does not count, unless it is the only one. */
export function strongestKey({ query, weights }: Pick<AttentionRow, 'query' | 'weights'>, hideFirst: boolean): number {
  let best = hideFirst && query > 0 ? 1 : 0;
  for (let key = best + 1; key <= query; key++) {
    if (at(weights, key) > at(weights, best)) best = key;
  }
  return best;
}
