import { expect, test } from 'vitest';
import { headMetrics, headShades, shadeWeight, thumbnails } from '../../../src/core/attention.ts';
import { tensor } from '../../../src/core/tensor.ts';
import { largestDifference, reference } from './reference.ts';

const { ids, dims, metrics, size } = reference.heads;
const weights = tensor(dims, Float32Array.from(reference.heads.weights));

test('head metrics follow their definitions', () => {
  expect(largestDifference(headMetrics(weights, ids), metrics.flat())).toBeLessThan(1e-6);
});

test('induction is undefined where no token repeats', () => {
  const [previous, induction, first, entropy] = headMetrics(tensor([1, 2, 2], Float32Array.from([1, 0, 0.5, 0.5])), [4, 5]);
  expect([previous, induction, first, entropy]).toEqual([0.5, Number.NaN, 0.5, 0.5]);
});

test('a picture tells weights apart down to one in ten thousand', () => {
  const { shades, largest, largestRest } = headShades(Float32Array.from([1, 0, 0, 0.9, 0.1, 0, 0.9987, 0.001, 0.0003]), 3);
  expect([largest, largestRest].map((weight) => weight.toFixed(4))).toEqual(['1.0000', '0.1000']);
  expect([...shades].map((shade) => shadeWeight(shade).toPrecision(1))).toEqual(['1', '0.9', '0.1', '1', '0.001', '0.0003']);
});

test('a thumbnail keeps the largest weight of each cell', () => {
  expect([...thumbnails(weights, size)]).toEqual(reference.heads.thumbnails);
});

test('a thumbnail as large as the text is the text', () => {
  expect([...thumbnails(tensor([1, 2, 2], Float32Array.from([1, 0, 0.2, 0.8])), 2)]).toEqual([255, 0, 51, 204]);
});
