/** A bias on each score that grows with the key's position, by a slope per head (Press et al. 2021). */
export interface Alibi {
  /** [heads] */
  readonly slopes: readonly number[];
  /**
   * Origin of positions: the text's first token (0 to T - 1) or its last (1 - T to 0). The softmax is the same; the displayed scores
   * are not.
   */
  readonly from: 'first' | 'last';
  /** Slopes and products are rounded to bfloat16, as Falcon's reference does. */
  readonly rounded: boolean;
  /** Factor of the bias. */
  readonly scale: number;
}

/** Slopes of BLOOM and Falcon: powers of 2^(-8/n) for the largest power of two n up to `heads`, then every other power of 2^(-4/n). */
export function alibiSlopes(heads: number): readonly number[] {
  const n = 2 ** Math.floor(Math.log2(heads));
  return [...powers(n, n, 1), ...powers(2 * n, heads - n, 2)];
}

/** `count` powers of 2^(-8/n), from the first in steps of `stride`. */
function powers(n: number, count: number, stride: number): number[] {
  const base = Math.fround(2 ** -(2 ** -(Math.log2(n) - 3)));
  return Array.from({ length: count }, (_, i) => Math.fround(base ** (1 + i * stride)));
}

/** Slopes of MPT: 2^(-8 i / n) for the smallest power of two n from `heads` on, the even ones first where there are too many. */
export function mptSlopes(heads: number): readonly number[] {
  const n = 2 ** Math.ceil(Math.log2(heads));
  const slopes = Array.from({ length: n }, (_, i) => Math.fround(1 / Math.fround(2 ** (((i + 1) * 8) / n))));
  if (n === heads) return slopes;
  return [...slopes.filter((_, i) => i % 2 === 1), ...slopes.filter((_, i) => i % 2 === 0)].slice(0, heads);
}
