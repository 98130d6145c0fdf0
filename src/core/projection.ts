import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { at, dot, row, type Tensor } from './tensor.ts';

const COMPONENTS = 3;
/** Vectors added to the Krylov space at a time: more than the components, so that equal eigenvalues are found too. */
const BLOCK = 4;
const MAX_BASIS = 240;
const FIRST_LOOK = 24;
/** Length of A v - lambda v, as a share of the largest eigenvalue, at which a component counts as found. */
const TOLERANCE = 1e-7;

export interface PrincipalComponents {
  /** [T, 3] */
  readonly points: Float32Array;
  /** [3] share of the total variance. */
  readonly explained: Float32Array;
  /** [T] lengths before centring. */
  readonly norms: Float32Array;
}

/**
 * Principal component analysis of T rows. Shape [T, D] -> points [T, 3].
 * With `skipFirst` the first row takes no part in the mean and the components, but is projected onto them.
 * Signs: the row farthest along a component lies on its positive side. Missing components (T < 4) are zero.
 *
 * The components are eigenvectors of X^T X for the centred rows X, found by block Krylov iteration with
 * Rayleigh-Ritz (Golub and Van Loan, Matrix Computations, 10.3), which needs only products with X.
 */
export function principalComponents(rows: Tensor, skipFirst: boolean): PrincipalComponents {
  const tokens = at(rows.dims, 0);
  const dim = at(rows.dims, 1);
  const first = skipFirst && tokens > 1 ? 1 : 0;
  const mean = meanOf(rows, first);
  const centred = Array.from({ length: tokens }, (_, token) => Float64Array.from(row(rows, token), (value, i) => value - at(mean, i)));
  const fitted = centred.slice(first);
  const total = fitted.reduce((sum, vector) => sum + dot(vector, vector), 0);
  const components = total > 0 ? leadingDirections(fitted, dim) : [];
  const points = new Float32Array(tokens * COMPONENTS);
  const explained = new Float32Array(COMPONENTS);
  components.forEach(({ direction, value }, c) => {
    explained[c] = value / total;
    const coordinates = centred.map((vector) => dot(vector, direction));
    const sign = farthestSign(coordinates.slice(first));
    coordinates.forEach((coordinate, token) => {
      points[token * COMPONENTS + c] = sign * coordinate;
    });
  });
  const norms = Float32Array.from({ length: tokens }, (_, token) => Math.sqrt(dot(row(rows, token), row(rows, token))));
  return { points, explained, norms };
}

function meanOf(rows: Tensor, first: number): Float64Array {
  const tokens = at(rows.dims, 0);
  const mean = new Float64Array(at(rows.dims, 1));
  for (let token = first; token < tokens; token++) {
    const vector = row(rows, token);
    for (let i = 0; i < mean.length; i++) mean[i] = at(mean, i) + at(vector, i) / (tokens - first);
  }
  return mean;
}

function farthestSign(coordinates: readonly number[]): number {
  let farthest = 0;
  for (const coordinate of coordinates) if (Math.abs(coordinate) > Math.abs(farthest)) farthest = coordinate;
  return farthest < 0 ? -1 : 1;
}

interface Component {
  readonly direction: Float64Array;
  readonly value: number;
}

/** The leading eigenvectors of X^T X and their eigenvalues. */
function leadingDirections(rows: readonly Float64Array[], dim: number): readonly Component[] {
  const basis: Float64Array[] = [];
  const images: Float64Array[] = [];
  const limit = Math.min(dim, rows.length, MAX_BASIS);
  let block = Array.from({ length: BLOCK }, (_, b) => gramProduct(rows, startVector(dim, b)));
  // Solving the small problem costs the cube of its size: look again only when it has grown by half.
  for (let nextLook = FIRST_LOOK; ; ) {
    const before = basis.length;
    for (const vector of block) {
      if (basis.length === limit) break;
      const fresh = orthonormal(vector, basis);
      if (fresh === null) continue;
      basis.push(fresh);
      images.push(gramProduct(rows, fresh));
    }
    const exhausted = basis.length === limit || basis.length === before;
    if (exhausted || basis.length >= nextLook) {
      const found = ritzVectors(basis, images);
      if (exhausted || found.every((component) => component.residual <= TOLERANCE * (found[0]?.value ?? 0))) return found;
      nextLook = basis.length * 1.5;
    }
    block = images.slice(before);
  }
}

/** A fixed vector with no symmetry that a component could hide behind. */
function startVector(dim: number, seed: number): Float64Array {
  return Float64Array.from({ length: dim }, (_, i) => Math.cos((i + 1) * (seed + 1) * 1.618033988749895 + seed));
}

/** X^T (X v). */
function gramProduct(rows: readonly Float64Array[], vector: Float64Array): Float64Array {
  const result = new Float64Array(vector.length);
  for (const entries of rows) addScaled(result, dot(entries, vector), entries);
  return result;
}

/** The part of `vector` outside the basis, of length 1; null when nothing is left of it. Two passes keep it orthogonal. */
function orthonormal(vector: Float64Array, basis: readonly Float64Array[]): Float64Array | null {
  const rest = Float64Array.from(vector);
  const length = Math.sqrt(dot(vector, vector));
  for (let pass = 0; pass < 2; pass++) {
    for (const direction of basis) addScaled(rest, -dot(rest, direction), direction);
  }
  const left = Math.sqrt(dot(rest, rest));
  return left > 1e-10 * length ? rest.map((value) => value / left) : null;
}

/** Best approximations to the leading eigenvectors inside the basis, with the length of what they miss. */
function ritzVectors(basis: readonly Float64Array[], images: readonly Float64Array[]): readonly (Component & { residual: number })[] {
  const projected = Matrix.zeros(basis.length, basis.length);
  basis.forEach((left, i) => images.forEach((image, j) => projected.set(i, j, dot(left, image))));
  const decomposition = new EigenvalueDecomposition(projected, { assumeSymmetric: true });
  const order = decomposition.realEigenvalues.map((value, index) => ({ value, index })).sort((a, b) => b.value - a.value);
  return order.slice(0, COMPONENTS).map(({ value, index }) => {
    const weights = decomposition.eigenvectorMatrix.getColumn(index);
    const direction = combine(basis, weights);
    const image = combine(images, weights);
    const miss = image.map((entry, i) => entry - value * at(direction, i));
    return { direction, value: Math.max(0, value), residual: Math.sqrt(dot(miss, miss)) };
  });
}

function combine(vectors: readonly Float64Array[], weights: readonly number[]): Float64Array {
  const sum = new Float64Array(vectors[0]?.length ?? 0);
  vectors.forEach((vector, j) => addScaled(sum, at(weights, j), vector));
  return sum;
}

/** target += scale * vector. */
function addScaled(target: Float64Array, scale: number, vector: Float64Array): void {
  for (let i = 0; i < target.length; i++) target[i] = at(target, i) + scale * at(vector, i);
}
