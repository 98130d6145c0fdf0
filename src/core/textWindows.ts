import { scoringWindows } from './scoringWindows.ts';
import type { TextWindow, Token, TokenizedText } from './trace.ts';

/** Windows begin half a window apart: a token has at least as many before it in the first window that holds it, or all there are. */
export function strideOf(length: number): number {
  return Math.max(1, Math.floor(length / 2));
}

/**
 * The windows of at most `length` tokens of a text tokenized as a whole, by the rule of `scoringWindows`. A window that would end inside
 * a character ends before it, as the next one holds all of it. Throws RangeError for a length below 2.
 */
export function textWindows(tokens: readonly Token[], length: number): readonly TextWindow[] {
  let enter = 0;
  return scoringWindows(tokens.length, { length, stride: strideOf(length) }).map(({ begin, end: most }) => {
    const end = wholeEnd(tokens, begin, most);
    const entered = enter;
    enter = end;
    return {
      begin,
      end,
      start: tokens[begin]?.start ?? 0,
      stop: tokens[end - 1]?.end ?? 0,
      enter: tokens[entered]?.start ?? 0,
    };
  });
}

/** The last place at most `end` at which no character is cut; `end` itself where that would leave nothing. */
function wholeEnd(tokens: readonly Token[], begin: number, end: number): number {
  const isCut = (at: number): boolean => (tokens[at]?.start ?? Infinity) < (tokens[at - 1]?.end ?? 0);
  let whole = end;
  while (whole > begin && isCut(whole)) whole--;
  return whole > begin ? whole : end;
}

/**
 * Index of the first window that holds the character at `offset`, and with it what precedes the character; beyond the text, of the last
 * window.
 */
export function windowHolding(tokens: readonly Token[], windows: readonly TextWindow[], offset: number): number {
  const after = tokens.findIndex(({ start }) => start > offset);
  const token = after === -1 ? tokens.length - 1 : Math.max(0, after - 1);
  const holding = windows.findIndex(({ end }) => end > token);
  return holding === -1 ? windows.length - 1 : holding;
}

/** The tokens of a window, with their places in its own text. */
export function tokensOfWindow({ ids, tokens }: TokenizedText, { begin, end, start }: TextWindow): TokenizedText {
  return {
    ids: ids.slice(begin, end),
    tokens: tokens
      .slice(begin, end)
      .map((token, index) => ({ ...token, index, start: Math.max(0, token.start - start), end: Math.max(0, token.end - start) })),
  };
}

/** First and last line of a part of a text, counted from `first` at the text's start. */
export type LineRange = readonly [first: number, last: number];

/** The lines of parts of a text, which are in order of their starts; lines end as in an editor, with \n, \r\n or \r. */
export function linesOf(text: string, parts: readonly Pick<TextWindow, 'start' | 'stop'>[], first = 1): readonly LineRange[] {
  const begins = lineBegins(text);
  const lineAt = (offset: number): number => first + lastAtMost(begins, offset);
  // What ends with a line's end does not reach into the next line.
  return parts.map(({ start, stop }) => [lineAt(start), lineAt(Math.max(start, stop - 1))]);
}

/** The offsets at which lines begin. */
function lineBegins(text: string): readonly number[] {
  return [0, ...Array.from(text.matchAll(/\r\n|\n|\r/g), (end) => end.index + end[0].length)];
}

/** Index of the last of the ascending `values` that is at most `limit`; -1: none. */
function lastAtMost(values: readonly number[], limit: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] ?? Infinity) <= limit) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
