// What is read off the attention of every head, in place of the attention itself, and what becomes of it.

/** Weights of the attention, the same of every head, that are added up. */
export interface WeightSum {
  /** [T] the keys, which are columns of the weights, of each query, which is a row. */
  readonly keys: readonly ArrayLike<number>[];
  /** Number of queries that the sum is a mean over. */
  readonly samples: number;
}

/** What is read off the attention of every head of a text of `tokens` tokens. */
export interface HeadReading {
  readonly tokens: number;
  readonly sums: readonly WeightSum[];
  /** Cells a side of the pictures of the heads, at most `tokens`. */
  readonly side: number;
}

/** What was read off the heads of one layer. */
export interface LayerHeads {
  /** [H, sums.length] */
  readonly sums: Float32Array;
  /** Of each metric of whole rows (`HEAD_ROWS`) [H, T]. */
  readonly rows: readonly Float32Array[];
  /** [H, side, side] the largest weight of each cell. */
  readonly largest: Float32Array;
}

/** The sum of the weights on the keys that each query names. */
export function weightSum(tokens: number, keysOf: (query: number) => ArrayLike<number>): WeightSum {
  const keys = Array.from({ length: tokens }, (_, query) => keysOf(query));
  return { keys, samples: keys.reduce((count, { length }) => count + Math.min(1, length), 0) };
}

/** The means of a layer's sums, [H, sums.length]; NaN of a sum of no queries. */
export function meansOfSums({ sums }: HeadReading, read: LayerHeads): Float32Array {
  return read.sums.map((sum, index) => sum / (sums[index % sums.length]?.samples ?? 0));
}

/** The cell of each position on a side of a picture of `side` cells. */
export function cellsOf(tokens: number, side: number): Int32Array {
  return Int32Array.from({ length: tokens }, (_, token) => Math.floor((token * side) / tokens));
}

/**
 * Small pictures of a layer's heads: the largest weight within each of side x side cells, 255 = 1. [H, side, side].
 * The largest, not the mean: a single strong weight must stay visible.
 */
export function thumbnails({ largest }: LayerHeads): Uint8Array {
  const shades = new Uint8Array(largest.length);
  // An index is many times as fast as `from` with a function or `entries`, and there are hundreds of thousands.
  for (let index = 0; index < largest.length; index++) shades[index] = Math.round((largest[index] ?? Number.NaN) * 255);
  return shades;
}
