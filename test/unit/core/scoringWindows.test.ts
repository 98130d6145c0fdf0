import { describe, expect, test } from 'vitest';
import { meanScores, scoringWindows } from '../../../src/core/scoringWindows.ts';

describe('windows of a text', () => {
  test('begin a stride apart, and each scores what the windows before do not hold', () => {
    expect(scoringWindows(10, { length: 4, stride: 3 })).toEqual([
      { begin: 0, end: 4, scoredFrom: 1 },
      { begin: 3, end: 7, scoredFrom: 4 },
      { begin: 6, end: 10, scoredFrom: 7 },
    ]);
    // The last is shorter, and the text ends in it.
    expect(scoringWindows(9, { length: 4, stride: 2 }).at(-1)).toEqual({ begin: 6, end: 9, scoredFrom: 8 });
  });

  test('of a text that fits are one', () => {
    expect(scoringWindows(5, { length: 8, stride: 2 })).toEqual([{ begin: 0, end: 5, scoredFrom: 1 }]);
    expect(scoringWindows(1, { length: 8, stride: 8 })).toEqual([{ begin: 0, end: 1, scoredFrom: 1 }]);
    expect(scoringWindows(0, { length: 8, stride: 8 })).toEqual([]);
  });

  test('without overlap leave out the first token of each', () => {
    expect(scoringWindows(7, { length: 3, stride: 3 })).toEqual([
      { begin: 0, end: 3, scoredFrom: 1 },
      { begin: 3, end: 6, scoredFrom: 4 },
      { begin: 6, end: 7, scoredFrom: 7 },
    ]);
  });

  test('score every token once, with the context that the rule promises', () => {
    for (let tokens = 1; tokens < 60; tokens++) {
      for (let length = 2; length < 12; length++) {
        for (let stride = 1; stride < length; stride++) {
          const windows = scoringWindows(tokens, { length, stride });
          const scored = windows.flatMap(({ scoredFrom, end }) => Array.from({ length: end - scoredFrom }, (_, i) => scoredFrom + i));
          expect(scored).toEqual(Array.from({ length: tokens - 1 }, (_, i) => i + 1));
          for (const { begin, end, scoredFrom } of windows) {
            expect(end - begin).toBeLessThanOrEqual(length);
            if (begin > 0) expect(scoredFrom - begin).toBeGreaterThanOrEqual(length - stride);
          }
        }
      }
    }
  });

  test.each([
    [1, 1],
    [2.5, 1],
    [8, 0],
    [8, 9],
    [8, 1.5],
    [NaN, 1],
    [8, NaN],
  ])('of %d tokens, %d apart, are refused', (length, stride) => {
    expect(() => scoringWindows(20, { length, stride })).toThrow(RangeError);
  });
});

test('the mean is over the tokens that are scored', () => {
  const logprob = Float32Array.of(NaN, Math.log(0.5), Math.log(0.125), NaN);
  const { scored, bits, perplexity } = meanScores({ logprob });
  expect([scored, bits, perplexity]).toEqual([2, expect.closeTo(2, 6), expect.closeTo(4, 6)]);
  expect(meanScores({ logprob: Float32Array.of(NaN) }).bits).toBeNaN();
});
