import type { FilterStep } from './generationRules.ts';
import { argmax, entropyBits, softmax, topIndices } from './probability.ts';
import { at } from './tensor.ts';

/** Bits of a float32 probability that are not looked at when a vocabulary is divided into parts, and the number of these. */
const ROUNDED_BITS = 16;
const PARTS = 2 ** (31 - ROUNDED_BITS);

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
  const kept = new Uint8Array(vocab);
  for (let index = 0; index < vocab; index++) kept[index] = logits[index] === -Infinity ? 0 : 1;
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
      removed += probs[index] ?? 0;
    }
    steps.push({ filter, kept: left, dropped, removed: removed / mass });
  };
  const k = Math.floor(settings.topK);
  if (k > 0 && k < vocab) apply('topK', () => belowKth(logits, k));
  if (settings.topP < 1) apply('topP', (mass) => beyondNucleus(probs, kept, Math.max(0, settings.topP) * mass));
  if (settings.minP > 0) {
    const threshold = Math.min(1, settings.minP) * at(probs, argmax(probs));
    apply('minP', () => (index) => (probs[index] ?? 0) < threshold);
  }
  const mass = keptMass(probs, kept);
  const final = new Float32Array(vocab);
  let keptCount = 0;
  for (let index = 0; index < vocab; index++) {
    if (kept[index] === 0) continue;
    keptCount++;
    final[index] = (probs[index] ?? 0) / mass;
  }
  return {
    probs,
    final,
    kept,
    steps,
    keptCount,
    entropyBefore: entropyBits(probs),
    entropyAfter: entropyBits(final),
  };
}

/** Whether a logit is below the k-th. */
function belowKth(logits: Float32Array, k: number): (index: number) => boolean {
  const threshold = at(logits, at(topIndices(logits, k), k - 1));
  return (index) => (logits[index] ?? 0) < threshold;
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
  return (index) => {
    const p = probs[index] ?? 0;
    return p < threshold || (p === threshold && excess-- > 0);
  };
}

/**
 * Indices of probabilities in descending order, equal ones by index. Usually few are taken: all are divided by the first bits of their
 * probabilities, which rise with them, and a part is sorted when it is reached.
 */
function* falling(probs: Float32Array): Generator<number> {
  const bits = new Uint32Array(probs.buffer, probs.byteOffset, probs.length);
  const partOf = (index: number): number => PARTS - 1 - ((bits[index] ?? 0) >>> ROUNDED_BITS);
  const sizes = new Uint32Array(PARTS);
  for (let index = 0; index < bits.length; index++) sizes[partOf(index)] = (sizes[partOf(index)] ?? 0) + 1;
  /** Where the next index of each part is put, and at last where the part ends. */
  const ends = new Uint32Array(PARTS);
  for (let part = 1; part < PARTS; part++) ends[part] = (ends[part - 1] ?? 0) + (sizes[part - 1] ?? 0);
  const order = new Uint32Array(bits.length);
  for (let index = 0; index < bits.length; index++) {
    const part = partOf(index);
    const place = ends[part] ?? 0;
    order[place] = index;
    ends[part] = place + 1;
  }
  let from = 0;
  for (const to of ends) {
    if (to > from) yield* order.subarray(from, to).sort((a, b) => (bits[b] ?? 0) - (bits[a] ?? 0) || a - b);
    from = to;
  }
}

/** Draws the token whose share of 0..1 contains `uniform`; see `Draw`. `final` [vocab] sums to 1. */
export function draw(final: Float32Array, uniform: number): Draw & { readonly index: number } {
  let last = { index: argmax(final), from: 0, to: 0 };
  for (const index of falling(final)) {
    const p = final[index] ?? 0;
    // Rounding may leave the sum slightly below `uniform`: then the last token is drawn.
    if (p === 0) break;
    last = { index, from: last.to, to: last.to + p };
    if (uniform < last.to) break;
  }
  return { uniform, ...last };
}

function keptMass(probs: Float32Array, kept: Uint8Array): number {
  let mass = 0;
  for (let i = 0; i < probs.length; i++) if (kept[i] === 1) mass += probs[i] ?? 0;
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
