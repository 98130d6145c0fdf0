import { expect, test } from 'vitest';
import { NoMemoryError } from '../../../src/core/errors.ts';
import type { MemoryShape } from '../../../src/core/memory.ts';
import type { ModelInfo } from '../../../src/core/trace.ts';
import { checkFits } from '../../../src/worker/fitting.ts';

const shape: MemoryShape = { layers: 24, heads: 16, kvHeads: 16, headDim: 64, dim: 1024, vocab: 50_000, loadedBytes: 1.4e9, largestBytes: 2e8, storedBytes: 1.4e9, madeBytes: 0 };
const info: ModelInfo = { name: 'medium', family: 'gpt2', layers: 24, heads: 16, kvHeads: 16, headDim: 64, dim: 1024, vocab: 50_000, contextLength: 1024, parameters: 355e6, weightType: 'F32', positions: 'learned', norm: 'LayerNorm', runtime: 'wasm', threads: 2 };

test('a model that fits is opened', () => {
  expect(() => checkFits({ info, shape }, 4e9)).not.toThrow();
});

test('one that does not is refused with the numbers', () => {
  expect(() => checkFits({ info, shape }, 1e9)).toThrow(NoMemoryError);
  expect(() => checkFits({ info, shape }, 1e9)).toThrow(/^medium needs about 2\.1 GB of memory for a text of 256 tokens, and 1\.0 GB are free\.$/);
});

test('and the native runtime where that would fit', () => {
  expect(() => checkFits({ info, shape }, 1.95e9)).toThrow(/ The native runtime would need about 1\.9 GB\.$/);
});

test('a small model is always tried', () => {
  const small = { ...shape, loadedBytes: 36e6, largestBytes: 16e6, storedBytes: 18e6, vocab: 16_384, layers: 6, heads: 8, dim: 256 };
  expect(() => checkFits({ info: { ...info, layers: 6, heads: 8, dim: 256 }, shape: small }, 1e8)).not.toThrow();
});
