import { halfAt, signed, type Dequantize } from './blocks.ts';

// Blocks of 256 numbers with scales of their own for each 16 or 32; ggml-quants.c, dequantize_row_q2_K and so on.
// The products of scales are rounded to float32 before they are used, as there.

/** Bits 2 j and 2 j + 1 of 32 bytes hold 32 numbers, j from 0 to 3; the next 32 bytes the second half of the block. */
function quarters(write: (half: number, shift: number, first: number) => void): void {
  for (let half = 0; half < 2; half++) for (let j = 0; j < 4; j++) write(half, 2 * j, 128 * half + 32 * j);
}

export const q2_k: Dequantize = (bytes, at, out, to) => {
  const d = halfAt(bytes, at + 80);
  const min = halfAt(bytes, at + 82);
  quarters((half, shift, first) => {
    for (let part = 0; part < 2; part++) {
      const scale = bytes[at + (first >> 4) + part] ?? 0;
      const dl = Math.fround(d * (scale & 15));
      const ml = Math.fround(min * (scale >> 4));
      for (let l = 0; l < 16; l++) out[to + first + 16 * part + l] = dl * (((bytes[at + 16 + 32 * half + 16 * part + l] ?? 0) >> shift) & 3) - ml;
    }
  });
};

export const q3_k: Dequantize = (bytes, at, out, to) => {
  const d = halfAt(bytes, at + 108);
  quarters((half, shift, first) => {
    for (let part = 0; part < 2; part++) {
      const dl = Math.fround(d * (thirdScale(bytes, at + 96, (first >> 4) + part) - 32));
      for (let l = 0; l < 16; l++) {
        const low = ((bytes[at + 32 + 32 * half + 16 * part + l] ?? 0) >> shift) & 3;
        const high = ((bytes[at + 16 * part + l] ?? 0) >> (4 * half + shift / 2)) & 1;
        out[to + first + 16 * part + l] = dl * (low - (high === 1 ? 0 : 4));
      }
    }
  });
};

/** Sixteen 6-bit scales in twelve bytes: the lower four bits in the first eight, the upper two in the last four. */
function thirdScale(bytes: Uint8Array, at: number, index: number): number {
  const low = ((bytes[at + (index & 7)] ?? 0) >> (index < 8 ? 0 : 4)) & 15;
  const high = ((bytes[at + 8 + (index & 3)] ?? 0) >> (2 * (index >> 2))) & 3;
  return low | (high << 4);
}

export const q4_k: Dequantize = (bytes, at, out, to) => {
  const d = halfAt(bytes, at);
  const min = halfAt(bytes, at + 2);
  for (let group = 0; group < 8; group++) {
    const [scale, m] = scaleAndMin(bytes, at + 4, group);
    const dl = Math.fround(d * scale);
    const ml = Math.fround(min * m);
    for (let l = 0; l < 32; l++) out[to + 32 * group + l] = dl * (((bytes[at + 16 + 32 * (group >> 1) + l] ?? 0) >> (4 * (group & 1))) & 15) - ml;
  }
};

export const q5_k: Dequantize = (bytes, at, out, to) => {
  const d = halfAt(bytes, at);
  const min = halfAt(bytes, at + 2);
  for (let group = 0; group < 8; group++) {
    const [scale, m] = scaleAndMin(bytes, at + 4, group);
    const dl = Math.fround(d * scale);
    const ml = Math.fround(min * m);
    for (let l = 0; l < 32; l++) {
      const low = ((bytes[at + 48 + 32 * (group >> 1) + l] ?? 0) >> (4 * (group & 1))) & 15;
      const high = ((bytes[at + 16 + l] ?? 0) >> group) & 1;
      out[to + 32 * group + l] = dl * (low | (high << 4)) - ml;
    }
  }
};

/** Eight 6-bit scales and eight 6-bit minima in twelve bytes (get_scale_min_k4). */
function scaleAndMin(bytes: Uint8Array, at: number, index: number): readonly [scale: number, min: number] {
  const byte = (offset: number): number => bytes[at + offset] ?? 0;
  if (index < 4) return [byte(index) & 63, byte(index + 4) & 63];
  return [(byte(index + 4) & 15) | ((byte(index - 4) >> 6) << 4), (byte(index + 4) >> 4) | ((byte(index) >> 6) << 4)];
}

export const q6_k: Dequantize = (bytes, at, out, to) => {
  const d = halfAt(bytes, at + 208);
  for (let half = 0; half < 2; half++) {
    for (let quarter = 0; quarter < 4; quarter++) {
      for (let l = 0; l < 32; l++) {
        const low = ((bytes[at + 64 * half + 32 * (quarter & 1) + l] ?? 0) >> (quarter < 2 ? 0 : 4)) & 15;
        const high = ((bytes[at + 128 + 32 * half + l] ?? 0) >> (2 * quarter)) & 3;
        const scale = Math.fround(d * signed(bytes[at + 192 + 8 * half + 2 * quarter + (l >> 4)] ?? 0));
        out[to + 128 * half + 32 * quarter + l] = scale * ((low | (high << 4)) - 32);
      }
    }
  }
};
