import { at } from '../../src/core/tensor.ts';

/** Numbers that share one bar of a strip: those from index `from` to `to` - 1. */
export interface StripColumn {
  readonly from: number;
  readonly to: number;
  /** The smallest finite number or 0, whichever is less, and the largest or 0, whichever is more. */
  readonly low: number;
  readonly high: number;
  /** Index of the number with the largest absolute value. */
  readonly largest: number;
}

/** One bar per number if each has a pixel, otherwise one per group of numbers that share a pixel. */
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
