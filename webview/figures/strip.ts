import { at } from '../../src/core/tensor.ts';

/** Numbers that share one bar of a strip: `from` up to, not including, `to`. */
export interface StripColumn {
  readonly from: number;
  readonly to: number;
  /** The smallest, at most 0, and the largest, at least 0, of the finite ones. */
  readonly low: number;
  readonly high: number;
  /** Index of the largest by size. */
  readonly largest: number;
}

/** A bar for every number where there is a pixel for each, else one for as many numbers as share a pixel. */
export function columnsOf(values: Float32Array, width: number): readonly StripColumn[] {
  const count = Math.max(1, Math.min(values.length, Math.floor(width)));
  return Array.from({ length: values.length === 0 ? 0 : count }, (_, column) => {
    const from = Math.floor((column * values.length) / count);
    const to = Math.floor(((column + 1) * values.length) / count);
    let [low, high, largest] = [0, 0, from];
    for (let index = from; index < to; index++) {
      const value = at(values, index);
      if (!Number.isFinite(value)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
      if (Math.abs(value) > Math.abs(at(values, largest)) || !Number.isFinite(at(values, largest))) largest = index;
    }
    return { from, to, low, high, largest };
  });
}
