import { describe, expect, test } from 'vitest';
import { continued } from '../../../src/model/tokenizer/continuation.ts';
import { settle } from '../../../src/model/tokenizer/settle.ts';

describe('tokens made from one character', () => {
  const placed = (start: number, end: number) => ({ id: 0, start, end, marked: false });

  test('share its span: the first owns its bytes, and each holds a part only', () => {
    // "½" as 1, ⁄ and 2, between two characters of their own.
    const found = settle('a½b', [placed(0, 1), placed(1, 3), placed(1, 3), placed(1, 3), placed(3, 4)]);
    expect(found.map(({ start, end, partial }) => [start, end, partial])).toEqual([
      [0, 1, false],
      [1, 2, true],
      [1, 2, true],
      [1, 2, true],
      [2, 3, false],
    ]);
    expect(found.map(({ firstByte, endByte }) => endByte - firstByte)).toEqual([1, 2, 0, 0, 1]);
  });

  test('are two where the next begins before the first ends', () => {
    expect(settle('½', [placed(0, 2), placed(0, 2)]).map(({ partial }) => partial)).toEqual([true, true]);
  });
});

describe('a text followed by generated tokens', () => {
  const none = { ids: new Int32Array(0), tokens: [] };
  /** Each byte of "a😀b" is a token: its place in the whole, and whether it is a part of a character. */
  const bytes = [...new TextEncoder().encode('a😀b')];
  const spell = (id: number) => ({ bytes: Uint8Array.of(id), special: false, text: '' });

  test('has every byte of a character at the whole of it', () => {
    const { text, tokenized } = continued('', none, bytes, spell);
    expect(text).toBe('a😀b');
    expect(tokenized.tokens.map(({ start, end, partial }) => [start, end, partial])).toEqual([
      [0, 1, false],
      [1, 3, true],
      [1, 3, true],
      [1, 3, true],
      [1, 3, true],
      [3, 4, false],
    ]);
  });

  test('that ends inside a character shows a mark for it, which its bytes share', () => {
    const { text, tokenized } = continued('x', none, bytes.slice(0, 3), spell);
    expect(text).toBe('xa\ufffd');
    expect(tokenized.tokens.map(({ start, end }) => [start, end])).toEqual([
      [1, 2],
      [2, 3],
      [2, 3],
    ]);
  });
});
