import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { nearestRotated, positionTable, rotatesIn, sampledIndices, sinusoidalTable, wavelength } from '../../../src/core/positions.ts';
import { at, tensor } from '../../../src/core/tensor.ts';
import type { ModelInfo } from '../../../src/core/trace.ts';
import { cosineMatrix } from '../../../src/core/vectors.ts';
import { expectNear } from '../../closeness.ts';

const reference = JSON.parse(readFileSync('test/fixtures/core/sinusoids.json', 'utf8')) as {
  readonly count: number;
  readonly dim: number;
  readonly table: readonly number[];
  readonly cosine: readonly number[];
};
const { count, dim } = reference;

test('sinusoidal positions and their cosines equal NumPy', () => {
  const table = sinusoidalTable(sampledIndices(count, count), dim);
  const cosine = cosineMatrix(tensor([count, dim], table));
  expectNear(table, reference.table, 5e-7, 'table');
  expectNear(cosine, reference.cosine, 5e-7, 'cosines');
});

test('an odd width ends in a sine, and no width or length is too small', () => {
  expect(Array.from(sinusoidalTable([0, 1], 3), (value) => value.toFixed(3))).toEqual([
    '0.000',
    '1.000',
    '0.000',
    '0.841',
    '0.540',
    '0.002',
  ]);
  expect([...sinusoidalTable([0], 1)]).toEqual([0]);
  expect(sinusoidalTable([], 4)).toHaveLength(0);
  expect([...positionTable(new Float32Array(4), Int32Array.of(0, 1), 2, 2).cosine]).toEqual([
    Number.NaN,
    Number.NaN,
    Number.NaN,
    Number.NaN,
  ]);
});

test('a table that is too large is shown by every so-manieth row and number, with the cosines of whole rows', () => {
  expect([...sampledIndices(5, 5)]).toEqual([0, 1, 2, 3, 4]);
  expect([...sampledIndices(7, 3)]).toEqual([0, 3, 6]);
  const rows = Float32Array.from({ length: 2 * 5 }, (_, i) => i);
  const shown = positionTable(rows, Int32Array.of(0, 4), 8, 3);
  expect([...shown.dimensions]).toEqual([0, 2, 4]);
  expect([...shown.values]).toEqual([0, 2, 4, 5, 7, 9]);
  expect(at(shown.cosine, 1)).toBeCloseTo((1 * 6 + 2 * 7 + 3 * 8 + 4 * 9) / Math.sqrt(30 * 255), 6);
});

test('a wavelength is the tokens of one turn', () => {
  expect(wavelength(Math.PI)).toBe(2);
  expect(wavelength(0)).toBe(Infinity);
});

test('the nearest layer that rotates is found, the earlier of two as near', () => {
  const of = (...thetas: (number | null)[]): Pick<ModelInfo, 'layers' | 'traits'> => ({
    layers: thetas.length,
    traits: {
      layers: thetas.map((ropeTheta) => ({ ropeTheta, window: null, experts: null })),
      sinks: false,
      latentRank: null,
      scoreCap: null,
      logitCap: null,
    },
  });
  const hybrid = of(null, 1e4, null, 1e4, null, null);
  expect([0, 1, 2, 3, 5].map((layer) => nearestRotated(hybrid, layer))).toEqual([1, 1, 1, 3, 3]);
  expect([0, 1].map((layer) => rotatesIn(hybrid, layer))).toEqual([false, true]);
  expect(nearestRotated(of(null, null), 1)).toBe(1);
  // A model without traits is the same in every layer.
  expect([rotatesIn({}, 3), nearestRotated({ layers: 4 }, 3)]).toEqual([true, 3]);
});
