import { at as itemOf } from '../../../core/tensor.ts';
import { halfAt, type Unpack } from './blocks.ts';
import { IQ1_GRID, IQ2_S_GRID, IQ2_XS_GRID, IQ2_XXS_GRID, IQ3_S_GRID, IQ3_XXS_GRID } from './codebooks.ts';

// Blocks of 256 numbers of about 1 to 3 bits: several numbers are one entry of a codebook, with a sign each; and ternary numbers.
// ggml-quants.c, dequantize_row_iq2_xxs and so on.

/** Writes an entry of a codebook; a bit of `signs` negates a number. */
function writeEntry(grid: Int8Array, width: number, entry: number, signs: number, integers: Int8Array, to: number): void {
  for (let i = 0; i < width; i++) integers[to + i] = (signs >> i) & 1 ? -itemOf(grid, entry * width + i) : itemOf(grid, entry * width + i);
}

/** Eight signs from the first seven, of which an even number is set (ksigns_iq2xs). */
function evenSigns(seven: number): number {
  const halves = seven ^ (seven >> 4);
  const quarters = halves ^ (halves >> 2);
  return seven | (((quarters ^ (quarters >> 1)) & 1) << 7);
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (itemOf(bytes, at) | (itemOf(bytes, at + 1) << 8) | (itemOf(bytes, at + 2) << 16) | (itemOf(bytes, at + 3) << 24)) >>> 0;
}

function shortAt(bytes: Uint8Array, at: number): number {
  return itemOf(bytes, at) | (itemOf(bytes, at + 1) << 8);
}

/** The nibble `index` of the bytes from `at` on. */
function nibbleAt(bytes: Uint8Array, at: number, index: number): number {
  return (itemOf(bytes, at + (index >> 1)) >> (4 * (index & 1))) & 15;
}

/** Eight groups of 32: four entries of 8, and in a word their signs and a 4-bit scale. */
export const iq2_xxs: Unpack = (bytes, at, { integers, scales }, to) => {
  const d = halfAt(bytes, at);
  for (let group = 0; group < 8; group++) {
    const from = at + 2 + 8 * group;
    const word = wordAt(bytes, from + 4);
    scales[to / 32 + group] = d * (0.5 + (word >>> 28)) * 0.25;
    for (let part = 0; part < 4; part++) {
      const signs = evenSigns((word >>> (7 * part)) & 127);
      writeEntry(IQ2_XXS_GRID, 8, itemOf(bytes, from + part), signs, integers, to + 32 * group + 8 * part);
    }
  }
};

/** Thirty-two entries of 8, their signs beside them; a 4-bit scale for each 16 numbers. */
export const iq2_xs: Unpack = (bytes, at, { integers, scales }, to) => {
  const d = halfAt(bytes, at);
  for (let group = 0; group < 16; group++) scales[to / 16 + group] = d * (0.5 + nibbleAt(bytes, at + 66, group)) * 0.25;
  for (let part = 0; part < 32; part++) {
    const entry = shortAt(bytes, at + 2 + 2 * part);
    writeEntry(IQ2_XS_GRID, 8, entry & 511, evenSigns(entry >> 9), integers, to + 8 * part);
  }
};

/** Thirty-two entries of 8 with two more bits each, a byte of signs each; a 4-bit scale for each 16 numbers. */
export const iq2_s: Unpack = (bytes, at, { integers, scales }, to) => {
  const d = halfAt(bytes, at);
  for (let group = 0; group < 16; group++) scales[to / 16 + group] = d * (0.5 + nibbleAt(bytes, at + 74, group)) * 0.25;
  for (let part = 0; part < 32; part++) {
    const high = (itemOf(bytes, at + 66 + (part >> 2)) >> (2 * (part & 3))) & 3;
    writeEntry(IQ2_S_GRID, 8, itemOf(bytes, at + 2 + part) | (high << 8), itemOf(bytes, at + 34 + part), integers, to + 8 * part);
  }
};

/** Sixty-four entries of 4; for each 32 numbers a word with their signs and a 4-bit scale. */
export const iq3_xxs: Unpack = (bytes, at, { integers, scales }, to) => {
  const d = halfAt(bytes, at);
  for (let group = 0; group < 8; group++) {
    const word = wordAt(bytes, at + 66 + 4 * group);
    scales[to / 32 + group] = d * (0.5 + (word >>> 28)) * 0.5;
    for (let part = 0; part < 8; part++) {
      const signs = evenSigns((word >>> (7 * (part >> 1))) & 127) >> (4 * (part & 1));
      writeEntry(IQ3_XXS_GRID, 4, itemOf(bytes, at + 2 + 8 * group + part), signs, integers, to + 32 * group + 4 * part);
    }
  }
};

