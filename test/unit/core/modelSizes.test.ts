import { expect, it } from 'vitest';
import { compareSizes, fitSizes, type SizedReading } from '../../../src/core/modelSizes.ts';
import type { Token } from '../../../src/core/trace.ts';

/** Tokens of a text cut before these offsets, with log-probabilities in bits and ranks. */
function reading(text: string, cuts: readonly number[], bits: readonly number[], ranks: readonly number[]): SizedReading {
  const tokens = cuts.map((start, index): Token => {
    const end = cuts[index + 1] ?? text.length;
    const own = text.slice(start, end);
    return { index, id: index, text: own, bytes: [...Buffer.from(own)], start, end, special: false, partial: false };
  });
  return { parameters: 1, tokens, logprob: Float32Array.from(bits, (each) => -each * Math.LN2), rank: Int32Array.from(ranks) };
}

const TEXT = 'one two three';

it('spans are the smallest that the tokens of all models cover alike', () => {
  const a = reading(TEXT, [0, 3, 7], [1, 2, 3], [1, 1, 2]);
  const b = reading(TEXT, [0, 1, 3, 8], [1, 1, 4, 1], [1, 1, 1, 1]);
  const { spans, bytes, bitsPerByte } = compareSizes(TEXT, [a, b]);
  expect(spans.map(({ start, end, tokens, first }) => [TEXT.slice(start, end), [...tokens], first])).toEqual([
    ['one', [1, 2], 0],
    [' two three', [2, 2], 1],
  ]);
  expect(spans.map(({ bits }) => Array.from(bits, (each) => Math.round(each)))).toEqual([
    [1, 2],
    [5, 5],
  ]);
  expect(bytes).toBe(13);
  expect(bitsPerByte[1]).toBeCloseTo(7 / 13);
});

it('what one model did not predict counts for none', () => {
  const a = reading(TEXT, [0, 3, 7], [Number.NaN, 2, 3], [0, 1, 2]);
  const b = reading(TEXT, [0, 3, 7], [9, 1, 1], [2, 2, 2]);
  const { bytes, bits, spans } = compareSizes(TEXT, [a, b]);
  expect([bytes, Math.round(bits[0] ?? 0), Math.round(bits[1] ?? 0)]).toEqual([10, 5, 2]);
  expect(spans.map(({ first }) => first)).toEqual([-1, 0, -1]);
});

it('tokens that share a character stay together, and those around the text are in no span', () => {
  const emoji = '🦜!';
  const half = { text: '\ufffd', start: 0, end: 2, partial: true, special: false, id: 0 };
  const bos: Token = { index: 0, id: 0, text: '<s>', bytes: [], start: 0, end: 0, special: true, partial: false };
  const tokens: readonly Token[] = [
    bos,
    { ...half, index: 1, bytes: [0xf0, 0x9f] },
    { ...half, index: 2, bytes: [0xa6, 0x9c] },
    { index: 3, id: 1, text: '!', bytes: [0x21], start: 2, end: 3, special: false, partial: false },
  ];
  const split: SizedReading = { parameters: 2, tokens, logprob: Float32Array.of(Number.NaN, -1, -1, -1), rank: Int32Array.of(0, 1, 1, 1) };
  const { spans } = compareSizes(emoji, [split, reading(emoji, [0, 2], [1, 1], [1, 1])]);
  expect(spans.map(({ start, end, bytes, tokens: counts }) => [start, end, bytes, [...counts]])).toEqual([
    [0, 2, 4, [2, 1]],
    [2, 3, 1, [1, 1]],
  ]);
});

it('a power law is found again, with no residuals, and from four sizes on only', () => {
  const sizes = [1e6, 1e7, 1e8, 1e9];
  const fit = fitSizes(
    sizes,
    sizes.map((size) => 5 * size ** -0.07),
  );
  expect([fit?.exponent, fit?.factor]).toEqual([expect.closeTo(-0.07), expect.closeTo(5)]);
  for (const residual of fit?.residuals ?? [1]) expect(Math.abs(residual)).toBeLessThan(1e-9);
  expect(fitSizes(sizes.slice(1), [3, 2, 1])).toBeNull();
  expect(fitSizes([1, 1, 2, 3], [3, 3, 2, 1])).toBeNull();
  expect(fitSizes(sizes, [3, 2, 1, 0])).toBeNull();
});
