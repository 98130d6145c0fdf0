import { surprisalBits } from './probability.ts';
import { at } from './tensor.ts';
import type { Explanation } from './trace.ts';

/**
 * Scales for the colours of surprisal:
 * - quantile: fifths of this text's tokens, from least to most surprising. With a small model every content word is at the
 *   end of a fixed scale (in Chinese and in lists four of ten tokens), with a large one hardly any;
 * - excess: surprisal minus the entropy of the prediction: how much more surprising a token was than the model expected;
 * - bits: fixed steps, the same for every text and model.
 */
export const SURPRISAL_SCALES = ['quantile', 'excess', 'bits'] as const;
/** Name of a scale. */
export type SurprisalScale = (typeof SURPRISAL_SCALES)[number];
/** The scale used until the user picks another. */
export const DEFAULT_SURPRISAL_SCALE: SurprisalScale = 'quantile';

/** Number of levels that have a colour. */
export const SURPRISAL_LEVELS = 5;
/** Lower ends, in bits, of the levels from the second on. */
const FIXED = [1, 3, 6, 10] as const;
const EXCESS = [-3, -1, 1, 3] as const;
/** Least bounds of the fifths, in bits: in a text that was predicted well throughout nothing is surprising. */
const LEAST = [0.25, 0.5, 1, 2] as const;

/** A token's value on a scale, in bits; NaN where nothing predicted it. */
export function surprisalMeasure(
  { logprob, entropy }: Pick<Explanation, 'logprob' | 'entropy'>,
  index: number,
  scale: SurprisalScale,
): number {
  const bits = Math.max(0, surprisalBits(at(logprob, index)));
  return scale === 'excess' ? bits - at(entropy, index) : bits;
}

/** Lower ends, in bits, of the levels from the second on. */
export function surprisalSteps(explanation: Pick<Explanation, 'logprob' | 'entropy'>, scale: SurprisalScale): readonly number[] {
  if (scale !== 'quantile') return scale === 'bits' ? FIXED : EXCESS;
  const { length } = explanation.logprob;
  const all = new Float64Array(length);
  let count = 0;
  // Not by `filter`, and in an array of numbers alone: a file may have some 100,000 tokens.
  for (let index = 0; index < length; index++) {
    const measure = surprisalMeasure(explanation, index, scale);
    if (Number.isFinite(measure)) all[count++] = measure;
  }
  const bits = all.subarray(0, count).sort();
  return LEAST.map((least, level) => Math.max(least, quantile(bits, (level + 1) / SURPRISAL_LEVELS)));
}

/** Level 0 to 4 of a measure: the highest whose lower end it reaches; -1 for NaN. */
export function surprisalLevel(measure: number, steps: readonly number[]): number {
  return Number.isNaN(measure) ? -1 : steps.filter((lower) => measure >= lower).length;
}

/** The value below which `share` of sorted values lie, between two of them on a straight line (Hyndman and Fan 1996, type 7). */
function quantile(sorted: Float64Array, share: number): number {
  if (sorted.length === 0) return 0;
  const place = share * (sorted.length - 1);
  const low = at(sorted, Math.floor(place));
  return low + (at(sorted, Math.ceil(place)) - low) * (place - Math.floor(place));
}
