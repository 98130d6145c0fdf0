import type { Token } from './trace.ts';

/** Units by which numbers of tokens are added up. */
export const TEXT_UNITS = ['token', 'word', 'line', 'sentence'] as const;
export type TextUnit = (typeof TEXT_UNITS)[number];

/** Consecutive tokens, from `first` up to but not including `end`. */
export interface TokenRun {
  readonly first: number;
  readonly end: number;
}

/**
 * The units of a text, each as the tokens it is made of: every token is in exactly one. Words and sentences are found by Unicode's rules,
 * with dictionaries for languages that write no spaces (`Intl.Segmenter`), lines by their ends. A token belongs where its characters other
 * than white space lie; one that reaches over a boundary joins the two units, and added tokens are units of their own.
 */
export function unitsOf(tokens: readonly Token[], text: string, unit: TextUnit): readonly TokenRun[] {
  if (unit === 'token') return tokens.map((_, first) => ({ first, end: first + 1 }));
  const segmentAt = segmentsOf(text, unit);
  const units: { first: number; end: number }[] = [];
  /** The last segment that the unit before reaches into; -1: none. */
  let reached = -1;
  for (const [index, token] of tokens.entries()) {
    const [start, end] = inked(text, token);
    const begins = token.special || end <= start ? -1 : (segmentAt[start] ?? -1);
    const last = units.at(-1);
    if (last !== undefined && begins >= 0 && begins === reached) last.end = index + 1;
    else units.push({ first: index, end: index + 1 });
    reached = begins < 0 ? -1 : (segmentAt[end - 1] ?? -1);
  }
  return units;
}

/** [units], the sums of the numbers of each unit's tokens. */
export function sumsOf(values: ArrayLike<number>, units: readonly TokenRun[]): Float32Array {
  return Float32Array.from(units, ({ first, end }) => {
    let sum = 0;
    for (let token = first; token < end; token++) sum += values[token] ?? 0;
    return sum;
  });
}

/** For each UTF-16 unit of the text, the number of the segment that it lies in. */
function segmentsOf(text: string, unit: Exclude<TextUnit, 'token'>): Int32Array {
  const segmentAt = new Int32Array(text.length);
  const starts =
    unit === 'line' ? lineStarts(text) : Array.from(new Intl.Segmenter(undefined, { granularity: unit }).segment(text), startOf);
  for (const [number, start] of starts.entries()) segmentAt.fill(number, start, starts[number + 1]);
  return segmentAt;
}

function startOf({ index }: { readonly index: number }): number {
  return index;
}

function lineStarts(text: string): readonly number[] {
  return [0, ...Array.from(text.matchAll(/\r\n|[\n\r\u2028\u2029]/g), ({ 0: end, index }) => index + end.length)];
}

/** The part of a token's text between its first and last character other than white space; all of it where there is none. */
function inked(text: string, { start, end }: Token): readonly [start: number, end: number] {
  const own = text.slice(start, end);
  const trimmed = own.trim();
  if (trimmed === '') return [start, end];
  const before = own.length - own.trimStart().length;
  return [start + before, start + before + trimmed.length];
}
