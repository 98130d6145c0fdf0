import { describe, expect, test } from 'vitest';
import { alignCharacters, alignIds, isPair, type AlignedSpan } from '../../../src/core/alignment.ts';
import type { Token } from '../../../src/core/trace.ts';
import { cpuMs } from '../../cpuTime.ts';

const ids = (text: string): number[] => Array.from(text, (character) => character.charCodeAt(0));

/** Spans as text: what is common as it is, what the first has alone as -x, the second as +x. */
function written(spans: readonly AlignedSpan[], a: string, b: string): string {
  const signed = (sign: string, text: string): string => (text === '' ? '' : sign + text);
  return spans
    .map(({ same, aStart, aEnd, bStart, bEnd }) =>
      same ? a.slice(aStart, aEnd) : signed('-', a.slice(aStart, aEnd)) + signed('+', b.slice(bStart, bEnd)),
    )
    .join('');
}

/** Length of a longest common subsequence by its definition: over all subsets of a short text. */
function longest(a: string, b: string): number {
  let best = 0;
  for (let mask = 0; mask < 2 ** a.length; mask++) {
    const chosen = Array.from(a).filter((_, i) => (mask >> i) & 1);
    let from = 0;
    const fits = chosen.every((character) => (from = b.indexOf(character, from) + 1) > 0);
    if (fits) best = Math.max(best, chosen.length);
  }
  return best;
}

describe('ids', () => {
  test.each([
    ['abcdef', 'abcdef', 'abcdef'],
    ['abc', 'axc', 'a-b+xc'],
    ['abc', '', '-a-b-c'],
    ['', 'ab', '+a+b'],
    ['', '', ''],
    ['abc', 'xyz', '-a-b-c+x+y+z'],
    ['aab', 'ab', 'a-ab'],
    ['the cat sat', 'the dog sat', 'the -c-a-t+d+o+g sat'],
  ])('%j and %j become %j', (a, b, expected) => expect(written(alignIds(ids(a), ids(b)), a, b)).toBe(expected));

  test('are aligned by a longest common subsequence, whole and in order', () => {
    let state = 7;
    const next = (limit: number): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % limit;
    for (let round = 0; round < 60; round++) {
      const [a, b] = [0, 1].map(() => Array.from({ length: next(9) }, () => 'abc'.charAt(next(3))).join('')) as [string, string];
      const spans = alignIds(ids(a), ids(b));
      expect(spans.filter(isPair).length, `${a} ${b}`).toBe(longest(a, b));
      for (const span of spans.filter(isPair)) expect(a[span.aStart]).toBe(b[span.bStart]);
      expect(spans.flatMap(({ aStart, aEnd }) => Array.from(a).slice(aStart, aEnd)).join('')).toBe(a);
      expect(spans.flatMap(({ bStart, bEnd }) => Array.from(b).slice(bStart, bEnd)).join('')).toBe(b);
    }
  });

  test('of long texts that differ throughout are aligned in reasonable time', () => {
    const a = Int32Array.from({ length: 1024 }, (_, i) => (i * 7919) % 500);
    const b = Int32Array.from({ length: 1024 }, (_, i) => (i * 104729) % 500);
    const start = cpuMs();
    alignIds(a, b);
    expect(cpuMs() - start).toBeLessThan(20_000);
  });
});

/** Tokens of a text from their ends; a name that begins with < is not of the text. */
function cut(text: string, pieces: readonly string[]): Token[] {
  let offset = 0;
  return pieces.map((piece, index) => {
    const special = piece.startsWith('<');
    const start = offset;
    if (!special) offset += piece.length;
    if (!special) expect(text.slice(start, offset)).toBe(piece);
    return { index, id: index, text: piece, bytes: [], start, end: offset, special, partial: false };
  });
}

describe('one text cut in two ways', () => {
  const groups = (a: readonly Token[], b: readonly Token[]): string[] =>
    alignCharacters(a, b).map(
      ({ aStart, aEnd, bStart, bEnd, same }) =>
        `${a
          .slice(aStart, aEnd)
          .map(({ text }) => text)
          .join('|')}${same ? '=' : '/'}${b
          .slice(bStart, bEnd)
          .map(({ text }) => text)
          .join('|')}`,
    );

  test('is aligned by the smallest groups of the same characters', () => {
    expect(groups(cut('unhappily so', ['un', 'happ', 'ily', ' so']), cut('unhappily so', ['unh', 'app', 'ily', ' ', 'so']))).toEqual([
      'un|happ=unh|app',
      'ily=ily',
      ' so= |so',
    ]);
  });

  test('leaves added tokens alone, on either side', () => {
    expect(groups(cut('ab', ['<s>', 'a', 'b', '</s>']), cut('ab', ['ab']))).toEqual(['<s>/', 'a|b=ab', '</s>/']);
    expect(groups(cut('ab', ['ab']), cut('ab', ['<s>', 'ab', '</s>']))).toEqual(['/<s>', 'ab=ab', '/</s>']);
  });

  test('keeps tokens that share a character together', () => {
    const parts: Token[] = [0, 1, 2].map((index) => ({
      index,
      id: index,
      text: '�',
      bytes: [0xe4 + index],
      start: 0,
      end: 1,
      special: false,
      partial: true,
    }));
    expect(alignCharacters(parts, cut('你a', ['你', 'a']))).toMatchObject([
      { aStart: 0, aEnd: 3, bStart: 0, bEnd: 1, same: true },
      { aStart: 3, aEnd: 3, bStart: 1, bEnd: 2, same: false },
    ]);
  });

  test('ends where the shorter part ends', () => {
    expect(groups(cut('abcd', ['ab', 'cd']), cut('abcd', ['abc']))).toEqual(['ab|cd/abc']);
    expect(groups(cut('abcd', ['ab', 'cd']), cut('ab', ['ab']))).toEqual(['ab=ab', 'cd/']);
    expect(groups([], cut('a', ['a']))).toEqual(['/a']);
  });
});
