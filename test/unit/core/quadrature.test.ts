import { describe, expect, test } from 'vitest';
import { clenshawCurtis, clenshawCurtisPoint, weightedRows } from '../../../src/core/quadrature.ts';
import { at } from '../../../src/core/tensor.ts';

function integral(of: (x: number) => number, parts: number): number {
  return clenshawCurtis(parts).reduce((sum, weight, k) => sum + weight * of(clenshawCurtisPoint(k, parts)), 0);
}

describe('the rule of Clenshaw and Curtis', () => {
  test.each([2, 4, 8, 16])('of %i parts is exact for polynomials of that degree', (parts) => {
    for (let degree = 0; degree <= parts; degree++) expect(integral((x) => x ** degree, parts)).toBeCloseTo(1 / (degree + 1), 12);
  });

  test('has the published weights of two and four parts', () => {
    expect([...clenshawCurtis(2)]).toEqual([1 / 6, 4 / 6, 1 / 6].map((weight) => expect.closeTo(weight, 14)));
    expect([...clenshawCurtis(4)]).toEqual([1 / 30, 8 / 30, 12 / 30, 8 / 30, 1 / 30].map((weight) => expect.closeTo(weight, 14)));
  });

  test('has the points of half as many parts, to the bit, so that a function is not computed twice', () => {
    for (const parts of [8, 16, 32, 64])
      for (let k = 0; k <= parts; k++) expect(clenshawCurtisPoint(2 * k, 2 * parts)).toBe(clenshawCurtisPoint(k, parts));
  });

  test('converges fast where a function is smooth', () => {
    expect(integral(Math.exp, 8)).toBeCloseTo(Math.E - 1, 9);
  });

  test('has an even number of parts', () => {
    expect(() => clenshawCurtis(3)).toThrow(RangeError);
    expect(() => clenshawCurtis(0)).toThrow(RangeError);
  });
});

test('rows are summed with their weights', () => {
  const sum = weightedRows([Float32Array.of(1, 2), Float32Array.of(10, 20)], [2, 0.5]);
  expect([at(sum, 0), at(sum, 1)]).toEqual([7, 14]);
});
