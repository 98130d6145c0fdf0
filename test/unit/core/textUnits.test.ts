import { describe, expect, it } from 'vitest';
import { sumsOf, TEXT_UNITS, unitsOf } from '../../../src/core/textUnits.ts';
import type { Token } from '../../../src/core/trace.ts';

/** Tokens of these pieces after an added one, and their text. */
function read(...pieces: readonly string[]): { readonly tokens: readonly Token[]; readonly text: string } {
  const bos: Token = { index: 0, id: 0, text: '<s>', bytes: [], start: 0, end: 0, special: true, partial: false };
  let start = 0;
  const tokens = pieces.map((piece, place): Token => {
    const token = {
      index: place + 1,
      id: place + 1,
      text: piece,
      bytes: [1],
      start,
      end: start + piece.length,
      special: false,
      partial: false,
    };
    start = token.end;
    return token;
  });
  return { tokens: [bos, ...tokens], text: pieces.join('') };
}

/** The texts of the units. */
function units(unit: (typeof TEXT_UNITS)[number], ...pieces: readonly string[]): readonly string[] {
  const { tokens, text } = read(...pieces);
  return unitsOf(tokens, text, unit).map(({ first, end }) =>
    tokens
      .slice(first, end)
      .map((token) => token.text)
      .join(''),
  );
}

describe('units of a text', () => {
  it('are words, whose space before them belongs to them, and an added token by itself', () => {
    expect(units('word', 'The', ' b', 'ott', 'le', ' is', ' full', '.')).toEqual(['<s>', 'The', ' bottle', ' is', ' full', '.']);
  });

  it('are words of a language that writes no spaces', () => {
    expect(units('word', '人', '工', '智能', '是', '什', '么', '？')).toEqual(['<s>', '人工', '智能', '是', '什么', '？']);
  });

  it('are joined by a token that reaches over their boundary', () => {
    expect(units('word', '我', '是中国', '人')).toEqual(['<s>', '我是中国人']);
    expect(units('word', '北京', '是中', '国')).toEqual(['<s>', '北京', '是中国']);
  });

  it('are lines with their ends, and a line end that opens the next line’s token goes with that', () => {
    expect(units('line', 'a', ' b', '\n', 'c', '\n  d', ' e')).toEqual(['<s>', 'a b\n', 'c', '\n  d e']);
    expect(units('line', 'a', '\r\n', 'b')).toEqual(['<s>', 'a\r\n', 'b']);
  });

  it('are sentences, in English and in Chinese', () => {
    expect(units('sentence', 'It', ' rains', '.', ' I', ' stay', '.')).toEqual(['<s>', 'It rains.', ' I stay.']);
    expect(units('sentence', '下', '雨', '了', '。', '我', '在家', '。')).toEqual(['<s>', '下雨了。', '我在家。']);
  });

  it('keep parts of a character together, hold every token once, and their numbers sum to those of the tokens', () => {
    const { tokens, text } = read('x', '😀', ' y', ' z.', '\n', ' w');
    const half = tokens.flatMap((token) =>
      token.text === '😀'
        ? [
            { ...token, partial: true },
            { ...token, partial: true },
          ]
        : [token],
    );
    const values = half.map((_, index) => 2 ** index);
    for (const unit of TEXT_UNITS) {
      const found = unitsOf(half, text, unit);
      expect(found.map(({ first }) => first)).toEqual([0, ...found.slice(0, -1).map(({ end }) => end)]);
      expect(found.at(-1)?.end).toBe(half.length);
      expect(
        sumsOf(values, found).reduce((sum, value) => sum + value, 0),
        unit,
      ).toBe(2 ** half.length - 1);
    }
    expect(unitsOf(half, text, 'word')[2]).toEqual({ first: 2, end: 4 });
  });
});
