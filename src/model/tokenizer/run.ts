import { utf8Length } from '../../core/textSpans.ts';

const encoder = new TextEncoder();

/**
 * Text on its way through normalizer and pre-tokenizer, which remembers what it came from. `starts` and `ends` have one
 * entry per UTF-16 unit of `text`: the range of source bytes that the character of this unit stands for (empty, at the
 * place of the next one, for what was put in). Ranges never go back; several characters may share one.
 * The same bookkeeping as `NormalizedString` of the `tokenizers` library, except that a character made of several
 * stands for all of them, not for one alone.
 */
export interface Run {
  readonly text: string;
  /** UTF-8 of the whole source. */
  readonly source: Uint8Array;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
}

/** Text as it stands in the source. */
export function sourceRun(text: string): Run {
  const starts = new Uint32Array(text.length);
  const ends = new Uint32Array(text.length);
  let byte = 0;
  for (let unit = 0; unit < text.length; ) {
    const codePoint = text.codePointAt(unit) ?? 0;
    const next = unit + (codePoint > 0xffff ? 2 : 1);
    const end = byte + utf8Length(codePoint);
    starts.fill(byte, unit, next);
    ends.fill(end, unit, next);
    byte = end;
    unit = next;
  }
  return { text, source: encoder.encode(text), starts, ends };
}

/**
 * Whether the character of the units from `from` to `to` stands for one source character of `bytes` bytes, and shares it
 * with no neighbour: it is that character. (One that only takes as many bytes may be a part of it, cut off from the rest.)
 */
export function ownsBytes(run: Run, from: number, to: number, bytes: number): boolean {
  const start = run.starts[from] ?? 0;
  const end = run.ends[to - 1] ?? start;
  if (end - start !== bytes || (run.ends[from - 1] ?? 0) > start || (run.starts[to] ?? end) < end) return false;
  return codePointOf(run.source, start, end) === run.text.codePointAt(from);
}

/** The character of a range of UTF-8; no character's code point where the range is not one. */
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

export function sliceRun(run: Run, start: number, end: number): Run {
  return { text: run.text.slice(start, end), source: run.source, starts: run.starts.subarray(start, end), ends: run.ends.subarray(start, end) };
}

/** Characters of which every one stands for the same bytes of the source. */
function constantRun({ source }: Run, text: string, start: number, end: number): Run {
  return { text, source, starts: new Uint32Array(text.length).fill(start), ends: new Uint32Array(text.length).fill(end) };
}

/** Runs of one source, one after the other. */
export function joinRuns({ source }: Run, parts: readonly Run[]): Run {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const length = parts.reduce((sum, part) => sum + part.text.length, 0);
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

/** `added` put before the run; it stands for no byte of the source. */
export function prepend(run: Run, added: string): Run {
  const at = run.starts[0] ?? 0;
  return joinRuns(run, [constantRun(run, added, at, at), run]);
}

/** Every match replaced; the replacement stands for all that the match stood for. `pattern` has the flags g and u. */
export function replaceMatches(run: Run, pattern: RegExp, content: string): Run {
  const parts: Run[] = [];
  let done = 0;
  for (const match of run.text.matchAll(pattern)) {
    const end = match.index + match[0].length;
    if (done < match.index) parts.push(sliceRun(run, done, match.index));
    // An empty match stands where the library puts it: with the character before.
    const first = match[0] === '' ? match.index - 1 : match.index;
    const at = run.starts[first] ?? 0;
    parts.push(constantRun(run, content, at, run.ends[Math.max(first, end - 1)] ?? at));
    done = end;
  }
  if (parts.length === 0) return run;
  if (done < run.text.length) parts.push(sliceRun(run, done, run.text.length));
  return joinRuns(run, parts);
}

/** Every occurrence of a UTF-16 unit replaced by another one, which stands for the same bytes. */
export function replaceUnit(run: Run, from: string, to: string): Run {
  return run.text.includes(from) ? { ...run, text: run.text.replaceAll(from, to) } : run;
}

/** Every character written as `write` says; what is written stands for the character, and for those after it that are dropped (written as nothing). */
export function mapCharacters(run: Run, write: (character: string) => string): Run {
  let text = '';
  const starts: number[] = [];
  const ends: number[] = [];
  let unit = 0;
  for (const character of run.text) {
    const written = write(character);
    text += written;
    const end = run.ends[unit] ?? 0;
    for (let i = 0; i < written.length; i++) {
      starts.push(run.starts[unit] ?? 0);
      ends.push(end);
    }
    // Not what the next character stands for too. Both halves of a surrogate pair keep one end.
    if (written === '' && (run.starts[unit + character.length] ?? end) >= end) for (let last = ends.length - 1, before = ends[last]; last >= 0 && ends[last] === before; last--) ends[last] = end;
    unit += character.length;
  }
  return text === run.text ? run : { text, source: run.source, starts: Uint32Array.from(starts), ends: Uint32Array.from(ends) };
}

/** A character of a rewritten run. `change` 0: in place of one character; 1: put in after it; -n: in place of it and the n that follow. */
export interface Change {
  readonly character: string;
  readonly change: number;
}

/** The run rewritten, after `dropped` characters at its start. As `NormalizedString::transform` of the `tokenizers` library. */
export function rewrite(run: Run, changes: readonly Change[], dropped = 0): Run {
  let unit = 0;
  const skip = (count: number): void => {
    for (let i = 0; i < count; i++) unit += (run.text.codePointAt(unit) ?? 0) > 0xffff ? 2 : 1;
  };
  skip(dropped);
  const parts: Run[] = [];
  const begin = run.starts[0] ?? 0;
  for (const { character, change } of changes) {
    const first = change > 0 ? unit - 1 : unit;
    if (change <= 0) skip(1 - change);
    parts.push(constantRun(run, character, run.starts[first] ?? begin, run.ends[unit - 1] ?? begin));
  }
  return joinRuns(run, parts);
}
