import { expect, test } from 'vitest';
import { memoryNeed, type MemoryShape } from '../../../src/core/memory.ts';

const MIB = 2 ** 20;
const WTE = 50_257 * 768 * 4;
/** GPT-2 124M, float32: the embedding is the unembedding too. */
const GPT2: MemoryShape = { layers: 12, heads: 12, kvHeads: 12, headDim: 64, dim: 768, vocab: 50_257, loadedBytes: 497_758_208, largestBytes: WTE, storedBytes: 497_758_208, madeBytes: 0 };
const SIXTEEN_BITS: MemoryShape = { ...GPT2, storedBytes: GPT2.storedBytes / 2 };

/** Peaks in MiB that were measured on Linux, less what the process had before. */
test.each([
  ['float32 in WebAssembly, 8 tokens', GPT2, 'wasm', 8, 887],
  ['float32 in WebAssembly, 276 tokens', GPT2, 'wasm', 276, 943],
  ['float32 in WebAssembly, 1,018 tokens', GPT2, 'wasm', 1018, 1445],
  ['float32, native, 8 tokens', GPT2, 'native', 8, 599],
  ['float32, native, 276 tokens', GPT2, 'native', 276, 825],
  ['16 bits in WebAssembly, 276 tokens', SIXTEEN_BITS, 'wasm', 276, 1021],
  ['16 bits, native, 8 tokens', SIXTEEN_BITS, 'native', 8, 661],
  ['16 bits, native, 276 tokens', SIXTEEN_BITS, 'native', 276, 832],
  ['made of quantised weights, native, 266 tokens', { ...GPT2, madeBytes: GPT2.loadedBytes }, 'native', 266, 1103],
] as const)('the estimate for %s is within a tenth of the peak', (_what, shape, runtime, tokens, measured) => {
  expect(Math.abs(memoryNeed(shape, runtime, tokens) / MIB / measured - 1)).toBeLessThan(0.1);
});

test('more tokens never need less', () => {
  const needs = [1, 64, 256, 1024, 4096].map((tokens) => memoryNeed(GPT2, 'wasm', tokens));
  expect(needs).toEqual(needs.toSorted((a, b) => a - b));
});
