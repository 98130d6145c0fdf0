import { areAtLeast } from '../../core/atMost.ts';
import { surprisalBits as bitsOf } from '../../core/probability.ts';
import { SURPRISAL_LEVELS } from '../../core/surprisalScale.ts';
import type { Explanation } from '../../core/trace.ts';

/** Most ranges painted: more would slow the editor down. */
const MAX_RANGES = 1000;

/** Surprisal of token `index` in bits, -log2 p (Shannon 1948); null if nothing predicted it. */
export function surprisalBits(explanation: Explanation, index: number): number | null {
  const logprob = explanation.logprob[index];
  return logprob === undefined || Number.isNaN(logprob) ? null : Math.max(0, bitsOf(logprob));
}

/** Mean surprisal in bits of the predicted tokens, without special ones; null if there are none, or not all are told. */
export function meanBits(explanation: Explanation): number | null {
  if (areAtLeast(explanation)) return null;
  const bits = explanation.tokens.flatMap((token) => (token.special ? [] : (surprisalBits(explanation, token.index) ?? [])));
  return bits.length > 0 ? bits.reduce((sum, value) => sum + value, 0) / bits.length : null;
}

/** A range of the document, [start, end) in UTF-16 units. */
export interface PaintedRange {
  readonly start: number;
  readonly end: number;
}

/** A token's present range and its level of surprisal; -1: nothing predicted it. */
export interface PlacedToken extends PaintedRange {
  readonly level: number;
}

/**
 * Ranges to paint for each level. Adjacent tokens of one level form one range; of tokens that share a character the one of the higher level
 * gets it; beyond `MAX_RANGES` ranges of the lowest levels are left out.
 */
export function paintedRanges(tokens: readonly PlacedToken[], count = SURPRISAL_LEVELS): readonly (readonly PaintedRange[])[] {
  const runs: { start: number; end: number; level: number }[] = [];
  for (const token of tokens) {
    const { level } = token;
    if (level < 0 || token.end <= token.start) continue;
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
  const levels: PaintedRange[][] = Array.from({ length: count }, () => []);
  for (let level = count - 1; level >= 0; level--) {
    const painted = runs.filter((run) => run.level === level).slice(0, left);
    left -= painted.length;
    levels[level] = painted.map(({ start, end }) => ({ start, end }));
  }
  return levels;
}
