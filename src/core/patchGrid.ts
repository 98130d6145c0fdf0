import { alignIds } from './alignment.ts';
import type { LogitQuestion } from './directParts.ts';
import { at } from './tensor.ts';

/**
 * What is taken from the clean text, cell by cell: the residual at the input of a layer, what a layer's attention or its MLP puts out, each
 * at one token; or what one head puts out at all tokens.
 */
export const PATCH_GRIDS = ['residual', 'attention', 'mlp', 'heads'] as const;
export type PatchGrid = (typeof PATCH_GRIDS)[number];

/**
 * A prediction in a corrupted text, whose numbers are replaced by those of a clean text, one cell at a time. Shares are of the logit
 * difference: 0 is that of the corrupted text, 1 that of the clean one; NaN: the clean text has no such token.
 */
export interface PatchEstimate extends LogitQuestion {
  readonly grid: PatchGrid;
  /** [T], the clean text's position for each of the corrupted text's up to `position`; -1: none. */
  readonly partners: Int32Array;
  /** The logit difference in each text. */
  readonly clean: number;
  readonly corrupted: number;
  readonly layers: number;
  /** Tokens up to the position, or heads. */
  readonly columns: number;
  /**
   * [layers, columns], estimated shares: the gradient in the corrupted text times what the cell changes (attribution patching; Syed et al.
   * 2023). True of small changes only.
   */
  readonly estimate: Float32Array;
}

/** Shares that were measured, each by a forward pass. */
export interface PatchedCells {
  /** layer * columns + column of each. */
  readonly cells: Int32Array;
  readonly shares: Float32Array;
}

/**
 * For each token of `corrupted` the position in `clean` that it corresponds to, or -1: the same position in texts of equal length, else
 * that of the same token in the longest common subsequence, and between two such pairs as many tokens that differ, in order.
 */
export function partnersOf(clean: ArrayLike<number>, corrupted: ArrayLike<number>): Int32Array {
  if (clean.length === corrupted.length) return Int32Array.from({ length: corrupted.length }, (_, i) => i);
  const partners = new Int32Array(corrupted.length).fill(-1);
  let [cleanFrom, from] = [0, 0];
  const pairUp = (cleanTo: number, to: number): void => {
    if (cleanTo - cleanFrom === to - from) for (let i = 0; i < to - from; i++) partners[from + i] = cleanFrom + i;
  };
  for (const { aStart, bStart, same } of alignIds(clean, corrupted)) {
    if (!same) continue;
    pairUp(aStart, bStart);
    partners[bStart] = aStart;
    [cleanFrom, from] = [aStart + 1, bStart + 1];
  }
  pairUp(clean.length, corrupted.length);
  return partners;
}

/** Cells in the order in which they are worth measuring: those whose estimate is largest first, either way; those without one are none. */
export function promisingFirst(estimate: ArrayLike<number>): readonly number[] {
  return Array.from({ length: estimate.length }, (_, cell) => cell)
    .filter((cell) => !Number.isNaN(at(estimate, cell)))
    .toSorted((a, b) => Math.abs(at(estimate, b)) - Math.abs(at(estimate, a)));
}
