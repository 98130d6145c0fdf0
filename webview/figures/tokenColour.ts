import { surprisalBits } from '../../src/core/probability.ts';
import { at } from '../../src/core/tensor.ts';
import type { Explanation } from '../../src/core/trace.ts';
import type { Rgb } from '../colour.ts';
import type { StripColour } from '../settings.ts';
import { colourAt, type Theme } from '../theme.ts';

/** Largest rank of each bucket (Gehrmann et al. 2019, GLTR, with the first choice apart). */
export const RANK_BUCKETS = [1, 10, 100, 1000, Infinity] as const;

/** Bucket 0..4 of a rank. */
export function rankBucket(rank: number): number {
  return RANK_BUCKETS.findIndex((limit) => rank <= limit);
}

/** Bits of a guess among the whole vocabulary: the upper end of the surprisal and entropy scales. */
export function guessBits(vocab: number): number {
  return Math.log2(vocab);
}

/** Strength of a token's colour, 0..1; NaN where nothing predicted the token. */
export function tokenShare(explanation: Explanation, index: number, mode: StripColour): number {
  const logprob = at(explanation.logprob, index);
  if (Number.isNaN(logprob)) return Number.NaN;
  const full = guessBits(explanation.model.vocab);
  const shares: Readonly<Record<StripColour, number>> = {
    surprisal: Math.min(1, surprisalBits(logprob) / full),
    entropy: Math.min(1, at(explanation.entropy, index) / full),
    probability: Math.exp(logprob),
    rank: rankBucket(at(explanation.rank, index)) / (RANK_BUCKETS.length - 1),
  };
  return shares[mode];
}

/** The scale of a mode: warm for what is unexpected, the cool hue for probability. */
export function stripScale(theme: Theme, mode: StripColour): readonly Rgb[] {
  return mode === 'probability' ? theme.cool : theme.heat;
}

/** Background of a token's chip; undefined where nothing predicted it. */
export function tokenColour(explanation: Explanation, index: number, mode: StripColour, theme: Theme): Rgb | undefined {
  const share = tokenShare(explanation, index, mode);
  return Number.isNaN(share) ? undefined : colourAt(stripScale(theme, mode), share);
}
