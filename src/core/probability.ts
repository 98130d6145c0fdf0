import { erf } from './activationFunctions.ts';
import { at } from './tensor.ts';

// Loops over a vocabulary read by index: `at`, which all kinds of arrays share, takes several times as long for each number.

const LN2 = Math.log(2);

/** The number below which a standard normal variable is with this probability, between 0 and 1. */
export function normalQuantile(probability: number): number {
  let [low, high] = [-9, 9];
  for (let middle = 0; ; middle = (low + high) / 2) {
    if (middle === low || middle === high) return middle;
    if (0.5 * (1 + erf(middle * Math.SQRT1_2)) < probability) low = middle;
    else high = middle;
  }
}

/** ln(sum(exp(values))), with the largest value subtracted first so that nothing overflows. */
export function logSumExp(values: ArrayLike<number>): number {
  let max = -Infinity;
  for (let i = 0; i < values.length; i++) max = Math.max(max, values[i] ?? Number.NaN);
  if (max === -Infinity) return -Infinity;
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.exp((values[i] ?? Number.NaN) - max);
  return max + Math.log(sum);
}

/**
 * Probabilities of logits at a temperature: p = exp(z / t) / sum exp(z / t). Shape [n] -> [n].
 * Temperature 0 is the limit: all mass on the first largest logit (greedy).
 */
export function softmax(logits: ArrayLike<number>, temperature = 1): Float32Array {
  const probs = new Float32Array(logits.length);
  if (logits.length === 0) return probs;
  const best = argmax(logits);
  if (temperature === 0) {
    probs[best] = 1;
    return probs;
  }
  // The largest is subtracted before dividing: a temperature near 0 would make logits infinite.
  const largest = at(logits, best);
  const exponentials = new Float64Array(logits.length);
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += exponentials[i] = Math.exp(((logits[i] ?? Number.NaN) - largest) / temperature);
  for (let i = 0; i < probs.length; i++) probs[i] = (exponentials[i] ?? Number.NaN) / sum;
  return probs;
}

/** Index of the first largest value. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  let largest = values[0] ?? Number.NaN;
  for (let i = 1; i < values.length; i++) {
    const value = values[i] ?? Number.NaN;
    if (value > largest) [best, largest] = [i, value];
  }
  return best;
}

/** Entropy in bits of a distribution; 0 ln 0 counts as 0. */
export function entropyBits(probs: ArrayLike<number>): number {
  let nats = 0;
  for (let i = 0; i < probs.length; i++) {
    const p = probs[i] ?? Number.NaN;
    if (p > 0) nats -= p * Math.log(p);
  }
  return nats / LN2;
}

/** Surprisal in bits of an event with this natural-log probability. */
export function surprisalBits(logprob: number): number {
  return -logprob / LN2;
}

/** Rank of one logit among all: 1 = largest; equal logits share the best rank. */
export function rankOf(logits: ArrayLike<number>, index: number): number {
  const own = at(logits, index);
  let rank = 1;
  for (let i = 0; i < logits.length; i++) if ((logits[i] ?? Number.NaN) > own) rank++;
  return rank;
}

/** Indices of the `count` largest values in descending order, equal values by index. One pass with a small heap, no full sort. */
export function topIndices(values: ArrayLike<number>, count: number): Int32Array {
  const size = Math.min(count, values.length);
  const heap: number[] = [];
  /** Of the heap's root. */
  let least = -Infinity;
  /** Whether index a belongs nearer the root: the heap's root is the worst one kept. */
  const worse = (a: number, b: number): boolean => {
    const difference = at(values, a) - at(values, b);
    return difference < 0 || (difference === 0 && a > b);
  };
  const swap = (i: number, j: number): void => {
    const kept = at(heap, i);
    heap[i] = at(heap, j);
    heap[j] = kept;
  };
  const siftDown = (): void => {
    for (let parent = 0; ;) {
      const left = 2 * parent + 1;
      if (left >= heap.length) return;
      const child = left + 1 < heap.length && worse(at(heap, left + 1), at(heap, left)) ? left + 1 : left;
      if (!worse(at(heap, child), at(heap, parent))) return;
      swap(parent, child);
      parent = child;
    }
  };
  for (let i = 0; i < values.length; i++) {
    if (heap.length < size) {
      heap.push(i);
      for (let child = heap.length - 1; child > 0;) {
        const parent = (child - 1) >> 1;
        if (!worse(at(heap, child), at(heap, parent))) break;
        swap(parent, child);
        child = parent;
      }
      if (heap.length === size) least = at(values, at(heap, 0));
    } else if (size > 0 && (values[i] ?? Number.NaN) > least) {
      // An equal one comes later, and is worse than the root.
      heap[0] = i;
      siftDown();
      least = at(values, at(heap, 0));
    }
  }
  return Int32Array.from(heap.sort((a, b) => (worse(a, b) ? 1 : -1)));
}
