import { utf8Length } from '../../core/textSpans.ts';
import { UserError } from '../../core/errors.ts';
import { msg } from '../../core/translatable.ts';
import type { Pattern } from './regex/matcher.ts';

const encoder = new TextEncoder();

/**
 * Text between normalizer and pre-tokenizer, aligned with its source. `starts` and `ends` have one entry per UTF-16 unit of `text`:
 * the range of source bytes that the unit's character stands for (empty, at the place of the next one, for inserted characters).
 * Ranges are in order; several characters may share one.
 * The same bookkeeping as `NormalizedString` of the `tokenizers` library, except that a character made of several
 * stands for all of them, not for one alone.
 */
export interface SourcedText {
  readonly text: string;
  /** UTF-8 of the whole source. */
  readonly source: Uint8Array;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
}

/** Most units per source byte; U+FDFA, which NFKC expands to 18 letters, has 11 in the byte-level alphabet. */
const MAX_GROWTH = 16;
/** Allowance in units for prefixes and replacements of short texts. */
const MAX_PUT_IN = 1024;

/** Throws UserError for a run longer than its source can become; called before memory is allocated. */
export function checkGrowth({ source }: SourcedText, length: number): void {
  const most = MAX_GROWTH * source.length + MAX_PUT_IN;
  if (length > most) throw new UserError(msg`tokenizer.json: its rules make a text of ${source.length} bytes longer than ${most} letters.`);
}

/** The run of an unchanged source. */
export function sourceRun(text: string): SourcedText {
  const starts = new Uint32Array(text.length);
  const ends = new Uint32Array(text.length);
  let byte = 0;
  for (let unit = 0; unit < text.length;) {
    const codePoint = text.codePointAt(unit) ?? 0;
    const next = unit + (codePoint > 0xffff ? 2 : 1);
    const end = byte + utf8Length(codePoint);
    for (; unit < next; unit++) {
      starts[unit] = byte;
      ends[unit] = end;
    }
    byte = end;
  }
  return { text, source: encoder.encode(text), starts, ends };
}

/**
 * Whether the character of the units from `from` to `to` stands for one source character of `bytes` bytes and shares it with no
 * neighbour, so that it is that character. (The number of bytes alone does not tell: it may be a part of a character.)
 */
export function ownsBytes(run: SourcedText, from: number, to: number, bytes: number): boolean {
  const start = run.starts[from] ?? 0;
  const end = run.ends[to - 1] ?? start;
  if (end - start !== bytes || (run.ends[from - 1] ?? 0) > start || (run.starts[to] ?? end) < end) return false;
  return codePointOf(run.source, start, end) === run.text.codePointAt(from);
}

/** Code point of the character in a range of UTF-8; an invalid one where the range is not a character. */
function codePointOf(source: Uint8Array, start: number, end: number): number {
  const first = source[start] ?? 0;
  let codePoint = end - start === 1 ? first : first & (0x7f >> (end - start));
  for (let byte = start + 1; byte < end; byte++) {
    const next = source[byte] ?? 0;
    if ((next & 0xc0) !== 0x80) return -1;
    codePoint = (codePoint << 6) | (next & 0x3f);
  }
  return codePoint;
}

/** The units `start` to `end` of a run. */
export function sliceRun(run: SourcedText, start: number, end: number): SourcedText {
  return {
    text: run.text.slice(start, end),
    source: run.source,
    starts: run.starts.subarray(start, end),
    ends: run.ends.subarray(start, end),
  };
}

/** A run whose characters all stand for the same source bytes. */
function constantRun({ source }: SourcedText, text: string, start: number, end: number): SourcedText {
  return { text, source, starts: new Uint32Array(text.length).fill(start), ends: new Uint32Array(text.length).fill(end) };
}

