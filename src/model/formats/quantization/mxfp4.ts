import { msg } from '../../../core/translatable.ts';
import { dequantize } from '../gguf/dequantize.ts';
import { computed, type BlockRows, type Source } from '../source.ts';
import { refuse, tensorOf, type Dequantized, type QuantizedTensors } from './quantizedTensors.ts';

/** Numbers of a block, which share a scale. */
const BLOCK = 32;

/**
 * Weights of experts in MXFP4 (gpt-oss): `NAME_blocks` [experts, out, in / 32, 16] of two numbers a byte, the first in the lower nibble,
 * and `NAME_scales` [experts, out, in / 32], powers of 2 less 127. Each expert's matrix is one of its own, [out, in], which can also be
 * kept in quantised form. The numbers are those of transformers (integrations/mxfp4.py, convert_moe_packed_tensors).
 */
export function mxfp4Weights(tensors: QuantizedTensors): Dequantized {
  const { files } = tensors;
  const made = new Map<string, Source>();
  const spent = new Set<string>();
  for (const [name, blocks] of tensors.stored) {
    const [, experts = '', matrix = ''] = /^(.*\.experts)\.([a-z_]+)_blocks$/.exec(name) ?? [];
    if (matrix === '') continue;
    const [count = 0, out = 0, groups = 0, half = 0] = blocks.shape;
    if (blocks.dtype !== 'U8' || blocks.shape.length !== 4 || half !== BLOCK / 2)
      refuse(blocks, msg`is not made of blocks of ${BLOCK} numbers`);
    const scales = tensorOf(tensors, `${experts}.${matrix}_scales`, ['U8'], [count, out, groups]);
    spent.add(name).add(scales.name);
    const width = groups * BLOCK;
    for (let expert = 0; expert < count; expert++) {
      const rows: BlockRows['rows'] = async (first, of) => {
        const from = expert * out + first;
        return ggmlBlocks(
          await files.read(blocks.file, blocks.offset + from * groups * half, of * groups * half),
          await files.read(scales.file, scales.offset + from * groups, of * groups),
        );
      };
      const numbers = computed({ shape: [out, width] }, async (first, of) => dequantize(await rows(first, of), 'MXFP4'));
      made.set(`${experts}.${expert}.${matrix}.weight`, { ...numbers, blocks: { type: 'MXFP4', shape: [out, width], rows } });
    }
  }
  return { made, spent, type: 'MXFP4', activations: false };
}

/** The same blocks as ggml has them: the scale in front, number i in the lower nibble of byte i, number i + 16 in the upper one. */
function ggmlBlocks(bytes: Uint8Array, scales: Uint8Array): Uint8Array {
  const half = BLOCK / 2;
  const out = new Uint8Array(bytes.length + scales.length);
  for (const [block, scale] of scales.entries()) {
    const at = block * (half + 1);
    out[at] = scale;
    const nibble = (number: number): number => ((bytes[block * half + (number >> 1)] ?? 0) >> (4 * (number & 1))) & 15;
    for (let i = 0; i < half; i++) out[at + 1 + i] = nibble(i) | (nibble(i + half) << 4);
  }
  return out;
}
