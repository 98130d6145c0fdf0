import type { Quantization } from '../quantized.ts';
import { isWeightType, widen } from '../widen.ts';
import { iq4_nl, iq4_xs, mxfp4, q4_0, q4_1, q5_0, q5_1, q8_0, type Quants, type Unpack } from './blocks.ts';
import { iq1_m, iq1_s, iq2_s, iq2_xs, iq2_xxs, iq3_s, iq3_xxs, tq1_0, tq2_0 } from './codebookBlocks.ts';
import { q2_k, q3_k, q4_k, q5_k, q6_k } from './superBlocks.ts';
import { blockTypeNamed } from './types.ts';

/** A ggml type: how its blocks are unpacked, and the midpoint of its integers. */
interface Quantised extends Quantization {
  readonly unpack: Unpack;
  readonly middle: number;
}

const BY_TYPE: ReadonlyMap<string, Quantised> = new Map([
  ['Q4_0', { unpack: q4_0, bits: 4, group: 32, mins: false, middle: 0 }],
  ['Q4_1', { unpack: q4_1, bits: 4, group: 32, mins: true, middle: 8 }],
  ['Q5_0', { unpack: q5_0, bits: 8, group: 32, mins: false, middle: 0 }],
  ['Q5_1', { unpack: q5_1, bits: 8, group: 32, mins: true, middle: 16 }],
  ['Q8_0', { unpack: q8_0, bits: 8, group: 32, mins: false, middle: 0 }],
  ['Q2_K', { unpack: q2_k, bits: 4, group: 16, mins: true, middle: 2 }],
  ['Q3_K', { unpack: q3_k, bits: 4, group: 16, mins: false, middle: 0 }],
  ['Q4_K', { unpack: q4_k, bits: 4, group: 32, mins: true, middle: 8 }],
  ['Q5_K', { unpack: q5_k, bits: 8, group: 32, mins: true, middle: 16 }],
  ['Q6_K', { unpack: q6_k, bits: 8, group: 16, mins: false, middle: 0 }],
  ['IQ4_NL', { unpack: iq4_nl, bits: 8, group: 32, mins: false, middle: 0 }],
  ['IQ4_XS', { unpack: iq4_xs, bits: 8, group: 32, mins: false, middle: 0 }],
  ['IQ2_XXS', { unpack: iq2_xxs, bits: 8, group: 32, mins: false, middle: 0 }],
  ['IQ2_XS', { unpack: iq2_xs, bits: 8, group: 16, mins: false, middle: 0 }],
  ['IQ2_S', { unpack: iq2_s, bits: 8, group: 16, mins: false, middle: 0 }],
  ['IQ3_XXS', { unpack: iq3_xxs, bits: 8, group: 32, mins: false, middle: 0 }],
  ['IQ3_S', { unpack: iq3_s, bits: 8, group: 32, mins: false, middle: 0 }],
  ['IQ1_S', { unpack: iq1_s, bits: 8, group: 32, mins: false, middle: 0 }],
  ['IQ1_M', { unpack: iq1_m, bits: 8, group: 16, mins: false, middle: 0 }],
  ['TQ1_0', { unpack: tq1_0, bits: 4, group: 32, mins: false, middle: 0 }],
  ['TQ2_0', { unpack: tq2_0, bits: 4, group: 32, mins: false, middle: 0 }],
  ['MXFP4', { unpack: mxfp4, bits: 8, group: 32, mins: false, middle: 0 }],
]);

/** The quantisation of a ggml type. */
export function quantizationOf(type: string): Quantised {
  const found = BY_TYPE.get(type);
  if (found === undefined) throw new Error(`There is no dequantisation of ${type}.`);
  return found;
}

/** Unpacks whole blocks of a quantised ggml type. */
export function unpack(bytes: Uint8Array, type: string): Quants {
  const block = blockTypeNamed(type);
  const { unpack: take, group, mins } = quantizationOf(type);
  const blocks = bytes.length / block.bytes;
  const count = blocks * block.elements;
  const out = {
    integers: new Int8Array(count),
    scales: new Float32Array(count / group),
    mins: mins ? new Float32Array(count / group) : null,
  };
  for (let i = 0; i < blocks; i++) take(bytes, i * block.bytes, out, i * block.elements);
  return out;
}

/** The float32 numbers of whole blocks of a ggml type, equal to ggml's own. */
export function dequantize(bytes: Uint8Array, type: string): Float32Array {
  if (isWeightType(type)) return widen(bytes, type);
  const { group } = quantizationOf(type);
  const { integers, scales, mins } = unpack(bytes, type);
  const out = new Float32Array(integers.length);
  for (let g = 0; g < scales.length; g++) {
    const scale = scales[g] ?? 0;
    const min = mins === null ? 0 : (mins[g] ?? 0);
    for (let i = g * group; i < (g + 1) * group; i++) out[i] = (integers[i] ?? 0) * scale - min;
  }
  return out;
}
