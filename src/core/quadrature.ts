import { at } from './tensor.ts';

/**
 * Weights of the Clenshaw-Curtis rule over 0..1 (Clenshaw and Curtis 1960): the integral of a function is about the sum of its values at
 * (1 - cos(k pi / parts)) / 2, k = 0..parts, times these. The points of `parts` are among those of twice as many. `parts` is even.
 */
export function clenshawCurtis(parts: number): Float64Array {
  if (parts < 2 || parts % 2 !== 0) throw new RangeError(`The rule has an even number of parts, not ${parts}.`);
  return Float64Array.from({ length: parts + 1 }, (_, k) => {
    let sum = 1;
    for (let j = 1; j <= parts / 2; j++) sum -= ((2 * j === parts ? 1 : 2) / (4 * j * j - 1)) * Math.cos((2 * j * k * Math.PI) / parts);
    return (sum * (k === 0 || k === parts ? 0.5 : 1)) / parts;
  });
}

/** Point `k` of the rule of so many parts. */
export function clenshawCurtisPoint(k: number, parts: number): number {
  return (1 - Math.cos((k * Math.PI) / parts)) / 2;
}

/** The weighted sum [T] of rows [T]. */
export function weightedRows(rows: readonly Float32Array[], weights: ArrayLike<number>): Float32Array {
  const sum = new Float64Array(rows[0]?.length ?? 0);
  for (const [k, values] of rows.entries()) for (const [i, value] of values.entries()) sum[i] = (sum[i] ?? 0) + at(weights, k) * value;
  return Float32Array.from(sum);
}
