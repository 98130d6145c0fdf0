import { at } from '../../src/core/tensor.ts';
import type { LensLayer } from '../../src/core/trace.ts';
import type { LensColour } from '../settings.ts';
import { guessBits, RANK_BUCKETS, rankBucket } from './tokenColour.ts';

/** KL divergences from here on have the strongest colour. */
export const KL_FULL_BITS = 10;

/** The number a lens cell shows under the mode; NaN where it has none (nothing follows the last token). */
export function lensValue(layer: LensLayer, position: number, mode: LensColour): number {
  if (mode === 'rank') return at(layer.nextRank, position) || Number.NaN;
  const values = { probability: layer.topProbs, entropy: layer.entropy, kl: layer.kl };
  return at(values[mode], position);
}

/** Strength of the cell's colour, 0..1: a sure, right, sharp or final-like prediction is strong. NaN stays NaN. */
export function lensShare(layer: LensLayer, position: number, mode: LensColour, vocab: number): number {
  const value = lensValue(layer, position, mode);
  if (Number.isNaN(value)) return value;
  const shares: Readonly<Record<LensColour, number>> = {
    probability: value,
    rank: 1 - rankBucket(value) / (RANK_BUCKETS.length - 1),
    entropy: 1 - Math.min(1, value / guessBits(vocab)),
    kl: 1 - Math.min(1, Math.max(0, value) / KL_FULL_BITS),
  };
  return shares[mode];
}

/** The columns to draw when `width` pixels are seen from `scroll` on: [first, last), with a few beyond each edge. */
export function visibleColumns(scroll: number, width: number, column: number, count: number, beyond = 4): readonly [number, number] {
  const first = Math.max(0, Math.floor(scroll / column) - beyond);
  return [first, Math.min(count, Math.ceil((scroll + width) / column) + beyond)];
}
