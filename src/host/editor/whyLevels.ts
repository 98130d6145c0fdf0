import { mostImportantFirst } from '../../core/deletion.ts';

/** Shares of the largest value from which a word has the first, second and third strength of colour. */
const STRENGTHS = [0.1, 0.35, 0.7] as const;

/** Levels in which words are painted: three strengths, each against and for the token asked about. Stronger ones are higher. */
export const WHY_LEVELS = 2 * STRENGTHS.length;

/** Levels in which attention is painted, stronger ones higher. */
export const ATTENTION_LEVELS = STRENGTHS.length;

/** `weights` of which the first, if it is left out and not the only one, is 0. */
export function shownWeights(weights: Float32Array, hideFirst: boolean): Float32Array {
  return hideFirst && weights.length > 1 ? Float32Array.from(weights, (weight, index) => (index === 0 ? 0 : weight)) : weights;
}

/** Level of each weight by its share of the largest; -1: too little to be painted. `hideFirst`: whether the first is left out. */
export function attentionLevels(weights: Float32Array, hideFirst: boolean): readonly number[] {
  const shown = shownWeights(weights, hideFirst);
  const most = shown.reduce((largest, weight) => Math.max(largest, weight), 0);
  return Array.from(shown, (weight) => STRENGTHS.findLastIndex((least) => most > 0 && weight >= least * most));
}

/** Level of each value; -1: too little to be painted. */
export function whyLevels(values: readonly number[]): readonly number[] {
  const most = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  return values.map((value) => {
    const strength = STRENGTHS.findLastIndex((least) => most > 0 && Math.abs(value) >= least * most);
    return strength < 0 ? -1 : 2 * strength + (value > 0 ? 1 : 0);
  });
}

/** Indices of the `count` values that are largest in size, largest first; no zeros. */
export function strongest(values: readonly number[], count: number): readonly number[] {
  return mostImportantFirst(values.map(Math.abs))
    .slice(0, count)
    .filter((index) => values[index] !== 0);
}
