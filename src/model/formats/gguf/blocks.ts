import { float16 } from '../widen.ts';

/** Unpacked quantised numbers: number i is `integers[i] * scales[g] - mins[g]`, where g is i divided by the group size. */
export interface Quants {
  readonly integers: Int8Array;
  readonly scales: Float32Array;
  /** null: nothing is subtracted. */
  readonly mins: Float32Array | null;
}

/**
 * Unpacks the block whose bytes begin at `at` into `out` from number `to` on. Products of scales are rounded to float32, as in ggml.
 */
export type Unpack = (bytes: Uint8Array, at: number, out: Quants, to: number) => void;

// Blocks of 32 numbers; ggml-quants.c, dequantize_row_q4_0 and so on. A typed array rounds to float32 what is written to it.

const HALF = 16;

/** Number j of each half: its 4 bits, j in the lower and j + 16 in the upper ones of byte j. */
function nibbles(bytes: Uint8Array, at: number, write: (index: number, nibble: number) => void): void {
  for (let j = 0; j < HALF; j++) {
    const byte = bytes[at + j] ?? 0;
    write(j, byte & 15);
    write(j + HALF, byte >> 4);
  }
}

/** The one or two scales that a block of 32 begins with. */
function scaleOf(bytes: Uint8Array, at: number, { scales, mins }: Quants, to: number): void {
  scales[to / (2 * HALF)] = halfAt(bytes, at);
  if (mins !== null) mins[to / (2 * HALF)] = -halfAt(bytes, at + 2);
}

/** 32 numbers: a float16 scale, 4-bit integers around 8. */
export const q4_0: Unpack = (bytes, at, out, to) => {
  scaleOf(bytes, at, out, to);
  const { integers } = out;
  nibbles(bytes, at + 2, (i, nibble) => (integers[to + i] = nibble - 8));
};

/** 32 numbers: a float16 scale and minimum, 4-bit integers. */
export const q4_1: Unpack = (bytes, at, out, to) => {
  scaleOf(bytes, at, out, to);
  const { integers } = out;
  nibbles(bytes, at + 4, (i, nibble) => (integers[to + i] = nibble));
};

/** 32 numbers: a float16 scale, 5-bit integers around 16. */
export const q5_0: Unpack = (bytes, at, out, to) => {
  scaleOf(bytes, at, out, to);
  const { integers } = out;
  nibbles(bytes, at + 6, (i, nibble) => (integers[to + i] = (nibble | fifthBit(bytes, at + 2, i)) - 16));
};

/** 32 numbers: a float16 scale and minimum, 5-bit integers. */
export const q5_1: Unpack = (bytes, at, out, to) => {
  scaleOf(bytes, at, out, to);
  const { integers } = out;
  nibbles(bytes, at + 8, (i, nibble) => (integers[to + i] = nibble | fifthBit(bytes, at + 4, i)));
};

/** 32 numbers: a float16 scale, 8-bit integers. */
export const q8_0: Unpack = (bytes, at, out, to) => {
  scaleOf(bytes, at, out, to);
  const { integers } = out;
  for (let i = 0; i < 2 * HALF; i++) integers[to + i] = bytes[at + 2 + i] ?? 0;
};

/** Integers of the 4-bit indices in the IQ4 types (ggml-common.h, kvalues_iq4nl). */
const IQ4_VALUES = Int8Array.of(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);

/** 32 numbers: a float16 scale, 4-bit indices into `IQ4_VALUES`. */
export const iq4_nl: Unpack = (bytes, at, out, to) => {
  scaleOf(bytes, at, out, to);
  const { integers } = out;
  nibbles(bytes, at + 2, (i, nibble) => (integers[to + i] = IQ4_VALUES[nibble] ?? 0));
};

/** The numbers of MXFP4 (e2m1) by their bits, twice as large (ggml-common.h, kvalues_mxfp4). */
const MXFP4_VALUES = Int8Array.of(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);

/** 32 numbers: half a scale as a power of 2 (e8m0), 4-bit indices into `MXFP4_VALUES`. */
export const mxfp4: Unpack = (bytes, at, { integers, scales }, to) => {
  scales[to / 32] = 2 ** ((bytes[at] ?? 0) - 128);
  nibbles(bytes, at + 1, (i, nibble) => (integers[to + i] = MXFP4_VALUES[nibble] ?? 0));
};

/** 256 numbers: a float16 scale, eight groups of 32 with a 6-bit scale each, 4-bit indices into `IQ4_VALUES`. */
export const iq4_xs: Unpack = (bytes, at, { integers, scales }, to) => {
  const d = halfAt(bytes, at);
  const high = (bytes[at + 2] ?? 0) | ((bytes[at + 3] ?? 0) << 8);
  for (let group = 0; group < 8; group++) {
    const low = ((bytes[at + 4 + (group >> 1)] ?? 0) >> (4 * (group & 1))) & 15;
    scales[to / 32 + group] = d * ((low | (((high >> (2 * group)) & 3) << 4)) - 32);
    nibbles(bytes, at + 8 + 16 * group, (i, nibble) => (integers[to + 32 * group + i] = IQ4_VALUES[nibble] ?? 0));
  }
};

/** The fifth bit of number `index`, as 0 or 16. */
function fifthBit(bytes: Uint8Array, at: number, index: number): number {
  return (((bytes[at + (index >> 3)] ?? 0) >> (index & 7)) & 1) << 4;
}

/** The float16 number at a byte offset. */
export function halfAt(bytes: Uint8Array, at: number): number {
  return float16((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8));
}

/** The value of a byte as an int8. */
export function signed(byte: number): number {
  return (byte << 24) >> 24;
}
