import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { principalComponents } from '../../../src/core/projection.ts';
import { at, tensor } from '../../../src/core/tensor.ts';
import { largestDifference } from '../../closeness.ts';
import { reference } from './reference.ts';

interface HardCase {
  readonly name: string;
  readonly dims: readonly [number, number];
  /** float32 in base64 */
  readonly rows: string;
  readonly answers: readonly {
    readonly skipFirst: boolean;
    readonly points: readonly number[];
    readonly explained: readonly number[];
    /** The first four singular values. */
    readonly singular: readonly number[];
  }[];
}

/** By NumPy: see test/reference/components_reference.py. */
const HARD = (
  JSON.parse(readFileSync(new URL('../../fixtures/core/components.json', import.meta.url), 'utf8')) as readonly HardCase[]
).flatMap(({ answers, ...rest }) => answers.map((answer) => ({ ...rest, ...answer })));

/** A component of `points` [T, 3]. */
function column(points: ArrayLike<number>, component: number): number[] {
  return Array.from({ length: points.length / 3 }, (_, row) => at(points, 3 * row + component));
}

function product(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * at(b, i), 0);
}

/** The row farthest along decides the sign; where two are as far on either side, rounding decides. */
function signIsOpen(coordinates: readonly number[], first: number): boolean {
  const fitted = coordinates.slice(first);
  const [most, least] = [Math.max(...fitted), Math.min(...fitted)];
  return Math.abs(most + least) <= 1e-6 * (most - least);
}

/** Components whose singular values are the same: their plane is determined, not they. */
function clusters(singular: readonly number[]): readonly (readonly number[])[] {
  const found: number[][] = [];
  for (const [component, value] of singular.entries()) {
    const last = found.at(-1);
    if (last !== undefined && value > at(singular, at(last, 0)) * (1 - 1e-4)) last.push(component);
    else found.push([component]);
  }
  return found;
}

describe('principal components', () => {
  test.each(reference.components.map((one) => ({ ...one, shape: one.dims.join(' x ') })))(
    "equal NumPy's singular value decomposition: $shape, skip first $skipFirst",
    ({ dims, rows, skipFirst, points, explained }) => {
      const found = principalComponents(tensor(dims, Float32Array.from(rows)), skipFirst);
      const scale = Math.max(1, ...points.map(Math.abs));
      expect(largestDifference(found.explained, explained)).toBeLessThan(1e-6);
      expect(largestDifference(found.points, points) / scale).toBeLessThan(1e-5);
    },
  );

  test.each(HARD)("equal NumPy's, each by its own scale: $name, skip first $skipFirst", (hard) => {
    const { dims, rows, skipFirst, points, explained, singular } = hard;
    const found = principalComponents(tensor(dims, new Float32Array(Uint8Array.from(Buffer.from(rows, 'base64')).buffer)), skipFirst);
    const first = skipFirst && dims[0] > 1 ? 1 : 0;
    expect(largestDifference(found.explained, explained)).toBeLessThan(1e-6);
    for (const cluster of clusters(singular)) {
      const inside = cluster.filter((component) => component < 3);
      const own = inside.map((component) => column(found.points, component));
      const theirs = inside.map((component) => column(points, component));
      const [one = [], other = []] = [own[0], theirs[0]];
      const scale = Math.max(...other.map(Math.abs), Number.MIN_VALUE);
      if (cluster.length === 1 && inside.length === 1) {
        const turned = signIsOpen(other, first) && product(one, other) < 0 ? -1 : 1;
        expect(Math.max(...one.map((value, row) => Math.abs(turned * value - at(other, row)))) / scale).toBeLessThan(1e-4);
      } else if (cluster.length === inside.length) {
        // Lengths and angles within the plane, whichever way its axes lie.
        for (let a = first; a < dims[0]; a++)
          for (let b = first; b <= a; b++) {
            const inPlane = (axes: readonly (readonly number[])[]): number =>
              axes.reduce((sum, axis) => sum + at(axis, a) * at(axis, b), 0);
            expect(Math.abs(inPlane(own) - inPlane(theirs)) / scale ** 2).toBeLessThan(1e-4);
          }
      }
      // Whatever vectors of a plane are taken, they are as long and as orthogonal as any others.
      for (const [a, axis] of own.entries())
        for (const [b, second] of own.entries()) {
          const [left, right] = [axis.slice(first), second.slice(first)];
          const expected = a === b ? product(at2(theirs, a).slice(first), at2(theirs, a).slice(first)) : 0;
          const length = Math.max(at(singular, 0) ** 2 * 1e-12, at(singular, at(inside, 0)) ** 2, Number.MIN_VALUE);
          expect(Math.abs(product(left, right) - expected) / length).toBeLessThan(1e-4);
        }
    }
  });

  test.each([
    { name: 'apart', values: [1.02, 1.01, 1.005] },
    { name: 'two alike', values: [1.02, 1.02, 1.01] },
    { name: 'three alike', values: [1.02, 1.02, 1.02] },
    { name: 'the last two alike', values: [1.02, 1.005, 1.005] },
  ])('are found where hundreds of others are nearly as large: $name', ({ values }) => {
    const dim = 300;
    const all = [...values, ...Array.from({ length: dim - 3 }, (_, i) => 1 - i / (2 * dim))];
    // Two rows an axis, on either side of the mean: the variance along it is known exactly.
    const rows = new Float32Array(2 * dim * dim);
    for (const [axis, value] of all.entries()) {
      rows[2 * axis * dim + axis] = value;
      rows[(2 * axis + 1) * dim + axis] = -value;
    }
    const total = all.reduce((sum, value) => sum + Math.fround(value) ** 2, 0);
    const { explained } = principalComponents(tensor([2 * dim, dim], rows), false);
    for (const [c, value] of values.entries()) expect((at(explained, c) * total) / value ** 2).toBeCloseTo(1, 5);
  });

  test('of one vector given many times there are none', () => {
    const rows = Float32Array.from({ length: 9 * 64 }, (_, i) => Math.fround(0.1 + (i % 64) / 7));
    const { points, explained, norms } = principalComponents(tensor([9, 64], rows), false);
    expect([...points, ...explained].every((value) => value === 0)).toBe(true);
    expect(new Set(norms).size).toBe(1);
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

function at2(lists: readonly (readonly number[])[], index: number): readonly number[] {
  return lists[index] ?? [];
}
