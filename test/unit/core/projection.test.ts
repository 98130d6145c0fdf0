import { describe, expect, test } from 'vitest';
import { principalComponents } from '../../../src/core/projection.ts';
import { tensor } from '../../../src/core/tensor.ts';
import { largestDifference, reference } from './reference.ts';

describe('principal components', () => {
  test.each(reference.components.map((one) => ({ ...one, shape: one.dims.join(' x ') })))("equal NumPy's singular value decomposition: $shape, skip first $skipFirst", ({ dims, rows, skipFirst, points, explained }) => {
    const found = principalComponents(tensor(dims, Float32Array.from(rows)), skipFirst);
    const scale = Math.max(1, ...points.map(Math.abs));
    expect(largestDifference(found.explained, explained)).toBeLessThan(1e-6);
    expect(largestDifference(found.points, points) / scale).toBeLessThan(1e-5);
  });

  test('norms are those of the vectors before centring', () => {
    expect([...principalComponents(tensor([2, 2], Float32Array.from([3, 4, 0, 0])), false).norms]).toEqual([5, 0]);
  });

  test('components with nearly equal variance are still found', () => {
    const tokens = 300;
    const dim = 64;
    const rows = Float32Array.from({ length: tokens * dim }, (_, i) => Math.sin(i * 78.233 + 1) * 3);
    const { points, explained } = principalComponents(tensor([tokens, dim], rows), false);
    for (let a = 0; a < 3; a++) {
      for (let b = 0; b < a; b++) {
        let product = 0;
        for (let t = 0; t < tokens; t++) product += (points[t * 3 + a] ?? 0) * (points[t * 3 + b] ?? 0);
        expect(Math.abs(product) / tokens).toBeLessThan(1e-3);
      }
      expect(explained[a]).toBeLessThanOrEqual(explained[Math.max(0, a - 1)] ?? 0);
    }
  });
});
