import { describe, expect, test } from 'vitest';
import { neighbourPlace } from '../../../src/core/placesAround.ts';
import { surprisingBits, surprisingRule, surprisingTokens } from '../../../src/core/surprising.ts';

/** Scores whose surprisals are these bits; null: not predicted. */
const scored = (...bits: readonly (number | null)[]) => ({
  logprob: Float32Array.from(bits, (value) => (value === null ? NaN : -value * Math.LN2)),
});

describe('surprising tokens', () => {
  test('are a share of a text’s, or those of so many bits', () => {
    const scores = scored(null, 2.1, 9.3, 4.7, 0.1, 7.9);
    expect(surprisingTokens(scores, { share: 0.4 })).toEqual([2, 5]);
    expect(surprisingTokens(scores, { share: 1 })).toEqual([1, 2, 3, 5]);
    expect(surprisingTokens(scores, { bits: 4 })).toEqual([2, 3, 5]);
    expect(surprisingTokens(scored(null), { share: 0.5 })).toEqual([]);
  });

  test('are as many as the share says, however their numbers are rounded', () => {
    const bits = Array.from({ length: 997 }, (_, i) => 1 + ((i * 7919) % 997) / 91);
    for (const share of [0.01, 0.02, 0.1, 0.5]) expect(surprisingTokens(scored(...bits), { share })).toHaveLength(Math.round(share * 997));
  });

  test('are none of what the model expected, however few tokens there are', () => {
    expect(surprisingBits(scored(0.2, 0.1), { share: 0.02 })).toBe(1);
  });

  test.each([
    ['2%', { share: 0.02 }],
    [' 12.5 % ', { share: 0.125 }],
    ['8 bits', { bits: 8 }],
    ['1bit', { bits: 1 }],
    ['0%', undefined],
    ['120%', undefined],
    ['8', undefined],
    ['-8 bits', undefined],
  ])('are said by %j', (text, rule) => {
    expect(surprisingRule(text)).toEqual(rule);
  });
});

test('the place after the cursor is the next one, and the last is followed by the first', () => {
  const places = [3, 10, 20].map((start) => ({ start, end: start + 2 }));
  const starts = (direction: 'next' | 'previous') => [0, 3, 12, 20].map((cursor) => neighbourPlace(places, cursor, direction)?.start);
  expect(starts('next')).toEqual([3, 10, 20, 3]);
  expect(starts('previous')).toEqual([20, 20, 10, 10]);
  expect(neighbourPlace([], 5, 'next')).toBeUndefined();
});
