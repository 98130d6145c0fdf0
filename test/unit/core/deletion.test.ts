import { expect, test } from 'vitest';
import { deletionCounts, meanLogprob, mostImportantFirst, randomOrder } from '../../../src/core/deletion.ts';

test('a curve has a point for every word of a short text, and evenly spaced ones of a long one', () => {
  expect([...deletionCounts(0)]).toEqual([0]);
  expect([...deletionCounts(3)]).toEqual([0, 1, 2, 3]);
  const counts = deletionCounts(1000);
  expect([counts.length, counts[0], counts.at(-1)]).toEqual([17, 0, 1000]);
  expect([...counts].every((count, i) => i === 0 || count > (counts[i - 1] ?? Infinity))).toBe(true);
});

test('the most important comes first, and of equal ones the first', () => {
  expect(mostImportantFirst([0, 3, -1, 3, 2])).toEqual([1, 3, 4, 0, 2]);
});

test('a random order has every word once, and a seed makes it again', () => {
  expect(randomOrder(50, 1).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
  expect(randomOrder(50, 1)).toEqual(randomOrder(50, 1));
  expect(randomOrder(50, 1)).not.toEqual(randomOrder(50, 2));
});

test('the mean along a curve weighs points by the words between them', () => {
  expect(meanLogprob({ counts: Int32Array.of(0, 1, 4), logprob: Float32Array.of(0, -2, -4) })).toBeCloseTo((-1 - 9) / 4, 6);
  expect(meanLogprob({ counts: Int32Array.of(0), logprob: Float32Array.of(-3) })).toBe(-3);
});
