import { alignIds } from './alignment.ts';

/** Most pairs of lines that are compared: beyond, what is between the common beginning and end of two texts is one change. */
const MOST_PAIRS = 16_000_000;

/** A part of a text in UTF-16 units. */
export interface ChangedLines {
  readonly start: number;
  readonly end: number;
}

/**
 * The runs of whole lines of `after` that `before` does not have, by a longest common subsequence of lines; ends of lines are not compared.
 * Where lines were only removed there is none.
 */
export function changedLines(before: string, after: string): readonly ChangedLines[] {
  const ids = new Map<string, number>();
  const idOf = (line: string): number => {
    const id = ids.get(line) ?? ids.size;
    ids.set(line, id);
    return id;
  };
  const [a, b] = [linesOf(before), linesOf(after)];
  const [idsA, idsB] = [a.map(({ text }) => idOf(text)), b.map(({ text }) => idOf(text))];
  const runs: { first: number; end: number }[] = [];
  for (const line of newLines(idsA, idsB)) {
    const last = runs.at(-1);
    if (last?.end === line) last.end++;
    else runs.push({ first: line, end: line + 1 });
  }
  return runs.map(({ first, end }) => ({ start: b[first]?.start ?? 0, end: b[end]?.start ?? after.length }));
}

/** Indices of the lines of `b` that are not among those common with `a`, in order. */
function newLines(a: readonly number[], b: readonly number[]): readonly number[] {
  const shorter = Math.min(a.length, b.length);
  let start = 0;
  while (start < shorter && a[start] === b[start]) start++;
  let tail = 0;
  while (tail < shorter - start && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  const inside = b.slice(start, b.length - tail);
  if ((a.length - start - tail) * inside.length > MOST_PAIRS) return inside.map((_, index) => start + index);
  return alignIds(a.slice(start, a.length - tail), inside).flatMap(({ same, bStart, bEnd }) =>
    same || bEnd === bStart ? [] : [start + bStart],
  );
}

/** The lines of a text with the places where they begin; what follows the last line's end is no line. */
function linesOf(text: string): readonly { readonly text: string; readonly start: number }[] {
  return Array.from(text.matchAll(/([^\r\n]*)(?:\r\n|\r|\n)|[^\r\n]+$/g), (found) => ({ text: found[1] ?? found[0], start: found.index }));
}
