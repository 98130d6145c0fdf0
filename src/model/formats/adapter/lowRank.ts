import { computed, rowCount, rowLength, type Source } from '../source.ts';
import { widen } from '../widen.ts';

/** Factors of a low-rank matrix: `left` [rows, rank] times `right` [rank, width]. */
export interface LowRank {
  readonly rank: number;
  readonly left: Float32Array;
  readonly right: Float32Array;
}

/** `base` plus a low-rank matrix of its shape, as float32. `factors` are read when the first row is. */
export function plusLowRank(base: Source, factors: () => Promise<LowRank>): Source {
  const width = rowLength(base.shape);
  return computed(base, async (first, count) => {
    const [sum, { rank, left, right }] = [widen(await base.rows(first, count), base.dtype), await factors()];
    for (let row = 0; row < count; row++) {
      const out = sum.subarray(row * width, (row + 1) * width);
      for (let k = 0; k < rank; k++) {
        const factor = left[(first + row) * rank + k] ?? Number.NaN;
        const from = k * width;
        for (let i = 0; i < width; i++) out[i] = (out[i] ?? Number.NaN) + factor * (right[from + i] ?? Number.NaN);
      }
    }
    return sum;
  });
}

/**
 * A matrix whose outputs' weights have given lengths (Euclidean norms) [out], as in DoRA. `transposed`: the matrix is [in, out], and any
 * row needs all of it. Weights that are all 0 have no direction and stay so.
 */
export function withLengths(matrix: Source, lengths: () => Promise<Float32Array>, transposed: boolean): Source {
  const [rows, width] = [rowCount(matrix.shape), rowLength(matrix.shape)];
  return computed(matrix, async (first, count) => {
    const [from, read] = transposed ? [0, rows] : [first, count];
    const values = widen(await matrix.rows(from, read), matrix.dtype);
    const wanted = await lengths();
    /** Sums of squares of the outputs that were read. */
    const squares = new Float64Array(transposed ? width : read);
    const outputOf = (index: number): number => (transposed ? index % width : Math.floor(index / width));
    for (const [index, value] of values.entries()) squares[outputOf(index)] = (squares[outputOf(index)] ?? Number.NaN) + value ** 2;
    for (const [index, value] of values.entries()) {
      const output = outputOf(index);
      if (value !== 0)
        values[index] = (value * (wanted[transposed ? output : from + output] ?? Number.NaN)) / Math.sqrt(squares[output] ?? Number.NaN);
    }
    return values.subarray((first - from) * width, (first - from + count) * width);
  });
}

/** `base` plus numbers of its shape, as float32. */
export function plus(base: Source, added: () => Promise<Float32Array>): Source {
  const width = rowLength(base.shape);
  return computed(base, async (first, count) => {
    const [sum, more] = [widen(await base.rows(first, count), base.dtype), await added()];
    for (const [i, value] of sum.entries()) sum[i] = value + (more[first * width + i] ?? Number.NaN);
    return sum;
  });
}

/** A matrix [rows, width] transposed. */
export function turned(values: Float32Array, rows: number, width: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) for (let i = 0; i < width; i++) out[i * rows + row] = values[row * width + i] ?? Number.NaN;
  return out;
}
