import { describe, expect, it } from 'vitest';
import { textSpans, utf8Length, wellFormed, wholeCharacters } from '../../../src/core/textSpans.ts';

/** Consecutive ranges of these lengths. */
const ranges = (...lengths: number[]): { start: number; end: number }[] => {
  let end = 0;
  return lengths.map((length) => ({ start: end, end: (end += length) }));
};

describe('textSpans', () => {
  it('places whole characters by their UTF-8 bytes', () => {
    expect(textSpans('aé中😀', ranges(1, 2, 3, 4))).toEqual([
      { start: 0, end: 1, partial: false },
      { start: 1, end: 2, partial: false },
      { start: 2, end: 3, partial: false },
      { start: 3, end: 5, partial: false },
    ]);
  });

  it('widens a token that holds part of a character to the whole of it', () => {
    expect(textSpans('a😀b', ranges(3, 1, 2))).toEqual([
      { start: 0, end: 3, partial: true },
      { start: 1, end: 3, partial: true },
      { start: 1, end: 4, partial: true },
    ]);
  });

  it('gives a token without bytes an empty place', () => {
    expect(textSpans('ab', ranges(0, 1, 0, 1, 0)).map(({ start, end }) => [start, end])).toEqual([
      [0, 0],
      [0, 1],
      [1, 1],
      [1, 2],
      [2, 2],
    ]);
  });

  it('refuses bytes that are not those of the text', () => {
    expect(() => textSpans('ab', ranges(3))).toThrow(RangeError);
    expect(() => textSpans('ab', [{ start: 1, end: 0 }])).toThrow(RangeError);
    expect(textSpans('', [])).toEqual([]);
  });
});

describe('wellFormed', () => {
  it('replaces lone surrogates only', () => {
    expect(wellFormed('\ud83d😀\ude00\ud800')).toBe('\ufffd😀\ufffd\ufffd');
  });
});

describe('wholeCharacters', () => {
  it('moves a cut out of a surrogate pair', () => {
    expect(wholeCharacters('a🙂b', 2)).toBe(1);
    expect(wholeCharacters('a🙂b', 3)).toBe(3);
  });

  it('leaves a cut after a lone surrogate, and at either end of the text', () => {
    expect(wholeCharacters('\ud83da', 1)).toBe(1);
    expect(wholeCharacters('a\ud83d', 2)).toBe(2);
    expect(wholeCharacters('a', 0)).toBe(0);
  });
});

describe('utf8Length', () => {
  it('agrees with the encoder at every boundary', () => {
    for (const codePoint of [0, 0x7f, 0x80, 0x7ff, 0x800, 0xffff, 0x10000, 0x10ffff])
      expect(utf8Length(codePoint)).toBe(new TextEncoder().encode(String.fromCodePoint(codePoint)).length);
  });
});
