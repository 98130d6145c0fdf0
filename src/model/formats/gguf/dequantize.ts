import { isWeightType, widen } from '../widen.ts';
import { iq4_nl, iq4_xs, q4_0, q4_1, q5_0, q5_1, q8_0, type Dequantize } from './blocks.ts';
import { q2_k, q3_k, q4_k, q5_k, q6_k } from './superBlocks.ts';
import { blockTypeNamed } from './types.ts';

const BY_TYPE: ReadonlyMap<string, Dequantize> = new Map([
  ['Q4_0', q4_0], ['Q4_1', q4_1], ['Q5_0', q5_0], ['Q5_1', q5_1], ['Q8_0', q8_0], ['Q2_K', q2_k], ['Q3_K', q3_k], ['Q4_K', q4_k], ['Q5_K', q5_k], ['Q6_K', q6_k],
  ['IQ4_NL', iq4_nl], ['IQ4_XS', iq4_xs],
]);

/** The float32 numbers of whole blocks of a ggml type, equal to ggml's own. */
export function dequantize(bytes: Uint8Array, type: string): Float32Array {
  if (isWeightType(type)) return widen(bytes, type);
  const block = blockTypeNamed(type);
  const write = BY_TYPE.get(type);
  if (write === undefined) throw new Error(`There is no dequantisation of ${type}.`);
  const blocks = bytes.length / block.bytes;
  const out = new Float32Array(blocks * block.elements);
  for (let i = 0; i < blocks; i++) write(bytes, i * block.bytes, out, i * block.elements);
  return out;
}
