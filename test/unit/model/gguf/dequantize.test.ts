import { describe, expect, test } from 'vitest';
import { dequantize } from '../../../../src/model/formats/gguf/dequantize.ts';
import { blockTypeNames } from '../../../../src/model/formats/gguf/types.ts';
import { isWeightType, widen } from '../../../../src/model/formats/widen.ts';
import { quantisedBlocks } from './blocks.ts';

const TYPES = blockTypeNames().filter((name) => !isWeightType(name));

describe('dequantised numbers equal ggml’s, to the last bit', () => {
  test.each(TYPES)('%s', async (type) => {
    const { blocks, values } = await quantisedBlocks(type);
    const found = dequantize(blocks, type);
    expect(found.length).toBe(values.length);
    expect(found.findIndex((value, i) => value !== values[i])).toBe(-1);
  });

  test('a type that is not quantised is widened', () => {
    expect(dequantize(Uint8Array.of(0, 0x3c, 0, 0xc0), 'F16')).toEqual(widen(Uint8Array.of(0, 0x3c, 0, 0xc0), 'F16'));
    expect([...dequantize(Uint8Array.of(0x80, 0x3f), 'BF16')]).toEqual([1]);
  });
});
