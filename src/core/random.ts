/** Multipliers and key increments of Philox 4x32 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"). */
const MULTIPLIERS = [0xd2511f53n, 0xcd9e8d57n] as const;
const INCREMENTS = [0x9e3779b9, 0xbb67ae85] as const;
const ROUNDS = 10;
const WORD = 2 ** 32;

/** Four unsigned 32-bit words. */
export type Words4 = readonly [number, number, number, number];

/**
 * Philox 4x32-10: four 32-bit words that depend on nothing but a counter and a key, so any draw can be made again by itself.
 * Whole-number arithmetic only: the same on every platform.
 */
export function philox(counter: Words4, key: readonly [number, number]): Words4 {
  let [a, b, c, d] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const first = BigInt(a >>> 0) * MULTIPLIERS[0];
    const second = BigInt(c >>> 0) * MULTIPLIERS[1];
    [a, b, c, d] = [high(second) ^ b ^ k0, low(second), high(first) ^ d ^ k1, low(first)];
    k0 = (k0 + INCREMENTS[0]) | 0;
    k1 = (k1 + INCREMENTS[1]) | 0;
  }
  return [a >>> 0, b >>> 0, c >>> 0, d >>> 0];
}

/**
 * A number in [0, 1) with 53 random bits, determined by seed and index alone.
 * Philox with the index as counter and the seed as key, low words first; its bits are the upper 27 and 26 of the first two words.
 * Throws RangeError unless both are whole numbers from 0 to 2^53 - 1.
 */
export function uniformAt(seed: number, index: number): number {
  for (const value of [seed, index])
    if (!Number.isSafeInteger(value) || value < 0)
      throw new RangeError(`${value} is not a whole number from 0 to ${Number.MAX_SAFE_INTEGER}.`);
  const [a, b] = philox([index % WORD, Math.floor(index / WORD), 0, 0], [seed % WORD, Math.floor(seed / WORD)]);
  return ((a >>> 5) * 2 ** 26 + (b >>> 6)) / 2 ** 53;
}

function low(product: bigint): number {
  return Number(product & 0xffffffffn);
}

function high(product: bigint): number {
  return Number(product >> 32n);
}
