import type { FilterStep } from './generationRules.ts';
import { argmax, entropyBits, softmax, topIndices } from './probability.ts';
import { at } from './tensor.ts';

/** Larger than any vocabulary, and small enough that a probability's 31 bits and an index fit in one exact whole number. */
const MAX_VOCAB = 2 ** 22;

/** Settings of the next-token draw, as transformers' generation config names them. */
export interface SamplingSettings {
  /** 0 = greedy. */
  readonly temperature: number;
  /** Keeps the k most likely tokens; 0 = all. */
  readonly topK: number;
  /** Keeps the most likely tokens until their sum reaches p; 1 = all. */
  readonly topP: number;
  /** Keeps tokens whose probability is at least this share of the largest; 0 = all. */
  readonly minP: number;
}

/** A next-token distribution before and after the sampling settings. */
export interface SampledDistribution {
  /** [vocab] softmax at the temperature, before any filter. */
  readonly probs: Float32Array;
  /** [vocab] the distribution drawn from: filtered and renormalised. */
  readonly final: Float32Array;
  /** [vocab] 1 = still possible. */
  readonly kept: Uint8Array;
  readonly steps: readonly FilterStep[];
  readonly keptCount: number;
  /** Entropy in bits of `probs` and of `final`. */
  readonly entropyBefore: number;
  readonly entropyAfter: number;
}

/**
 * Temperature, then top-k, top-p and min-p over the whole vocabulary, in the order and by the definitions of
 * transformers' logits warpers: each filter sees the distribution renormalised over what the one before left;
 * top-k keeps logits equal to the k-th; top-p keeps the token that crosses p; at least one token always stays.
 * A logit of -Infinity marks a token that a rule forbids; it is never kept. Out-of-range settings mean the nearest sensible one
 * (top-k larger than the vocabulary: all; top-p <= 0: the best token).
 */
export function sample(logits: Float32Array, settings: SamplingSettings): SampledDistribution {
  const vocab = logits.length;
  const probs = softmax(logits, Math.max(0, settings.temperature));
  const kept = Uint8Array.from(logits, (logit) => (logit === -Infinity ? 0 : 1));
  const steps: FilterStep[] = [];
  if (settings.temperature <= 0) kept.fill(0)[argmax(logits)] = 1;
  const apply = (filter: FilterStep['filter'], dropsAt: (mass: number) => (index: number) => boolean): void => {
    const mass = keptMass(probs, kept);
    const drops = dropsAt(mass);
    let [left, dropped, removed] = [0, 0, 0];
    for (let index = 0; index < vocab; index++) {
      if (kept[index] === 0) continue;
      if (!drops(index)) {
        left++;
        continue;
      }
      kept[index] = 0;
      dropped++;
      removed += at(probs, index);
    }
    steps.push({ filter, kept: left, dropped, removed: removed / mass });
  };
  const k = Math.floor(settings.topK);
  if (k > 0 && k < vocab) apply('topK', () => belowKth(logits, k));
  if (settings.topP < 1) apply('topP', (mass) => beyondNucleus(probs, kept, Math.max(0, settings.topP) * mass));
  if (settings.minP > 0) {
    const threshold = Math.min(1, settings.minP) * at(probs, argmax(probs));
    apply('minP', () => (index) => at(probs, index) < threshold);
  }
  const mass = keptMass(probs, kept);
  const final = probs.slice();
  for (let index = 0; index < vocab; index++) final[index] = kept[index] === 1 ? at(probs, index) / mass : 0;
  return {
    probs,
    final,
    kept,
    steps,
    keptCount: kept.reduce((count, one) => count + one, 0),
    entropyBefore: entropyBits(probs),
    entropyAfter: entropyBits(final),
  };
}

/** Whether a logit is below the k-th. */
function belowKth(logits: Float32Array, k: number): (index: number) => boolean {
  const threshold = at(logits, at(topIndices(logits, k), k - 1));
  return (index) => at(logits, index) < threshold;
}

/**
 * Whether an index is outside the smallest set of most likely tokens whose mass reaches `target`.
 * Of equal tokens that do not all fit, the last ones stay, as in the reference, which drops from the start of a rising order.
 */
function beyondNucleus(probs: Float32Array, kept: Uint8Array, target: number): (index: number) => boolean {
  const left = probs.slice();
  for (let index = 0; index < left.length; index++) if (kept[index] === 0) left[index] = 0;
  let sum = 0;
  let threshold = Infinity;
  let fitting = 0;
  for (const index of falling(left)) {
    const p = at(left, index);
    if (p === 0 || (threshold !== Infinity && sum >= target)) break;
    fitting = p === threshold ? fitting + 1 : 1;
    threshold = p;
    sum += p;
  }
  let excess = -fitting;
  for (const p of left) if (p === threshold) excess++;
  // Called in order of index: the first of the equal ones are the excess.
  return (index) => at(probs, index) < threshold || (at(probs, index) === threshold && excess-- > 0);
}

/** Indices of probabilities in descending order, equal ones by index. Usually few are taken: no more is sorted than that. */
function* falling(probs: Float32Array): Generator<number> {
  let done = 0;
  for (let size = 64; done < probs.length; size *= 8) {
    const order = size * 16 < probs.length ? topIndices(probs, size) : fallingOrder(probs);
    for (const index of order.subarray(done)) yield index;
    done = order.length;
  }
}

/**
 * The bit pattern of a probability rises with it, so one whole number below 2^53 holds both its place in the order and its index,
 * and is sorted without a comparison function.
 */
function fallingOrder(probs: Float32Array): Int32Array {
  const bits = new Uint32Array(probs.buffer, probs.byteOffset, probs.length);
  const keys = new Float64Array(probs.length);
  for (let index = 0; index < probs.length; index++) keys[index] = (2 ** 31 - at(bits, index)) * MAX_VOCAB + index;
  keys.sort();
  const order = new Int32Array(probs.length);
  for (let place = 0; place < order.length; place++) order[place] = at(keys, place) % MAX_VOCAB;
  return order;
}

/** Draws the token whose share of 0..1 contains `uniform`; see `Draw`. `final` [vocab] sums to 1. */
export function draw(final: Float32Array, uniform: number): Draw & { readonly index: number } {
  let last = { index: argmax(final), from: 0, to: 0 };
  for (const index of falling(final)) {
    const p = at(final, index);
    // Rounding may leave the sum slightly below `uniform`: then the last token is drawn.
    if (p === 0) break;
    last = { index, from: last.to, to: last.to + p };
    if (uniform < last.to) break;
  }
  return { uniform, ...last };
}

function keptMass(probs: Float32Array, kept: Uint8Array): number {
  let mass = 0;
  for (let i = 0; i < probs.length; i++) if (kept[i] === 1) mass += at(probs, i);
  return mass;
}

/**
 * A draw by the inverse of the cumulative distribution: tokens stand side by side in falling order of their final probability
 * (equal ones in order of id), and the token is drawn whose share of 0..1 contains the uniform number.
 */
export interface Draw {
  /** 0 <= uniform < 1 */
  readonly uniform: number;
  /** The token's share: from <= uniform < to. */
  readonly from: number;
  readonly to: number;
}
