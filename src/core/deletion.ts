import { uniformAt } from './random.ts';
import { at } from './tensor.ts';

/**
 * How a prediction fails as words are hidden from all later tokens, in an order (the deletion curve of Samek et al. 2017): an order that
 * puts first what the prediction depends on makes it fall early.
 */
export interface DeletionCurve {
  /** Ascending numbers of words hidden, from none to all. */
  readonly counts: Int32Array;
  /** The token's log-probability (natural) with so many hidden. */
  readonly logprob: Float32Array;
}

/** Random orders that others are compared with. */
export const RANDOM_ORDERS = 3;

/** Most points of a curve: each is a forward pass. */
const MOST_POINTS = 17;

/** Numbers of words to hide: all of them where there are few, else evenly spaced; 0 and `words` are among them. */
export function deletionCounts(words: number): Int32Array {
  const points = Math.min(words + 1, MOST_POINTS);
  if (points === 1) return Int32Array.of(0);
  return Int32Array.from({ length: points }, (_, i) => Math.round((i * words) / (points - 1)));
}

/** Indices of values from the largest to the smallest; of equal ones the first comes first. */
export function mostImportantFirst(values: ArrayLike<number>): number[] {
  return Array.from({ length: values.length }, (_, index) => index).toSorted((a, b) => at(values, b) - at(values, a));
}

/** The numbers below `count` in an order that the seed decides. */
export function randomOrder(count: number, seed: number): number[] {
  return mostImportantFirst(Float64Array.from({ length: count }, (_, index) => uniformAt(seed, index)));
}

/** The mean log-probability along the curve, between points by straight lines: the lower, the better the order. */
export function meanLogprob({ counts, logprob }: DeletionCurve): number {
  const words = at(counts, counts.length - 1);
  if (words === 0) return at(logprob, 0);
  let area = 0;
  for (let i = 1; i < counts.length; i++) area += ((at(logprob, i - 1) + at(logprob, i)) / 2) * (at(counts, i) - at(counts, i - 1));
  return area / words;
}
