import { describe, expect, test } from 'vitest';
import { alignIds } from '../../../src/core/alignment.ts';
import { compareSpans, distributionPairs, divergenceBits, divergenceOf, textTotals } from '../../../src/core/comparison.ts';
import type { Token } from '../../../src/core/trace.ts';

const tokensOf = (ids: readonly number[]): Token[] =>
  ids.map((id, index) => ({ index, id, text: 'ab', bytes: [97, 98], start: 0, end: 0, special: id === 0, partial: false }));
const LN2 = Math.LN2;
const a = { tokens: tokensOf([0, 5, 6, 7]), logprob: Float32Array.of(Number.NaN, -LN2, -2 * LN2, -3 * LN2) };
const b = { tokens: tokensOf([0, 5, 8, 7, 9]), logprob: Float32Array.of(Number.NaN, -LN2, -LN2, -LN2, -LN2) };
const spans = alignIds([0, 5, 6, 7], [0, 5, 8, 7, 9]);

describe('two texts', () => {
  test('have the bits of their own predicted tokens', () => {
    expect(textTotals(a)).toMatchObject({
      predicted: 3,
      bytes: 6,
      bitsPerToken: expect.closeTo(2, 6) as number,
      bitsPerByte: expect.closeTo(1, 6) as number,
    });
    expect(textTotals({ tokens: tokensOf([5]), logprob: Float32Array.of(Number.NaN) })).toMatchObject({
      predicted: 0,
      bits: 0,
      bitsPerToken: Number.NaN,
      bitsPerByte: Number.NaN,
    });
  });

  test('differ by how much likelier the second found what both have', () => {
    const compared = compareSpans(spans, a, b).map(({ same, aBits, bBits, difference }) =>
      [same, aBits, bBits, difference].map((value) => (typeof value === 'number' ? Math.round(value * 1e6) / 1e6 : value)),
    );
    expect(compared).toEqual([
      [true, NaN, NaN, NaN],
      [true, 1, 1, 0],
      [false, 2, NaN, NaN],
      [false, NaN, 1, NaN],
      [true, 3, 1, 2],
      [false, NaN, 1, NaN],
    ]);
  });

  test('have their distributions compared where both predict the same token, and at the ends', () => {
    const pairs = distributionPairs(spans, a.tokens, b.tokens);
    expect([[...pairs.a], [...pairs.b], [...pairs.spans]]).toEqual([
      [0, 2, 3],
      [0, 2, 4],
      [1, 4, -1],
    ]);
    const { spans: bits, final } = divergenceOf([0.25, 0.5, 1], pairs, spans.length);
    expect([[...bits], final]).toEqual([[NaN, 0.25, NaN, NaN, 0.5, NaN], 1]);
  });
});

describe('divergence', () => {
  test('is that of the definition, in bits', () => {
    const [p, q] = [
      [0.5, 0.25, 0.25],
      [0.25, 0.25, 0.5],
    ];
    expect(divergenceBits(p.map(Math.log), q.map(Math.log))).toBeCloseTo(0.25, 12);
  });

  test('is 0 for the same logits up to a constant, and never below', () => {
    expect(divergenceBits([1, 2, 3], [11, 12, 13])).toBe(0);
    expect(divergenceBits([1e-9, 0], [0, 1e-9])).toBeGreaterThanOrEqual(0);
  });

  test('is finite for logits far apart', () => {
    expect(divergenceBits([0, -1e4], [-1e4, 0])).toBeCloseTo(1e4 / LN2, 3);
    expect(divergenceBits([0, -Infinity], [0, 0])).toBeCloseTo(1, 12);
  });
});
