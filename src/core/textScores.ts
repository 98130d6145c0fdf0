import { surprisalBits } from './probability.ts';
import type { TokenPlace } from './packedTokens.ts';

/** What a model gave the tokens of a text or of a part of it; tokens around the text (such as BOS) do not count. */
export interface ScoreTotals {
  readonly tokens: number;
  /** Tokens among them that were predicted: the first of a text without BOS is not. */
  readonly scored: number;
  /** Bytes of the scored tokens. */
  readonly bytes: number;
  /** Surprisal in bits of the scored tokens. */
  readonly bits: number;
}

/** A part of a text with the totals of its tokens. A token belongs to one part alone, so the parts' sums are the text's. */
export interface ScoredPart extends ScoreTotals {
  /** UTF-16 offsets in the text. */
  readonly start: number;
  readonly end: number;
}

/** Nothing read yet. */
export const NO_SCORES: ScoreTotals = { tokens: 0, scored: 0, bytes: 0, bits: 0 };

/** The totals with one token more. `logprob`: natural, NaN where the token was not predicted. */
export function withToken<T extends ScoreTotals>(totals: T, { special, bytes }: TokenPlace, logprob: number): T {
  if (special) return totals;
  const scored = !Number.isNaN(logprob);
  return {
    ...totals,
    tokens: totals.tokens + 1,
    scored: totals.scored + (scored ? 1 : 0),
    bytes: totals.bytes + (scored ? bytes.length : 0),
    bits: totals.bits + (scored ? surprisalBits(logprob) : 0),
  };
}

/** Bits per byte of what was scored; NaN where nothing was. */
export function bitsPerByte({ bits, bytes }: ScoreTotals): number {
  return bytes === 0 ? Number.NaN : bits / bytes;
}

/** Parts of a text that grow with its tokens, which are added in order; each call returns the parts that are whole. */
export interface Parts<P extends ScoredPart> {
  add(token: TokenPlace, logprob: number): readonly P[];
  end(): readonly P[];
}

/** A line of a text with its line end: CR LF, LF or CR. A token belongs to the line that it begins in. */
export interface ScoredLine extends ScoredPart {
  /** 1 for the first. */
  readonly line: number;
}

/** The lines of a text. */
export function lineParts(text: string): Parts<ScoredLine> {
  const ends = /\r\n|\r|\n/g;
  const lineAt = (start: number, line: number): ScoredLine => {
    ends.lastIndex = start;
    const found = ends.exec(text);
    return { ...NO_SCORES, line, start, end: found === null ? text.length : found.index + found[0].length };
  };
  let current = lineAt(0, 1);
  const upTo = (place: number): readonly ScoredLine[] => {
    const whole: ScoredLine[] = [];
    while (current.end <= place && current.end < text.length) {
      whole.push(current);
      current = lineAt(current.end, current.line + 1);
    }
    return whole;
  };
  return {
    add: (token, logprob) => {
      const whole = token.special ? [] : upTo(token.start);
      current = withToken(current, token, logprob);
      return whole;
    },
    end: () => (text === '' ? [] : [...upTo(text.length), current]),
  };
}

/**
 * The paragraphs of a text: lines between lines of white space alone. A token belongs to the paragraph that it begins in; those of the
 * white space after a paragraph are its own too, as most tokenizers make one token of both. `end` is the end of its last line.
 */
export function paragraphParts(text: string): Parts<ScoredPart> {
  const lines = lineParts(text);
  let current: ScoredPart | null = null;
  /** Whether `current` has a line that is not white space, and whether white space followed. */
  let [inked, closed] = [false, false];
  const join = (whole: readonly ScoredPart[]): readonly ScoredPart[] => {
    const done: ScoredPart[] = [];
    for (const line of whole) {
      const isBlank = text.slice(line.start, line.end).trim() === '';
      if (current !== null && !isBlank && closed) {
        done.push(current);
        [current, inked] = [null, false];
      }
      const before: ScoredPart = current ?? { ...NO_SCORES, start: line.start, end: line.start };
      const start = inked || isBlank ? before.start : line.start;
      current = { ...sumOfTotals(before, line), start, end: inked && isBlank ? before.end : line.end };
      inked ||= !isBlank;
      closed = inked && isBlank;
    }
    return done;
  };
  return {
    add: (token, logprob) => join(lines.add(token, logprob)),
    end: () => {
      const done = join(lines.end());
      return current === null ? done : [...done, current];
    },
  };
}

/** The totals of two parts together. */
export function sumOfTotals(a: ScoreTotals, b: ScoreTotals): ScoreTotals {
  return { tokens: a.tokens + b.tokens, scored: a.scored + b.scored, bytes: a.bytes + b.bytes, bits: a.bits + b.bits };
}

/**
 * A word with all of its tokens, or what stands between words. White space at the edge of a token does not make it part of a neighbour;
 * words that share a token are one.
 */
export interface ScoredWord extends ScoredPart {
  /** Whether it holds a word, not only punctuation, symbols or white space. */
  readonly word: boolean;
}

/** UTF-16 units cut into words together: the time that `Intl.Segmenter` takes grows with their square. */
const CUT_TOGETHER = 4096;
/** Of these, so many at the end are cut again with what follows them, which may be of the same word. */
const CUT_AGAIN = 256;

/** The segments of a text as `Intl.Segmenter` cuts it, in time that grows with the text. */
function* wordSegments(text: string): Generator<{ readonly start: number; readonly end: number; readonly word: boolean }> {
  const segmenter = new Intl.Segmenter('en', { granularity: 'word' });
  for (let begin = 0, next = 0; begin < text.length; begin = next) {
    const stop = begin + CUT_TOGETHER;
    for (const { index, segment, isWordLike } of segmenter.segment(text.slice(begin, stop))) {
      const start = begin + index;
      // A segment may end with what was cut off; one that fills all is taken as it is.
      if (stop < text.length && start > begin && start + segment.length > stop - CUT_AGAIN) break;
      next = start + segment.length;
      yield { start, end: next, word: isWordLike === true };
    }
  }
}

/**
 * The words of a text as Unicode's rules and ICU's dictionaries cut them (`Intl.Segmenter`): Chinese and Japanese words too. White space
 * without tokens of its own is left out.
 */
export function wordParts(text: string): Parts<ScoredWord> {
  const segments = wordSegments(text);
  let segment = { start: 0, end: 0, word: false };
  const advance = (): void => {
    const next = segments.next();
    segment = next.done === true ? { start: text.length, end: Infinity, word: false } : next.value;
  };
  let current: ScoredWord | null = null;
  return {
    add: (token, logprob) => {
      if (token.special) return [];
      const { start, end } = withoutSpace(text, token);
      const whole: ScoredWord[] = [];
      if (current === null || start >= current.end) {
        if (current !== null) whole.push(current);
        while (segment.end <= start) advance();
        current = { ...NO_SCORES, ...segment, end: Math.min(segment.end, text.length) };
      }
      while (current.end < end) {
        advance();
        current = { ...current, end: Math.min(segment.end, text.length), word: current.word || segment.word };
      }
      current = withToken(current, token, logprob);
      return whole;
    },
    end: () => (current === null ? [] : [current]),
  };
}

/** A token's place without white space at its edges; with it where it is nothing else. */
function withoutSpace(text: string, { start, end }: TokenPlace): { readonly start: number; readonly end: number } {
  const own = text.slice(start, end);
  const [from, to] = [own.length - own.trimStart().length, own.trimEnd().length];
  return from >= to ? { start, end } : { start: start + from, end: start + to };
}
