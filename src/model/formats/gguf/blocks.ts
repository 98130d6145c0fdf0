import { float16 } from '../widen.ts';

/** Writes the numbers of one block, `bytes` from `at` on, to `out` from `to` on. Each is what float32 arithmetic gives, rounded as there. */
export type Dequantize = (bytes: Uint8Array, at: number, out: Float32Array, to: number) => void;

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

export const q4_0: Dequantize = (bytes, at, out, to) => {
  const d = halfAt(bytes, at);
  nibbles(bytes, at + 2, (i, nibble) => (out[to + i] = (nibble - 8) * d));
};

export const q4_1: Dequantize = (bytes, at, out, to) => {
  const d = halfAt(bytes, at);
  const m = halfAt(bytes, at + 2);
  nibbles(bytes, at + 4, (i, nibble) => (out[to + i] = nibble * d + m));
};

export const q5_0: Dequantize = (bytes, at, out, to) => {
  const d = halfAt(bytes, at);
  nibbles(bytes, at + 6, (i, nibble) => (out[to + i] = ((nibble | fifthBit(bytes, at + 2, i)) - 16) * d));
};

export const q5_1: Dequantize = (bytes, at, out, to) => {
  const d = halfAt(bytes, at);
  const m = halfAt(bytes, at + 2);
  nibbles(bytes, at + 8, (i, nibble) => (out[to + i] = (nibble | fifthBit(bytes, at + 4, i)) * d + m));
};

export const q8_0: Dequantize = (bytes, at, out, to) => {
  const d = halfAt(bytes, at);
  for (let i = 0; i < 2 * HALF; i++) out[to + i] = signed(bytes[at + 2 + i] ?? 0) * d;
};

/** What 4 bits stand for in the types IQ4 (ggml-common.h, kvalues_iq4nl). */
const IQ4_VALUES = Int8Array.of(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);

export const iq4_nl: Dequantize = (bytes, at, out, to) => {
  const d = halfAt(bytes, at);
  nibbles(bytes, at + 2, (i, nibble) => (out[to + i] = (IQ4_VALUES[nibble] ?? 0) * d));
};

/** 256 numbers: eight groups of 32 with a 6-bit scale each. */
export const iq4_xs: Dequantize = (bytes, at, out, to) => {
  const d = halfAt(bytes, at);
  const high = (bytes[at + 2] ?? 0) | ((bytes[at + 3] ?? 0) << 8);
  for (let group = 0; group < 8; group++) {
    const low = ((bytes[at + 4 + (group >> 1)] ?? 0) >> (4 * (group & 1))) & 15;
    const scale = Math.fround(d * ((low | (((high >> (2 * group)) & 3) << 4)) - 32));
    nibbles(bytes, at + 8 + 16 * group, (i, nibble) => (out[to + 32 * group + i] = scale * (IQ4_VALUES[nibble] ?? 0)));
  }
};

/** The fifth bit of number `index`, in its place. */
function fifthBit(bytes: Uint8Array, at: number, index: number): number {
  return (((bytes[at + (index >> 3)] ?? 0) >> (index & 7)) & 1) << 4;
}

export function halfAt(bytes: Uint8Array, at: number): number {
  return float16((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8));
}

/** The value of a byte as an int8. */
export function signed(byte: number): number {
  return (byte << 24) >> 24;
}
