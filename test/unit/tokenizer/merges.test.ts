import { describe, expect, test } from 'vitest';
import { mergesOf, mergeSymbols, type Merges, type WordSymbol } from '../../../src/model/tokenizer/merges.ts';

const LETTERS = 'abc';

/** A vocabulary of random words, each joined from two earlier ones. */
function randomMerges(random: () => number): { readonly tokens: readonly string[]; readonly merges: Merges } {
  const tokens = Array.from(LETTERS);
  const pairs: [number, number, number][] = [];
  for (let i = 0; i < 40; i++) {
    const [left, right] = [Math.floor(random() * tokens.length), Math.floor(random() * tokens.length)];
    const joined = (tokens[left] ?? '') + (tokens[right] ?? '');
    // A token that can be made in two ways is not by the definition alone; the fixtures of the Python library have such.
    if (tokens.includes(joined)) continue;
    pairs.push([left, right, tokens.length]);
    tokens.push(joined);
  }
  return { tokens, merges: mergesOf(pairs, 100) };
}

/** The definition: again and again the first pair of the list that is there, at its leftmost place. */
function mergeSlowly(symbols: readonly WordSymbol[], merges: Merges): readonly WordSymbol[] {
  const left = [...symbols];
  for (;;) {
    const ranks = left.slice(1).map((symbol, i) => merges.rank(left[i]?.id ?? -1, symbol.id) ?? Infinity);
    const best = Math.min(...ranks);
    if (best === Infinity) return left;
    const at = ranks.indexOf(best);
    left.splice(at, 2, { id: merges.joined[best] ?? -1, start: left[at]?.start ?? 0, end: left[at + 1]?.end ?? 0 });
  }
}

/** Park and Miller 1988. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
}

const symbolsOf = (word: string): readonly WordSymbol[] =>
  Array.from(word, (letter, i) => ({ id: LETTERS.indexOf(letter), start: i, end: i + 1 }));

describe('byte pair encoding joins', () => {
  test('what its definition joins, in 500 random words', () => {
    const random = randomOf(7);
    for (let round = 0; round < 500; round++) {
      const { tokens, merges } = randomMerges(random);
      const word = Array.from({ length: 1 + Math.floor(random() * 30) }, () => LETTERS[Math.floor(random() * LETTERS.length)]).join('');
      const found = mergeSymbols(symbolsOf(word), merges);
      expect(found.map(({ id }) => tokens[id]).join('')).toBe(word);
      expect(found.every(({ id, start, end }) => tokens[id] === word.slice(start, end))).toBe(true);
      expect(found).toEqual(mergeSlowly(symbolsOf(word), merges));
    }
  });

  test('equal pairs from the left, and nothing of nothing', () => {
    const merges = mergesOf([[0, 0, 3]], 10);
    expect(mergeSymbols(symbolsOf('aaaaa'), merges).map(({ start, end }) => [start, end])).toEqual([
      [0, 2],
      [2, 4],
      [4, 5],
    ]);
    expect(mergeSymbols([], merges)).toEqual([]);
  });

  test('a word of 100,000 letters', () => {
    const merges = mergesOf(
      [
        [0, 1, 3],
        [3, 3, 4],
        [4, 4, 5],
      ],
      10,
    );
    const found = mergeSymbols(symbolsOf('ab'.repeat(50_000)), merges);
    expect(found).toHaveLength(12_500);
    expect(found.every(({ id }) => id === 5)).toBe(true);
  });
});
