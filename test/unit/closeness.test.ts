import { describe, expect, test } from 'vitest';
import { at, tensor } from '../../src/core/tensor.ts';
import { expectNear, expectNearShare, itemOf, largestDifference, nonEmpty } from '../closeness.ts';
import { expectClose } from '../golden/oracle.ts';

const RIGHT: readonly number[] = [1, -2, 3, 0, 5];
const PLACES = RIGHT.map((_, place) => place);
const OF_FIVE = (numbers: readonly number[]) => tensor([numbers.length], Float32Array.from(numbers));

/** Every way to compare; each throws where numbers differ. */
const WAYS = [
  ['largestDifference', (found: readonly number[], right: readonly number[]) => expect(largestDifference(found, right)).toBeLessThan(1e-3)],
  ['expectNear', (found: readonly number[], right: readonly number[]) => expectNear(found, right, 1e-3)],
  ['expectNearShare', (found: readonly number[], right: readonly number[]) => expectNearShare(found, right, 1e-3)],
  ['expectClose', (found: readonly number[], right: readonly number[]) => expectClose(OF_FIVE(found), OF_FIVE(right), 'five', 1e-3)],
] as const;

describe.each(WAYS)('%s', (_, compare) => {
  test('passes what is the same, and what is within the tolerance', () => {
    expect(() => compare(RIGHT, RIGHT)).not.toThrow();
    expect(() =>
      compare(
        RIGHT.map((number) => number + 5e-4),
        RIGHT,
      ),
    ).not.toThrow();
    expect(() => compare([0, 0], [0, 0])).not.toThrow();
  });

  test.each(PLACES)('fails for one wrong number at place %d, whatever it is', (place) => {
    for (const wrong of [at(RIGHT, place) + 0.01, -9, Number.NaN, Infinity, -Infinity])
      expect(() => compare(RIGHT.with(place, wrong), RIGHT), String(wrong)).toThrow();
  });

  test.each(PLACES)('fails for an expectation at place %d that is no finite number', (place) => {
    for (const wrong of [Number.NaN, Infinity, -Infinity]) expect(() => compare(RIGHT, RIGHT.with(place, wrong)), String(wrong)).toThrow();
  });

  test('remembers what was wrong before a NaN, and the NaN behind what is right', () => {
    expect(() => compare([9, Number.NaN, 3], [1, 2, 3])).toThrow();
    expect(() => compare([1, Number.NaN, 3], [1, 2, 3])).toThrow();
    expect(() => compare([Number.NaN, Number.NaN], [Number.NaN, Number.NaN])).toThrow();
  });

  test('fails for one number too few or too many, and for none', () => {
    expect(() => compare(RIGHT.slice(1), RIGHT)).toThrow();
    expect(() => compare([...RIGHT, 0], RIGHT)).toThrow();
    expect(() => compare([], [])).toThrow();
  });

  test('fails for anything but zeros where zeros are expected', () => {
    expect(() => compare([0, 0.01, 0], [0, 0, 0])).toThrow();
    expect(() => compare([0, Number.NaN, 0], [0, 0, 0])).toThrow();
  });
});

test('what is masked is minus infinity on both sides', () => {
  expect(largestDifference([1, -Infinity], [1, -Infinity])).toBe(0);
  expect(largestDifference([1, Infinity], [1, -Infinity])).toBe(Infinity);
  expect(expectNearShare([2, -Infinity, 1.5], [2, -Infinity, 1], 0.25)).toBe(0.25);
});

test('tensors of other dimensions are not close, though their numbers are', () => {
  expect(() => expectClose(tensor([2, 3], new Float32Array(6)), tensor([3, 2], new Float32Array(6)), 'six')).toThrow();
  expect(() => expectClose(tensor([6], new Float32Array(6)), tensor([2, 3], new Float32Array(6)), 'six')).toThrow();
});

test('nothing stands in for what is missing', () => {
  expect(() => itemOf([1, 2], 2)).toThrow('no item 2 of 2');
  expect(() => nonEmpty(new Set(), 'name')).toThrow('no name');
  expect([itemOf([1, 2], 1), nonEmpty([3], 'number')]).toEqual([2, [3]]);
});
