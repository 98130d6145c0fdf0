import { surprisalBits as bitsOf } from '../core/probability.ts';
import type { Explanation } from '../core/trace.ts';

/** Lower ends, in bits, of the levels of surprisal that colours tell apart. A level is an index of this list. */
export const LEVEL_BITS = [0, 1, 3, 6, 10] as const;

/** Ranges painted at once: more would slow the editor down. */
const MAX_RANGES = 1000;

/** Surprisal of token `index` in bits, or null where nothing predicted it. Shannon 1948: -log2 p. */
export function surprisalBits(explanation: Explanation, index: number): number | null {
  const logprob = explanation.logprob[index];
  return logprob === undefined || Number.isNaN(logprob) ? null : Math.max(0, bitsOf(logprob));
}

/** Level of `bits` of surprisal: the last of `LEVEL_BITS` that it reaches. */
export function surprisalLevel(bits: number): number {
  return LEVEL_BITS.findLastIndex((lower) => bits >= lower);
}

/** Mean surprisal in bits of the predicted tokens, or null where none was. */
export function meanBits(explanation: Explanation): number | null {
  const bits = explanation.tokens.flatMap((token) => (token.special ? [] : (surprisalBits(explanation, token.index) ?? [])));
  return bits.length > 0 ? bits.reduce((sum, value) => sum + value, 0) / bits.length : null;
}

export interface PaintedRange {
  readonly start: number;
  readonly end: number;
}

/** Where a token is now, and its surprisal. */
export interface PlacedToken extends PaintedRange {
  readonly bits: number | null;
}

/**
 * Ranges to paint by level, in order. Neighbours of one level are joined; where tokens share a character the more
 * surprising one has it; with too many ranges the least surprising ones are left out.
 */
export function paintedRanges(tokens: readonly PlacedToken[]): readonly (readonly PaintedRange[])[] {
  const runs: { start: number; end: number; level: number }[] = [];
  for (const token of tokens) {
    if (token.bits === null || token.end <= token.start) continue;
    const level = surprisalLevel(token.bits);
    const last = runs.at(-1);
    if (last && last.level === level && token.start <= last.end) last.end = Math.max(last.end, token.end);
    else if (last && token.start < last.end) {
      if (level < last.level) {
        if (token.end > last.end) runs.push({ start: last.end, end: token.end, level });
      } else {
        last.end = token.start;
        if (last.end <= last.start) runs.pop();
        runs.push({ start: token.start, end: token.end, level });
      }
    } else runs.push({ start: token.start, end: token.end, level });
  }
  let left = MAX_RANGES;
  const levels: PaintedRange[][] = LEVEL_BITS.map(() => []);
  for (let level = LEVEL_BITS.length - 1; level >= 0; level--) {
    const painted = runs.filter((run) => run.level === level).slice(0, left);
    left -= painted.length;
    levels[level] = painted.map(({ start, end }) => ({ start, end }));
  }
  return levels;
}