/** Sixty-four entries of 4 with one more bit each, four signs each; a 4-bit scale for each 32 numbers. */
export const iq3_s: Unpack = (bytes, at, { integers, scales }, to) => {
  const d = halfAt(bytes, at);
  for (let group = 0; group < 8; group++) scales[to / 32 + group] = d * (1 + 2 * nibbleAt(bytes, at + 106, group));
  for (let part = 0; part < 64; part++) {
    const high = (itemOf(bytes, at + 66 + (part >> 3)) >> (part & 7)) & 1;
    const signs = nibbleAt(bytes, at + 74, part);
    writeEntry(IQ3_S_GRID, 4, itemOf(bytes, at + 2 + part) | (high << 8), signs, integers, to + 4 * part);
  }
};

/** Writes an entry of eight ternary numbers plus or minus 1/8, in eighths. */
function writeShifted(entry: number, minus: boolean, integers: Int8Array, to: number): void {
  for (let i = 0; i < 8; i++) integers[to + i] = 8 * itemOf(IQ1_GRID, entry * 8 + i) + (minus ? -1 : 1);
}

/** Eight groups of 32: four entries of 8, and in 16 bits three more of each, a 3-bit scale, and whether 1/8 is added or subtracted. */
export const iq1_s: Unpack = (bytes, at, { integers, scales }, to) => {
  const d = halfAt(bytes, at);
  for (let group = 0; group < 8; group++) {
    const more = shortAt(bytes, at + 34 + 2 * group);
    scales[to / 32 + group] = d * (2 * ((more >> 12) & 7) + 1) * 0.125;
    for (let part = 0; part < 4; part++) {
      const entry = itemOf(bytes, at + 2 + 4 * group + part) | (((more >> (3 * part)) & 7) << 8);
      writeShifted(entry, (more & 0x8000) !== 0, integers, to + 32 * group + 8 * part);
    }
  }
};

/** Thirty-two entries of 8, each with three more bits and the sign of its 1/8; a 3-bit scale for each 16, the common one in pieces. */
export const iq1_m: Unpack = (bytes, at, { integers, scales }, to) => {
  const piece = (index: number): number => shortAt(bytes, at + 48 + 2 * index);
  const half = (piece(0) >> 12) | ((piece(1) >> 8) & 0xf0) | ((piece(2) >> 4) & 0xf00) | (piece(3) & 0xf000);
  const d = halfAt(Uint8Array.of(half & 255, half >> 8), 0);
  for (let group = 0; group < 16; group++) scales[to / 16 + group] = d * (2 * ((piece(group >> 2) >> (3 * (group & 3))) & 7) + 1) * 0.125;
  for (let part = 0; part < 32; part++) {
    const more = nibbleAt(bytes, at + 32, part);
    writeShifted(itemOf(bytes, at + part) | ((more & 7) << 8), (more & 8) !== 0, integers, to + 8 * part);
  }
};

/** The scale of 256 numbers, for each 32 of them. */
function oneScale(d: number, scales: Float32Array, to: number): void {
  scales.fill(d, to / 32, to / 32 + 8);
}

/** Ternary numbers, five in a byte as a fraction of 243 parts: number n of a byte is the first digit of its byte times 3 ** n. */
export const tq1_0: Unpack = (bytes, at, { integers, scales }, to) => {
  oneScale(halfAt(bytes, at + 52), scales, to);
  let next = to;
  const write = (from: number, width: number, digits: number): void => {
    for (let digit = 0; digit < digits; digit++)
      for (let i = 0; i < width; i++) integers[next++] = ((((itemOf(bytes, from + i) * 3 ** digit) & 255) * 3) >> 8) - 1;
  };
  write(at, 32, 5);
  write(at + 32, 16, 5);
  write(at + 48, 4, 4);
};

/** Ternary numbers of 2 bits. */
export const tq2_0: Unpack = (bytes, at, { integers, scales }, to) => {
  oneScale(halfAt(bytes, at + 64), scales, to);
  for (let half = 0; half < 2; half++)
    for (let part = 0; part < 4; part++)
      for (let i = 0; i < 32; i++) integers[to + 128 * half + 32 * part + i] = ((itemOf(bytes, at + 32 * half + i) >> (2 * part)) & 3) - 1;
};
