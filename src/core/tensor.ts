/** A dense row-major float32 array with its dimensions. */
export interface Tensor {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

/** Makes a tensor, checking that `data` holds exactly the product of `dims`. Throws RangeError otherwise. */
export function tensor(dims: readonly number[], data: Float32Array): Tensor {
  const size = dims.reduce((product, dim) => product * dim, 1);
  if (size !== data.length) throw new RangeError(`A tensor of ${dims.join(' x ')} needs ${size} numbers, not ${data.length}.`);
  return { dims, data };
}

/** Row `index` of the last axis, as a view: shape [dims.at(-1)]. */
export function row(t: Tensor, index: number): Float32Array {
  const width = t.dims.at(-1) ?? 1;
  return t.data.subarray(index * width, (index + 1) * width);
}

/**
 * Element of an array that the caller knows to be inside its bounds. Not for loops over a vocabulary, all weights or all pairs: arrays of
 * all kinds share this function, so that it takes ten times as long as an index.
 */
export function at(data: ArrayLike<number>, index: number): number {
  const value = data[index];
  if (value === undefined) throw new RangeError(`Index ${index} is outside an array of ${data.length}.`);
  return value;
}

/** Whether no number is NaN or infinite. A loop of its own: this is asked of each layer's output, where a call a number takes long. */
export function allFinite(data: Float32Array): boolean {
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return false;
  return true;
}

/** Dot product of two vectors of equal length, accumulated in float64; NaN where the second is shorter. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? Number.NaN) * (b[i] ?? Number.NaN);
  return sum;
}
