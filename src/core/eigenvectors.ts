import { at, dot } from './tensor.ts';
import { largestOfTridiagonal } from './tridiagonal.ts';

/** Part of its distance to the next eigenvalue that a residual |A v - lambda v| may have: the sine of the vector's error. */
const TOLERANCE = 1e-4;
/** Eigenvalues closer than this share of theirs count as one: which vectors of their plane are found is left open. */
const CLUSTER = 1e-4;
/** Share of the largest eigenvalue below which a number is rounding. */
const ROUNDING = 1e-14;
/** How much larger, as a share, a value must be to count as larger than one that is known. */
const LARGER = 1e-6;
/** Steps between two looks at what has been found: at least so many, and an eighth of those taken. */
const LEAST_STEPS = 6;

/** A v of a symmetric matrix without negative eigenvalues, in an array of its own. */
export type Product = (vector: Float64Array) => Float64Array;

/** An eigenvalue, and its eigenvector of length 1. */
export interface Eigenpair {
  readonly value: number;
  readonly vector: Float64Array;
}

export interface Wanted {
  /** The matrix is [size, size]. */
  readonly size: number;
  /** No more than so many eigenvalues are not zero. */
  readonly rank: number;
  readonly count: number;
}

/**
 * The `count` largest eigenvalues of a matrix, largest first, with their eigenvectors, from products with it alone: the Lanczos method
 * with full reorthogonalisation (Golub and Van Loan, Matrix Computations, 10.1). Fewer than `count` where the others are zero.
 *
 * Of equal eigenvalues one start finds a single vector. So what is left besides the vectors found is searched from another start,
 * for a third of the steps that the first search took: there a twin grows as fast as the one found did, and needs to show only, not
 * to be exact. Searched again until nothing larger shows.
 */
export function leadingEigenpairs(product: Product, wanted: Wanted): readonly Eigenpair[] {
  const { count } = wanted;
  let found: readonly Eigenpair[] = [];
  let longest = 0;
  for (let search = 0; search <= count; search++) {
    const known = at([...found.map(({ value }) => value), 0], Math.min(found.length, count - 1));
    const least = Math.max(known * (1 + LARGER), ROUNDING * (found[0]?.value ?? 0));
    const { pairs, steps } = lanczos(product, wanted, { besides: found, least, patience: longest / 3, seed: search + 1 });
    if (pairs.length === 0) break;
    found = [...found, ...pairs].toSorted((a, b) => b.value - a.value).slice(0, count);
    longest = Math.max(longest, steps);
  }
  return found;
}

interface Search {
  /** What is searched is orthogonal to these. */
  readonly besides: readonly Eigenpair[];
  /** Smaller eigenvalues are not wanted. */
  readonly least: number;
  /** Steps without a larger one after which there is none. */
  readonly patience: number;
  readonly seed: number;
}

/** At most `count` eigenpairs larger than `least`, and how many products they took. */
function lanczos(
  product: Product,
  { size, rank, count }: Wanted,
  { besides, least, patience, seed }: Search,
): { readonly pairs: readonly Eigenpair[]; readonly steps: number } {
  const locked = besides.map(({ vector }) => vector);
  const basis: Float64Array[] = [];
  const diagonal: number[] = [];
  const beside: number[] = [];
  const limit = rank - locked.length;
  if (limit <= 0) return { pairs: [], steps: 0 };
  const start = startVector(size, seed);
  takeOff(start, locked);
  // One product: no part of the start lies where all eigenvalues are zero.
  let next = product(start);
  const scale = length(next);
  takeOff(next, locked);
  let left = length(next);
  if (left <= ROUNDING * scale) return { pairs: [], steps: 0 };
  let largest = 0;
  for (let look = LEAST_STEPS; ;) {
    const vector = next.map((value) => value / left);
    basis.push(vector);
    next = product(vector);
    const own = dot(vector, next);
    diagonal.push(own);
    largest = Math.max(largest, own, besides[0]?.value ?? 0);
    // The three-term recurrence first: what is left to take off is rounding, and one more pass takes that.
    addScaled(next, -own, vector);
    const before = basis.at(-2);
    if (before !== undefined) addScaled(next, -at(beside, basis.length - 2), before);
    const rough = length(next);
    takeOff(next, locked);
    takeOff(next, basis);
    left = length(next);
    if (left < rough / 2) {
      takeOff(next, locked);
      takeOff(next, basis);
      left = length(next);
    }
    const steps = basis.length;
    const exhausted = steps === limit || left <= ROUNDING * largest;
    if (exhausted || steps === look) {
      const larger = largestOfTridiagonal(diagonal, beside, count).filter(({ value }) => value > least);
      const sure = larger.every(({ value, gap, weights }) => left * Math.abs(at(weights, steps - 1)) <= bound(value, gap, largest));
      if (exhausted || (sure && steps >= patience))
        return { pairs: larger.map(({ value, weights }) => ({ value, vector: combine(basis, weights) })), steps };
      look += Math.max(LEAST_STEPS, steps >> 3);
    }
    beside.push(left);
  }
}

/** The residual at which an eigenvector is near enough. */
function bound(value: number, gap: number, largest: number): number {
  return Math.max(TOLERANCE * Math.max(gap, CLUSTER * value), ROUNDING * largest);
}

/** Numbers between -1 and 1 without a pattern, so that no eigenvector is orthogonal to them by accident; the same each time. */
function startVector(size: number, seed: number): Float64Array {
  let state = Math.imul(seed, 0x9e3779b9);
  return Float64Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (Math.imul(state ^ (state >>> 16), 0x45d9f3b) | 0) / 2 ** 31;
  });
}

/** Takes off `target` its parts along `vectors` of length 1, four at a time: that many sums do not wait for each other. */
function takeOff(target: Float64Array, vectors: readonly Float64Array[]): void {
  const none = new Float64Array(0);
  let first = 0;
  for (; first + 3 < vectors.length; first += 4) {
    const [a = none, b = none, c = none, d = none] = vectors.slice(first, first + 4);
    let [s0, s1, s2, s3] = [0, 0, 0, 0];
    for (let i = 0; i < target.length; i++) {
      const value = target[i] ?? 0;
      s0 += value * (a[i] ?? 0);
      s1 += value * (b[i] ?? 0);
      s2 += value * (c[i] ?? 0);
      s3 += value * (d[i] ?? 0);
    }
    for (let i = 0; i < target.length; i++)
      target[i] = (target[i] ?? 0) - (s0 * (a[i] ?? 0) + s1 * (b[i] ?? 0) + s2 * (c[i] ?? 0) + s3 * (d[i] ?? 0));
  }
  for (const vector of vectors.slice(first)) addScaled(target, -dot(target, vector), vector);
}

function combine(vectors: readonly Float64Array[], weights: Float64Array): Float64Array {
  const sum = new Float64Array(vectors[0]?.length ?? 0);
  vectors.forEach((vector, j) => addScaled(sum, at(weights, j), vector));
  return sum;
}

/** target += scale * vector. */
function addScaled(target: Float64Array, scale: number, vector: Float64Array): void {
  for (let i = 0; i < target.length; i++) target[i] = (target[i] ?? 0) + scale * (vector[i] ?? 0);
}

function length(vector: Float64Array): number {
  return Math.sqrt(dot(vector, vector));
}
