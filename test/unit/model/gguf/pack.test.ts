import { describe, test } from 'vitest';
import { dequantize, quantizationOf } from '../../../../src/model/formats/gguf/dequantize.ts';
import { packedRows } from '../../../../src/model/formats/gguf/pack.ts';
import { blockTypeNamed, blockTypeNames } from '../../../../src/model/formats/gguf/types.ts';
import { partsOf, type QuantizedForm } from '../../../../src/model/formats/quantized.ts';
import { isWeightType } from '../../../../src/model/formats/widen.ts';
import { expectNearShare } from '../../../closeness.ts';
import { quantisedBlocks } from './blocks.ts';

const CASES = blockTypeNames()
  .filter((name) => !isWeightType(name))
  .flatMap((type) => {
    const forms: readonly QuantizedForm[] = quantizationOf(type).bits === 4 ? ['nibbles'] : ['bytes', 'halves'];
    return forms.map((form) => ({ type, form }));
  });

/** The numbers that the parts stand for, as their description says. */
function numbersOf(packed: Uint8Array, shape: readonly [number, number], type: string, form: QuantizedForm): Float64Array {
  const { group } = quantizationOf(type);
  const parts = partsOf(shape, quantizationOf(type), form);
  const floats = (part: { readonly from: number; readonly length: number } | null): Float32Array | null =>
    part === null ? null : new Float32Array(packed.slice(part.from, part.from + part.length).buffer);
  const [scales, offsets] = [floats(parts.scales), floats(parts.offsets)];
  const nibble = (from: number, i: number): number => ((packed[from + (i >> 1)] ?? 0) >> (4 * (i & 1))) & 15;
  const integer = (i: number): number => {
    if (form === 'bytes') return (packed[parts.integers.from + i] ?? 0) - 128;
    const upper = nibble(parts.integers.from, i) - 8;
    return parts.lower === null ? upper : 16 * upper + nibble(parts.lower.from, i);
  };
  return Float64Array.from(
    { length: shape[0] * shape[1] },
    (_, i) => integer(i) * (scales?.[Math.floor(i / group)] ?? 0) + (offsets?.[Math.floor(i / group)] ?? 0),
  );
}

describe('numbers kept quantised are those that ggml makes of them, up to a rounding of what is added', () => {
  test.each(CASES)('$type as $form', async ({ type, form }) => {
    const { blocks } = await quantisedBlocks(type);
    const { elements, bytes } = blockTypeNamed(type);
    const width = elements * 2;
    const rows = blocks.length / bytes / 2;
    const perRow = 2 * bytes;
    const shape = [rows, width] as const;
    const source = { type, shape, rows: async (first: number, count: number) => blocks.slice(first * perRow, (first + count) * perRow) };
    const found = numbersOf(await packedRows(source, form), shape, type, form);
    const expected = dequantize(blocks, type);
    expectNearShare(found, expected, quantizationOf(type).mins ? 2e-7 : 1e-7, `${type} as ${form}`);
  });
});
