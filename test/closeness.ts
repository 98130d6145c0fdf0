import { expect } from 'vitest';

/** Distance between numbers and the expected ones. */
interface Closeness {
  /** Largest absolute difference; Infinity where a number is NaN, or infinite and not equal to the expected one. */
  readonly off: number;
  /** `off` relative to the largest finite expected magnitude; 0 or Infinity where that magnitude is 0. */
  readonly share: number;
  /** Index of the largest difference. */
  readonly index: number;
}

/** Compares two arrays. Throws where they are empty or differ in length, because no such comparison may pass. */
function closeness(found: ArrayLike<number>, expected: ArrayLike<number>, what: string): Closeness {
  if (found.length !== expected.length) throw new Error(`${what}: ${found.length} numbers, of which ${expected.length} were expected.`);
  if (expected.length === 0) throw new Error(`${what}: there are no numbers to compare.`);
  let off = -1;
  let index = 0;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const wanted = expected[i] ?? Number.NaN;
    const difference = found[i] === wanted ? 0 : Math.abs((found[i] ?? Number.NaN) - wanted);
    // A NaN compares as neither less nor more, so the next comparison would forget it.
    const comparable = Number.isNaN(difference) ? Infinity : difference;
    if (comparable > off) [off, index] = [comparable, i];
    if (Number.isFinite(wanted)) largest = Math.max(largest, Math.abs(wanted));
  }
  return { off, share: off === 0 ? 0 : off / largest, index };
}

/**
 * Largest absolute difference of two arrays; Infinity where a number is NaN, or infinite and not equal to the expected one. Throws
 * where the arrays are empty or differ in length.
 */
export function largestDifference(found: ArrayLike<number>, expected: ArrayLike<number>, what = 'Numbers'): number {
  return closeness(found, expected, what).off;
}

/** Expects every number to be within `tolerance` of the expected one. Returns the largest difference. */
export function expectNear(found: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number, what = 'Numbers'): number {
  const { off, index } = closeness(found, expected, what);
  expect(off, `${what} ${index}: ${found[index]} for ${expected[index]}`).toBeLessThanOrEqual(tolerance);
  return off;
}

/** Expects every number to be within `tolerance` times the largest expected magnitude. Returns the largest such ratio. */
export function expectNearShare(found: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number, what = 'Numbers'): number {
  const { share, index } = closeness(found, expected, what);
  expect(share, `${what} ${index}: ${found[index]} for ${expected[index]}`).toBeLessThanOrEqual(tolerance);
  return share;
}

/** The item at an index. Throws where there is none, since a default value could end up compared with itself. */
export function itemOf<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new Error(`There is no item ${index} of ${items.length}.`);
  return item;
}

/** The items as an array. Throws where there are none, because assertions in a loop over them would never run. */
export function nonEmpty<T>(items: Iterable<T>, what: string): readonly T[] {
  const list = [...items];
  if (list.length === 0) throw new Error(`There is no ${what} to look at.`);
  return list;
}
