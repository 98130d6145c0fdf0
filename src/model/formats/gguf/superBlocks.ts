import { halfAt, signed, type Quants, type Unpack } from './blocks.ts';

// Blocks of 256 numbers with a scale for each 16 or 32; ggml-quants.c, dequantize_row_q2_K and so on.

/** Bits 2 j and 2 j + 1 of 32 bytes hold 32 numbers, j from 0 to 3; the next 32 bytes the second half of the block. */
function quarters(write: (half: number, shift: number, first: number) => void): void {
  for (let half = 0; half < 2; half++) for (let j = 0; j < 4; j++) write(half, 2 * j, 128 * half + 32 * j);
}

/** 256 numbers: 2-bit integers, a 4-bit scale and minimum for each 16. */
export const q2_k: Unpack = (bytes, at, { integers, scales, mins }, to) => {
  const d = halfAt(bytes, at + 80);
  const min = halfAt(bytes, at + 82);
  for (let group = 0; group < 16; group++) {
    const scale = bytes[at + group] ?? 0;
    scales[to / 16 + group] = d * (scale & 15);
    if (mins !== null) mins[to / 16 + group] = min * (scale >> 4);
  }
  quarters((half, shift, first) => {
    for (let l = 0; l < 32; l++) integers[to + first + l] = ((bytes[at + 16 + 32 * half + l] ?? 0) >> shift) & 3;
  });
};

/** 256 numbers: 3-bit integers, a 6-bit scale for each 16. */
export const q3_k: Unpack = (bytes, at, { integers, scales }, to) => {
  const d = halfAt(bytes, at + 108);
  for (let group = 0; group < 16; group++) scales[to / 16 + group] = d * (thirdScale(bytes, at + 96, group) - 32);
  quarters((half, shift, first) => {
    for (let l = 0; l < 32; l++) {
      const low = ((bytes[at + 32 + 32 * half + l] ?? 0) >> shift) & 3;
      const high = ((bytes[at + l] ?? 0) >> (4 * half + shift / 2)) & 1;
      integers[to + first + l] = low - (high === 1 ? 0 : 4);
    }
  });
};

/** Sixteen 6-bit scales in twelve bytes: the lower four bits in the first eight, the upper two in the last four. */
function thirdScale(bytes: Uint8Array, at: number, index: number): number {
  const low = ((bytes[at + (index & 7)] ?? 0) >> (index < 8 ? 0 : 4)) & 15;
  const high = ((bytes[at + 8 + (index & 3)] ?? 0) >> (2 * (index >> 2))) & 3;
  return low | (high << 4);
}

/** 256 numbers: 4-bit integers, a 6-bit scale and minimum for each 32. */
export const q4_k: Unpack = (bytes, at, out, to) => {
  scalesAndMins(bytes, at, out, to);
  const { integers } = out;
  for (let group = 0; group < 8; group++) {
    for (let l = 0; l < 32; l++) integers[to + 32 * group + l] = ((bytes[at + 16 + 32 * (group >> 1) + l] ?? 0) >> (4 * (group & 1))) & 15;
  }
};

/** 256 numbers: 5-bit integers, a 6-bit scale and minimum for each 32. */
export const q5_k: Unpack = (bytes, at, out, to) => {
  scalesAndMins(bytes, at, out, to);
  const { integers } = out;
  for (let group = 0; group < 8; group++) {
    for (let l = 0; l < 32; l++) {
      const low = ((bytes[at + 48 + 32 * (group >> 1) + l] ?? 0) >> (4 * (group & 1))) & 15;
      const high = ((bytes[at + 16 + l] ?? 0) >> group) & 1;
      integers[to + 32 * group + l] = low | (high << 4);
    }
  }
};

/** Eight 6-bit scales and eight 6-bit minima in twelve bytes (get_scale_min_k4), after the float16 factor of each kind. */
function scalesAndMins(bytes: Uint8Array, at: number, { scales, mins }: Quants, to: number): void {
  const d = halfAt(bytes, at);
  const min = halfAt(bytes, at + 2);
  const byte = (index: number): number => bytes[at + 4 + index] ?? 0;
  for (let group = 0; group < 8; group++) {
    const [scale, m] =
      group < 4
        ? [byte(group) & 63, byte(group + 4) & 63]
        : [(byte(group + 4) & 15) | ((byte(group - 4) >> 6) << 4), (byte(group + 4) >> 4) | ((byte(group) >> 6) << 4)];
    scales[to / 32 + group] = d * scale;
    if (mins !== null) mins[to / 32 + group] = min * m;
  }
}

/** 256 numbers: 6-bit integers, an 8-bit scale for each 16. */
export const q6_k: Unpack = (bytes, at, { integers, scales }, to) => {
  const d = halfAt(bytes, at + 208);
  for (let group = 0; group < 16; group++) scales[to / 16 + group] = d * signed(bytes[at + 192 + group] ?? 0);
  for (let half = 0; half < 2; half++) {
    for (let quarter = 0; quarter < 4; quarter++) {
      for (let l = 0; l < 32; l++) {
        const low = ((bytes[at + 64 * half + 32 * (quarter & 1) + l] ?? 0) >> (quarter < 2 ? 0 : 4)) & 15;
        const high = ((bytes[at + 128 + 32 * half + l] ?? 0) >> (2 * quarter)) & 3;
        integers[to + 128 * half + 32 * quarter + l] = (low | (high << 4)) - 32;
      }
    }
  }
};
