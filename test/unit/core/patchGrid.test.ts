import { expect, test } from 'vitest';
import { partnersOf, promisingFirst } from '../../../src/core/patchGrid.ts';

test('tokens of texts of one length belong together by their places', () => {
  expect([...partnersOf([1, 2, 3], [1, 9, 3])]).toEqual([0, 1, 2]);
  expect([...partnersOf([2, 1], [1, 2])]).toEqual([0, 1]);
});

test('tokens of texts of other lengths belong together by what both have, and between that in order where as many differ', () => {
  expect([...partnersOf([1, 2, 3, 4], [1, 2, 3, 3, 4])]).toEqual([0, 1, 2, -1, 3]);
  expect([...partnersOf([1, 7, 3, 5, 6, 4], [1, 8, 3, 9, 4])]).toEqual([0, 1, 2, -1, 5]);
  expect([...partnersOf([5, 1], [7, 8, 1])]).toEqual([-1, -1, 1]);
  expect([...partnersOf([1, 5], [2, 1, 9])]).toEqual([-1, 0, 1]);
});

test('cells are worth measuring by the size of their estimate, and one without an estimate is none', () => {
  expect(promisingFirst([0.1, Number.NaN, -0.9, 0.5])).toEqual([2, 3, 0]);
});
