import { leadingEigenpairs } from './eigenvectors.ts';
import { at, dot, row, type Tensor } from './tensor.ts';
import type { Projection } from './trace.ts';

const COMPONENTS = 3;
/** Share of the rows' own squares below which their variance is rounding: all of them are one vector. */
const ROUNDING = 1e-24;
/** Rows multiplied together. */
const AT_ONCE = 8;

/** The leading principal components of T rows. */
export interface PrincipalComponents {
  /** [T, 3] */
  readonly points: Float32Array;
  /** [3] share of the total variance that each component explains. */
  readonly explained: Float32Array;
  /** [T] Euclidean norms before centring. */
  readonly norms: Float32Array;
}

/**
 * Principal component analysis of T rows. Shape [T, D] -> points [T, 3].
 * With `skipFirst` the first row is left out of the mean and the components, but is projected onto them.
 * Signs: the row farthest along a component lies on its positive side. Missing components (T < 4) are zero.
 *
 * The components are eigenvectors of X^T X for the centred rows X. That matrix is never made: making it takes as long as hundreds of
 * products with X, and the search needs tens.
 */
export function principalComponents(rows: Tensor, skipFirst: boolean): PrincipalComponents {
  const tokens = at(rows.dims, 0);
  const dim = at(rows.dims, 1);
  const first = skipFirst && tokens > 1 ? 1 : 0;
  const norms = Float32Array.from({ length: tokens }, (_, token) => Math.sqrt(dot(row(rows, token), row(rows, token))));
  const mean = meanOf(rows, first);
  const centred = lessMean(rows, mean);
  const fitted = centred.subarray(first * dim);
  const total = dot(fitted, fitted);
  const rank = total > ROUNDING * dot(norms, norms) ? Math.min(tokens - first, dim) : 0;
  const product = (vector: Float64Array): Float64Array => weightedRows(fitted, alongRows(fitted, vector), dim);
  const components = leadingEigenpairs(product, { size: dim, rank, count: COMPONENTS });
  const points = new Float32Array(tokens * COMPONENTS);
  const explained = new Float32Array(COMPONENTS);
  components.forEach(({ vector, value }, c) => {
    explained[c] = value / total;
    const coordinates = alongRows(centred, vector);
    const sign = farthestSign(coordinates.subarray(first, tokens));
    for (let token = 0; token < tokens; token++) points[token * COMPONENTS + c] = sign * at(coordinates, token);
  });
  return { points, explained, norms };
}

/** The vectors [T, D] at a place of the residual stream on their principal components, which `skipFirst` computes without the first. */
export function projectionOf(rows: Tensor, layer: number, skipFirst: boolean): Projection {
  return { layer, ...principalComponents(rows, skipFirst), leftOut: skipFirst && at(rows.dims, 0) > 1 ? 1 : 0 };
}

/** [D] mean of the rows from `first` on, in float64. */
function meanOf(rows: Tensor, first: number): Float64Array {
  const [tokens, dim] = [at(rows.dims, 0), at(rows.dims, 1)];
  const mean = new Float64Array(dim);
  for (let token = first; token < tokens; token++) {
    const own = row(rows, token);
    for (let i = 0; i < dim; i++) mean[i] = (mean[i] ?? 0) + (own[i] ?? 0);
  }
  return mean.map((sum) => sum / (tokens - first));
}

/** The rows less a vector, in float64, and rows of zeros after them that change no sum. */
function lessMean(rows: Tensor, mean: Float64Array): Float64Array {
  const [tokens, dim] = [at(rows.dims, 0), at(rows.dims, 1)];
  const centred = new Float64Array((tokens + AT_ONCE) * dim);
  for (let token = 0; token < tokens; token++) {
    const own = row(rows, token);
    for (let i = 0; i < dim; i++) centred[token * dim + i] = (own[i] ?? 0) - (mean[i] ?? 0);
  }
  return centred;
}

function farthestSign(coordinates: Float64Array): number {
  let farthest = 0;
  for (const coordinate of coordinates) if (Math.abs(coordinate) > Math.abs(farthest)) farthest = coordinate;
  return farthest < 0 ? -1 : 1;
}

// Products of rows [N, D], eight rows at a time: that many sums do not wait for each other. Rows that are left over are left out.

/** [N] dot products of the rows with a vector [D]. */
function alongRows(rows: Float64Array, vector: Float64Array): Float64Array {
  const dim = vector.length;
  const result = new Float64Array(Math.floor(rows.length / dim / AT_ONCE) * AT_ONCE);
  for (let token = 0; token < result.length; token += AT_ONCE) {
    const a = token * dim;
    const [b, c, d, e, f, g, h] = [a + dim, a + 2 * dim, a + 3 * dim, a + 4 * dim, a + 5 * dim, a + 6 * dim, a + 7 * dim];
    let [s0, s1, s2, s3, s4, s5, s6, s7] = [0, 0, 0, 0, 0, 0, 0, 0];
    for (let i = 0; i < dim; i++) {
      const value = vector[i] ?? 0;
      s0 += (rows[a + i] ?? 0) * value;
      s1 += (rows[b + i] ?? 0) * value;
      s2 += (rows[c + i] ?? 0) * value;
      s3 += (rows[d + i] ?? 0) * value;
      s4 += (rows[e + i] ?? 0) * value;
      s5 += (rows[f + i] ?? 0) * value;
      s6 += (rows[g + i] ?? 0) * value;
      s7 += (rows[h + i] ?? 0) * value;
    }
    result.set([s0, s1, s2, s3, s4, s5, s6, s7], token);
  }
  return result;
}

/** [D] sum of the rows, each times its weight. */
function weightedRows(rows: Float64Array, weights: Float64Array, dim: number): Float64Array {
  const result = new Float64Array(dim);
  for (let token = 0; token + AT_ONCE <= weights.length; token += AT_ONCE) {
    const a = token * dim;
    const [b, c, d, e, f, g, h] = [a + dim, a + 2 * dim, a + 3 * dim, a + 4 * dim, a + 5 * dim, a + 6 * dim, a + 7 * dim];
    const [w0 = 0, w1 = 0, w2 = 0, w3 = 0, w4 = 0, w5 = 0, w6 = 0, w7 = 0] = weights.subarray(token, token + AT_ONCE);
    for (let i = 0; i < dim; i++) {
      const low = w0 * (rows[a + i] ?? 0) + w1 * (rows[b + i] ?? 0) + (w2 * (rows[c + i] ?? 0) + w3 * (rows[d + i] ?? 0));
      const high = w4 * (rows[e + i] ?? 0) + w5 * (rows[f + i] ?? 0) + (w6 * (rows[g + i] ?? 0) + w7 * (rows[h + i] ?? 0));
      result[i] = (result[i] ?? 0) + (low + high);
    }
  }
  return result;
}
