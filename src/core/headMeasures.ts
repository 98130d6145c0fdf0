import type { LogitQuestion } from './directParts.ts';
import { at } from './tensor.ts';

/**
 * What can be shown of one head's attention, for each query and key.
 * - `weights`: the attention after the softmax.
 * - `value-weighted`: the length of what the query takes from the key, the weight times the value through the output projection (Kobayashi
 *   et al. 2020).
 * - `gradient-x-weight`: the weight times the gradient of a logit (difference) by it: to first order what the target would lose without the
 *   weight, all others staying as they are.
 * - `cut`: how the target changes when the query does not see the key in this head, measured by running the model again; of one row.
 */
export const HEAD_MEASURES = ['weights', 'value-weighted', 'gradient-x-weight', 'cut'] as const;
export type HeadMeasure = (typeof HEAD_MEASURES)[number];

/** A number for every key that a query of one head sees. */
export interface HeadMap {
  readonly layer: number;
  readonly head: number;
  /** [T (T + 1) / 2] by rows, keys 0..query. */
  readonly values: Float32Array;
}

/** One head's weights times the gradient of a target. */
export interface HeadGradient extends HeadMap, LogitQuestion {
  /** The token's logit before a final soft cap, less the rival's. */
  readonly target: number;
}

/** What cutting edges of one head does to a target, each alone. */
export interface EdgeCuts {
  /** The keys that were cut. */
  readonly keys: Int32Array;
  /** The target with each of them cut, less the target: logits. */
  readonly changes: Float32Array;
  /** The target with nothing cut. */
  readonly target: number;
}

/** The number of a query and a key, which is not after it. */
export function headMapAt({ values }: Pick<HeadMap, 'values'>, query: number, key: number): number {
  return at(values, (query * (query + 1)) / 2 + key);
}

/** The rows of a [T, T] map up to their query's key, side by side. */
export function seenOf(data: Float32Array, tokens: number): Float32Array {
  const seen = new Float32Array((tokens * (tokens + 1)) / 2);
  for (let query = 0; query < tokens; query++)
    seen.set(data.subarray(query * tokens, query * tokens + query + 1), (query * (query + 1)) / 2);
  return seen;
}
