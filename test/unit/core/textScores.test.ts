import { describe, expect, test } from 'vitest';
import {
  bitsPerByte,
  lineParts,
  NO_SCORES,
  paragraphParts,
  withToken,
  wordParts,
  type Parts,
  type ScoredPart,
} from '../../../src/core/textScores.ts';
import type { Token } from '../../../src/core/trace.ts';

/** Tokens of these texts in a row, each of 1 bit but for the first, which nothing predicts. */
function tokensOf(texts: readonly string[]): readonly (readonly [Token, number])[] {
  let start = 0;
  return texts.map((text, index) => {
    const end = start + text.length;
    const token = { index, id: index, text, bytes: [...new TextEncoder().encode(text)], start, end, special: false, partial: false };
    start = end;
    return [token, index === 0 ? NaN : -Math.LN2];
  });
}

function partsOf<P extends ScoredPart>(texts: readonly string[], open: (text: string) => Parts<P>): readonly P[] {
  const parts = open(texts.join(''));
  return [...tokensOf(texts).flatMap(([token, logprob]) => [...parts.add(token, logprob)]), ...parts.end()];
}

const lines = (...texts: readonly string[]): readonly unknown[] =>
  partsOf(texts, lineParts).map(({ line, start, end, tokens, bits }) => [line, start, end, tokens, bits]);
const paragraphs = (...texts: readonly string[]): readonly unknown[] =>
  partsOf(texts, paragraphParts).map(({ start, end, tokens, bits }) => [texts.join('').slice(start, end), tokens, bits]);
const words = (...texts: readonly string[]): readonly unknown[] =>
  partsOf(texts, wordParts).map(({ word, start, end, tokens, bits }) => [texts.join('').slice(start, end), word, tokens, bits]);

describe('the sums of a text', () => {
  test('count what was predicted, and no token that was put around it', () => {
    const [first, second] = tokensOf(['aé', 'b']);
    const special = { ...(first?.[0] ?? tokensOf(['x'])[0]?.[0]), special: true } as Token;
    let totals = withToken(NO_SCORES, special, -5);
    expect(totals).toBe(NO_SCORES);
    expect(bitsPerByte(totals)).toBeNaN();
    for (const one of [first, second]) if (one !== undefined) totals = withToken(totals, ...one);
    expect(totals).toEqual({ tokens: 2, scored: 1, bytes: 1, bits: 1 });
    expect(bitsPerByte(totals)).toBe(1);
  });
});

test('the words of a long text are those that it has when it is cut at once', () => {
  const unit = 'The likeliest word, then 今天天气很好我们去公园散步 and 🇩🇪🇫🇷👨‍👩‍👧 or a\r\nb 1,234.5 don’t… ';
  for (const text of [unit.repeat(90), '今天天气很好我们去公园散步'.repeat(400), `${'x'.repeat(9000)} y`]) {
    const characters = Array.from(text);
    const segments = [...new Intl.Segmenter('en', { granularity: 'word' }).segment(text)].map(
      ({ segment, isWordLike }) => [segment, isWordLike === true] as const,
    );
    const found = partsOf(characters, wordParts).flatMap(({ word, start, end }) => (word ? [text.slice(start, end)] : []));
    // A word of more letters than are cut together is cut.
    expect(found.join('')).toBe(segments.flatMap(([segment, isWord]) => (isWord ? [segment] : [])).join(''));
    if (!text.startsWith('x')) expect(found).toEqual(segments.flatMap(([segment, isWord]) => (isWord ? [segment] : [])));
  }
});

describe('lines', () => {
  test('end with LF, CR LF or CR; a token is of the line it begins in', () => {
    expect(lines('a', ' b\n', 'c\r\nd', '\r', 'e')).toEqual([
      [1, 0, 4, 2, 1],
      [2, 4, 7, 1, 1],
      // Its only letter came with the line before; its line end is a token of its own.
      [3, 7, 9, 1, 1],
      [4, 9, 10, 1, 1],
    ]);
  });

  test('without a token are there, and there is none after the last line end', () => {
    expect(lines('a', '\n\n\n', 'b\n')).toEqual([
      [1, 0, 2, 2, 1],
      [2, 2, 3, 0, 0],
      [3, 3, 4, 0, 0],
      [4, 4, 6, 1, 1],
    ]);
    expect(lines('a', '\n\n')).toEqual([
      [1, 0, 2, 2, 1],
      [2, 2, 3, 0, 0],
    ]);
    expect(lines()).toEqual([]);
  });
});

describe('paragraphs', () => {
  test('are the lines between lines of white space, whose tokens are of the paragraph before', () => {
    expect(paragraphs('\n', ' \n', 'a', ' b\n', 'c', '\n\n', ' \r\n', 'd', '\n')).toEqual([
      ['a b\nc\n', 7, 6],
      ['d\n', 2, 2],
    ]);
    expect(paragraphs('a\n', '\nb\n', 'c')).toEqual([
      ['a\n', 2, 1],
      ['b\nc', 1, 1],
    ]);
  });

  test('are one where no line is of white space alone, or none is not; an empty text has none', () => {
    expect(paragraphs('a\n', 'b')).toEqual([['a\nb', 2, 1]]);
    expect(paragraphs('\n', '\n')).toEqual([['\n\n', 2, 1]]);
    expect(paragraphs()).toEqual([]);
  });
});

describe('words', () => {
  test('take all of their tokens; the space before is no other word', () => {
    expect(words('Un', 'believ', 'able', ' words', ',', ' here')).toEqual([
      ['Unbelievable', true, 3, 2],
      ['words', true, 1, 1],
      [',', false, 1, 1],
      ['here', true, 1, 1],
    ]);
  });

  test('that share a token are one; white space is one where it is a token', () => {
    expect(words('a', ' b.c', '  ', 'x', '\n')).toEqual([
      ['a', true, 1, 0],
      ['b.c', true, 1, 1],
      ['  ', false, 1, 1],
      ['x', true, 1, 1],
      ['\n', false, 1, 1],
    ]);
    expect(words('a-', 'b')).toEqual([
      ['a-', true, 1, 0],
      ['b', true, 1, 1],
    ]);
  });

  test('are found in Chinese, and parts of a character are of its word', () => {
    expect(words('今', '天', '天气', '很好')).toEqual([
      ['今天', true, 2, 1],
      ['天气', true, 1, 1],
      ['很好', true, 1, 1],
    ]);
    const parts = wordParts('😀 a');
    const [face] = tokensOf(['😀']);
    const half = face?.[0];
    expect(half === undefined ? [] : [parts.add(half, -1), parts.add({ ...half }, -1), parts.end().map(({ tokens }) => tokens)]).toEqual([
      [],
      [],
      [2],
    ]);
  });

  test('have sums that are those of the lines and of the text', () => {
    const texts = ['The', ' cat', ' sat.\n\n', 'I', "'m", ' 7', '.', '5', '  \t', 'km', '\r\n', '好', '的'];
    const sum = (parts: readonly ScoredPart[]): number => parts.reduce((all, { bits }) => all + bits, 0);
    expect(sum(partsOf(texts, wordParts))).toBe(texts.length - 1);
    expect(sum(partsOf(texts, lineParts))).toBe(texts.length - 1);
  });
});