/** Concatenation of runs of one source. */
export function joinRuns(run: SourcedText, parts: readonly SourcedText[]): SourcedText {
  const { source } = run;
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const length = parts.reduce((sum, part) => sum + part.text.length, 0);
  checkGrowth(run, length);
  const starts = new Uint32Array(length);
  const ends = new Uint32Array(length);
  let at = 0;
  for (const part of parts) {
    starts.set(part.starts, at);
    ends.set(part.ends, at);
    at += part.text.length;
  }
  return { text: parts.map((part) => part.text).join(''), source, starts, ends };
}

/** The run with the prefix `added`, which stands for no byte of the source. */
export function prepend(run: SourcedText, added: string): SourcedText {
  const at = run.starts[0] ?? 0;
  checkGrowth(run, added.length + run.text.length);
  return joinRuns(run, [constantRun(run, added, at, at), run]);
}

/** The run with every match replaced; the replacement stands for the source bytes of the match. */
export function replaceMatches(run: SourcedText, pattern: Pattern, content: string): SourcedText {
  const parts: SourcedText[] = [];
  let done = 0;
  let put = 0;
  for (const match of pattern[Symbol.matchAll](run.text)) {
    const end = match.index + match[0].length;
    if (done < match.index) parts.push(sliceRun(run, done, match.index));
    put += content.length;
    checkGrowth(run, put);
    // An empty match is aligned as in the library: with the character before.
    const first = match[0] === '' ? match.index - 1 : match.index;
    const at = run.starts[first] ?? 0;
    parts.push(constantRun(run, content, at, run.ends[Math.max(first, end - 1)] ?? at));
    done = end;
  }
  if (parts.length === 0) return run;
  if (done < run.text.length) parts.push(sliceRun(run, done, run.text.length));
  return joinRuns(run, parts);
}

/** The run with every occurrence of a UTF-16 unit replaced by another unit, which stands for the same bytes. */
export function replaceUnit(run: SourcedText, from: string, to: string): SourcedText {
  return run.text.includes(from) ? { ...run, text: run.text.replaceAll(from, to) } : run;
}

/**
 * The run with every character mapped by `write`; the result stands for the character, and for dropped characters (mapped to nothing)
 * after it.
 */
export function mapCharacters(run: SourcedText, write: (character: string) => string): SourcedText {
  let text = '';
  const starts: number[] = [];
  const ends: number[] = [];
  let unit = 0;
  for (const character of run.text) {
    const written = write(character);
    text += written;
    checkGrowth(run, text.length);
    const end = run.ends[unit] ?? 0;
    for (let i = 0; i < written.length; i++) {
      starts.push(run.starts[unit] ?? 0);
      ends.push(end);
    }
    // Without bytes shared with the next character. Both halves of a surrogate pair keep one end.
    if (written === '' && (run.starts[unit + character.length] ?? end) >= end)
      for (let last = ends.length - 1, before = ends[last]; last >= 0 && ends[last] === before; last--) ends[last] = end;
    unit += character.length;
  }
  return text === run.text ? run : { text, source: run.source, starts: Uint32Array.from(starts), ends: Uint32Array.from(ends) };
}

/** A character of a rewritten run. `change` 0: replaces one character; 1: inserted after it; -n: replaces it and the n that follow. */
export interface Change {
  readonly character: string;
  readonly change: number;
}

/** The run rewritten, after `dropped` characters at its start. As `NormalizedString::transform` of the `tokenizers` library. */
export function rewrite(run: SourcedText, changes: readonly Change[], dropped = 0): SourcedText {
  let unit = 0;
  const skip = (count: number): void => {
    for (let i = 0; i < count; i++) unit += (run.text.codePointAt(unit) ?? 0) > 0xffff ? 2 : 1;
  };
  skip(dropped);
  checkGrowth(run, changes.length);
  const parts: SourcedText[] = [];
  const begin = run.starts[0] ?? 0;
  for (const { character, change } of changes) {
    const first = change > 0 ? unit - 1 : unit;
    if (change <= 0) skip(1 - change);
    parts.push(constantRun(run, character, run.starts[first] ?? begin, run.ends[unit - 1] ?? begin));
  }
  return joinRuns(run, parts);
}
