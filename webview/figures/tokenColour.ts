import { at } from '../../src/core/tensor.ts';
import { SURPRISAL_LEVELS, surprisalLevel, surprisalMeasure, surprisalSteps, type SurprisalScale } from '../../src/core/surprisalScale.ts';
import type { Explanation } from '../../src/core/trace.ts';
import type { Rgb } from '../colour.ts';
import type { StripColour } from '../viewSettings.ts';
import { colourAt, type Theme } from '../theme.ts';

/** Largest rank of each bucket (Gehrmann et al. 2019, GLTR, with the first rank apart). */
export const RANK_BUCKETS = [1, 10, 100, 1000, Infinity] as const;

/** Bucket 0..4 of a rank. */
export function rankBucket(rank: number): number {
  return RANK_BUCKETS.findIndex((limit) => rank <= limit);
}

/** Entropy in bits of a uniform guess among the whole vocabulary: the upper end of the entropy scale. */
export function guessBits(vocab: number): number {
  return Math.log2(vocab);
}

/** Whether a measure needs the entropy of the whole distribution, which no engine returns. */
export function needsEntropy(mode: StripColour, scale: SurprisalScale): boolean {
  return mode === 'entropy' || (mode === 'surprisal' && scale === 'excess');
}

/**
 * Strength of a token's colour, 0..1; NaN if nothing predicted the token, or the measure was not returned. Surprisal has the same levels as
 * the editor's colours.
 */
export function tokenShare(explanation: Explanation, index: number, mode: StripColour, scale: SurprisalScale): number {
  const logprob = at(explanation.logprob, index);
  if (Number.isNaN(logprob)) return Number.NaN;
  const { served } = explanation.model;
  if (served !== undefined && needsEntropy(mode, scale)) return Number.NaN;
  // Behind the alternatives that were returned.
  const rank = at(explanation.rank, index) || (explanation.topK > 0 ? explanation.topK + 1 : Number.NaN);
  if (mode === 'rank' && Number.isNaN(rank)) return Number.NaN;
  const full = guessBits(explanation.model.vocab);
  const shares: Readonly<Record<StripColour, number>> = {
    surprisal: surprisalLevel(surprisalMeasure(explanation, index, scale), stepsOf(explanation, scale)) / (SURPRISAL_LEVELS - 1),
    entropy: Math.min(1, at(explanation.entropy, index) / full),
    probability: Math.exp(logprob),
    rank: rankBucket(rank) / (RANK_BUCKETS.length - 1),
  };
  return shares[mode];
}

const knownSteps = new WeakMap<Explanation, Map<SurprisalScale, readonly number[]>>();

/** The steps of a surprisal scale for this text; computed once per explanation. */
export function stepsOf(explanation: Explanation, scale: SurprisalScale): readonly number[] {
  const known = knownSteps.get(explanation) ?? new Map<SurprisalScale, readonly number[]>();
  knownSteps.set(explanation, known);
  const steps = known.get(scale) ?? surprisalSteps(explanation, scale);
  known.set(scale, steps);
  return steps;
}

/** Colour scale of a mode: warm for what is unexpected, cool for probability. */
export function stripScale(theme: Theme, mode: StripColour): readonly Rgb[] {
  return mode === 'probability' ? theme.cool : mode === 'surprisal' ? theme.levels : theme.heat;
}

/** Background of a token's chip; undefined if nothing predicted the token. */
export function tokenColour(
  explanation: Explanation,
  index: number,
  mode: StripColour,
  theme: Theme,
  scale: SurprisalScale,
): Rgb | undefined {
  const share = tokenShare(explanation, index, mode, scale);
  return Number.isNaN(share) ? undefined : colourAt(stripScale(theme, mode), share);
}
