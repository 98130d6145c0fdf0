import { describe, expect, it } from 'vitest';
import { scoringWindows } from '../../../src/core/scoringWindows.ts';
import { linesOf, strideOf, textWindows, tokensOfWindow, windowHolding } from '../../../src/core/textWindows.ts';
import { wellFormed } from '../../../src/core/textSpans.ts';
import type { Token, TokenizedText } from '../../../src/core/trace.ts';

/** A text of pieces, each a token; a piece made of several tokens is given by their number. */
function tokenized(pieces: readonly (string | readonly [string, number])[]): { readonly text: string; readonly whole: TokenizedText } {
  const tokens: Token[] = [];
  let text = '';
  for (const piece of pieces) {
    const [own, count] = typeof piece === 'string' ? [piece, 1] : piece;
    for (let part = 0; part < count; part++)
      tokens.push({
        index: tokens.length,
        id: 100 + tokens.length,
        text: own,
        bytes: [],
        start: text.length,
        end: text.length + own.length,
        special: false,
        partial: count > 1,
      });
    text += own;
  }
  return { text, whole: { ids: Int32Array.from(tokens, ({ id }) => id), tokens } };
}

const plain = tokenized(Array.from({ length: 23 }, (_, i) => `${i} `));

describe('windows of a text', () => {
  it.each([2, 3, 8, 22, 23, 40])('of %d tokens lie as those that score it, half a window apart', (length) => {
    const windows = textWindows(plain.whole.tokens, length);
    const rule = scoringWindows(23, { length, stride: Math.max(1, Math.floor(length / 2)) });
    expect(windows.map(({ begin, end }) => [begin, end])).toEqual(rule.map(({ begin, end }) => [begin, end]));
    expect(windows.map(({ enter }) => enter)).toEqual([
      0,
      ...rule.slice(1).map(({ scoredFrom }) => plain.whole.tokens[scoredFrom]?.start ?? -1),
    ]);
    for (const { begin, end, start, stop } of windows)
      expect(plain.text.slice(start, stop)).toBe(
        plain.whole.tokens
          .slice(begin, end)
          .map(({ text }) => text)
          .join(''),
      );
    expect(strideOf(length)).toBe(Math.floor(length / 2));
  });

  it('hold the tokens of the whole, with their places in the window', () => {
    for (const window of textWindows(plain.whole.tokens, 8)) {
      const own = tokensOfWindow(plain.whole, window);
      expect(Array.from(own.ids)).toEqual(Array.from(plain.whole.ids.slice(window.begin, window.end)));
      expect(own.tokens.map(({ index }) => index)).toEqual([...own.ids.keys()]);
      const text = plain.text.slice(window.start, window.stop);
      for (const token of own.tokens) expect(text.slice(token.start, token.end)).toBe(token.text);
    }
  });

  it('are found by an offset: each by where it enters new text, and the last by what lies beyond', () => {
    for (const length of [2, 3, 8, 22]) {
      const windows = textWindows(plain.whole.tokens, length);
      for (const [index, { enter, stop }] of windows.entries()) {
        expect(windowHolding(plain.whole.tokens, windows, enter)).toBe(index);
        expect(windowHolding(plain.whole.tokens, windows, stop - 1)).toBe(index);
      }
      expect(windowHolding(plain.whole.tokens, windows, 1e6)).toBe(windows.length - 1);
    }
  });

  it('never end within a character, whose tokens the next one holds together', () => {
    const { text, whole } = tokenized(['a', 'b', 'c', ['😀', 4], 'd', ['é', 2], 'e', 'f', ['😀', 4], 'g']);
    for (let length = 9; length < whole.tokens.length; length++) {
      const windows = textWindows(whole.tokens, length);
      expect(windows.at(-1)?.end).toBe(whole.tokens.length);
      for (const [index, { begin, end, start, stop, enter }] of windows.entries()) {
        expect(end - begin).toBeLessThanOrEqual(length);
        expect(whole.tokens[end]?.start ?? Infinity).toBeGreaterThanOrEqual(whole.tokens[end - 1]?.end ?? 0);
        expect(text.slice(start, stop)).toBe(wellFormed(text.slice(start, stop)));
        expect(text.slice(start, stop).startsWith(whole.tokens[begin]?.text ?? '')).toBe(true);
        expect(windowHolding(whole.tokens, windows, enter)).toBe(index);
      }
    }
  });

  it('of fewer tokens than a character has still go through the text', () => {
    const { whole } = tokenized([
      ['😀', 4],
      ['😀', 4],
    ]);
    const windows = textWindows(whole.tokens, 2);
    expect(windows.every(({ begin, end }) => end > begin)).toBe(true);
    expect(windows.at(-1)?.end).toBe(8);
  });
});

describe('lines', () => {
  const text = 'one\ntwo\r\nthree\rfour\n';
  const part = (start: number, stop: number) => ({ start, stop });

  it('are counted as in an editor, from a given one', () => {
    expect(linesOf(text, [part(0, text.length), part(4, 7), part(9, 14), part(15, 16)])).toEqual([
      [1, 4],
      [2, 2],
      [3, 3],
      [4, 4],
    ]);
    expect(linesOf(text, [part(4, 12)], 100)).toEqual([[101, 102]]);
  });

  it('hold their ends, also where a window is cut between the two characters of one', () => {
    expect(linesOf(text, [part(0, 4), part(0, 8), part(8, 9), part(8, 10)])).toEqual([
      [1, 1],
      [1, 2],
      [2, 2],
      [2, 3],
    ]);
  });
});
