import { expect } from 'vitest';
import type { Tensor } from '../../src/core/tensor.ts';
import type { ModelFiles } from '../../src/model/formats/modelFiles.ts';
import { readSafetensorsHeader } from '../../src/model/formats/safetensors.ts';
import { expectNearShare } from '../closeness.ts';

/** Largest difference, relative to the largest absolute value. */
const TOLERANCE = 2e-5;

/** The expected tensors of a golden case. */
export type Golden = Awaited<ReturnType<typeof openGolden>>;

/** Opens a safetensors file of expected tensors. */
export async function openGolden(files: ModelFiles, file: string) {
  const header = await readSafetensorsHeader(files, file);
  const read = new Set<string>();
  const bytes = async (name: string): Promise<ArrayBuffer> => {
    read.add(name);
    const stored = header.get(name);
    if (stored === undefined) throw new Error(`${file} holds no ${name}.`);
    return (await files.read(stored.file, stored.offset, stored.length)).slice().buffer;
  };
  const shape = (name: string): readonly number[] => {
    const stored = header.get(name);
    if (stored === undefined) throw new Error(`${file} holds no ${name}.`);
    if (stored.dtype !== 'F32') throw new Error(`${name} of ${file} is ${stored.dtype}, not F32.`);
    return stored.shape;
  };
  return {
    floats: async (name: string) => ({ dims: shape(name), data: new Float32Array(await bytes(name)) }),
    ids: async () => Int32Array.from(new BigInt64Array(await bytes('input_ids')), Number),
    wholeNumbers: async (name: string) => Int32Array.from(new BigInt64Array(await bytes(name)), Number),
    names: [...header.keys()],
    /** Names of the expected tensors that have not been read. */
    unread: () => [...header.keys()].filter((name) => !read.has(name)),
  };
}

/**
 * Expects the same shape, and every number within `tolerance` times the largest expected magnitude. Returns the largest such ratio.
 * Throws for tensors without numbers.
 */
export function expectClose(found: Tensor, expected: Tensor, what: string, tolerance = TOLERANCE): number {
  expect(found.dims, what).toEqual(expected.dims);
  return expectNearShare(found.data, expected.data, tolerance, what);
}
