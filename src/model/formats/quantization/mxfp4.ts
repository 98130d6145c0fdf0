import { at } from '../../../core/tensor.ts';
import { msg } from '../../../core/translatable.ts';
import { computed, type Source } from '../source.ts';
import { bytesIn, refuse, tensorOf, type Dequantized, type QuantizedTensors } from './quantizedTensors.ts';

/** Numbers of a block, which share a scale. */
const BLOCK = 32;
/** The numbers of FP4 (e2m1) by their bits. */
const E2M1 = [0, 0.5, 1, 1.5, 2, 3, 4, 6, -0, -0.5, -1, -1.5, -2, -3, -4, -6];

/**
 * Weights of experts in MXFP4 (gpt-oss): `NAME_blocks` [experts, out, in / 32, 16] of two numbers a byte, the first in the lower nibble,
 * and `NAME_scales` [experts, out, in / 32], powers of 2 less 127; read as [experts, in, out], the form of transformers
 * (integrations/mxfp4.py, convert_moe_packed_tensors).
 */
export function mxfp4Weights(tensors: QuantizedTensors): Dequantized {
  const made = new Map<string, Source>();
  const spent = new Set<string>();
  for (const [name, blocks] of tensors.stored) {
    if (!name.endsWith('_blocks')) continue;
    const whole = name.slice(0, -'_blocks'.length);
    const [experts = 0, out = 0, groups = 0, half = 0] = blocks.shape;
    if (blocks.dtype !== 'U8' || blocks.shape.length !== 4 || half !== BLOCK / 2)
      refuse(blocks, msg`is not made of blocks of ${BLOCK} numbers`);
    const scales = tensorOf(tensors, `${whole}_scales`, ['U8'], [experts, out, groups]);
    spent.add(name).add(scales.name);
    const inputs = groups * BLOCK;
    /** Numbers of an expert [in, out]. */
    const expertOf = async (expert: number): Promise<Float32Array> => {
      const [bytes, powers] = [await bytesIn(tensors.files, blocks, expert, 1), await bytesIn(tensors.files, scales, expert, 1)];
      const values = new Float32Array(inputs * out);
      for (let o = 0; o < out; o++)
        for (let i = 0; i < inputs; i++) {
          const byte = at(bytes, (o * inputs + i) >> 1);
          const scale = 2 ** (at(powers, o * groups + Math.floor(i / BLOCK)) - 127);
          values[i * out + o] = at(E2M1, i % 2 === 0 ? byte & 15 : byte >> 4) * scale;
        }
      return values;
    };
    made.set(
      whole,
      computed({ shape: [experts, inputs, out] }, async (first, count) => {
        const rows = new Float32Array(count * out);
        for (let done = 0; done < count;) {
          const [expert, from] = [Math.floor((first + done) / inputs), (first + done) % inputs];
          const taken = Math.min(inputs - from, count - done);
          rows.set((await expertOf(expert)).subarray(from * out, (from + taken) * out), done * out);
          done += taken;
        }
        return rows;
      }),
    );
  }
  return { made, spent, type: 'MXFP4', activations: false };
}
