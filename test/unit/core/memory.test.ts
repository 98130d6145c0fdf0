import { expect, test } from 'vitest';
import { memoryNeed, tokensThatFit, WASM_MAX_BYTES, type MemoryShape } from '../../../src/core/memory.ts';

const MIB = 2 ** 20;
const WTE = 50_257 * 768 * 4;
/** GPT-2 124M, float32: the embedding is the unembedding too. */
const GPT2: MemoryShape = {
  layers: 12,
  heads: 12,
  kvHeads: 12,
  headDim: 64,
  dim: 768,
  vocab: 50_257,
  loadedBytes: 497_758_208,
  largestBytes: WTE,
  storedBytes: 497_758_208,
  madeBytes: 0,
};
const SIXTEEN_BITS: MemoryShape = { ...GPT2, storedBytes: GPT2.storedBytes / 2 };

const BUNDLED: MemoryShape = {
  layers: 6,
  heads: 8,
  kvHeads: 8,
  headDim: 32,
  dim: 256,
  vocab: 16_384,
  loadedBytes: 36_044_800,
  largestBytes: 16_777_216,
  storedBytes: 18_022_400,
  madeBytes: 0,
};

/** With learned positions for 4,096 tokens. */
const LONG: MemoryShape = { ...GPT2, loadedBytes: 507_195_392, storedBytes: 507_195_392 };

/** Peaks in MiB of the model's process, measured on Linux: explaining a text, reading all heads, and maps of four heads a layer. */
test.each([
  ['float32 in WebAssembly, 8 tokens', LONG, 'wasm', 8, 687],
  ['float32 in WebAssembly, 256 tokens', LONG, 'wasm', 256, 787],
  ['float32 in WebAssembly, 1,000 tokens', LONG, 'wasm', 1000, 1101],
  ['float32 in WebAssembly, 3,497 tokens', LONG, 'wasm', 3497, 1674],
  ['the bundled model in WebAssembly, 8 tokens', BUNDLED, 'wasm', 8, 216],
  ['the bundled model in WebAssembly, 256 tokens', BUNDLED, 'wasm', 256, 241],
  ['the bundled model in WebAssembly, 1,000 tokens', BUNDLED, 'wasm', 1000, 291],
  ['the bundled model, native, 8 tokens', BUNDLED, 'native', 8, 155],
  ['the bundled model, native, 256 tokens', BUNDLED, 'native', 256, 253],
  ['the bundled model, native, 1,000 tokens', BUNDLED, 'native', 1000, 416],
  ['float32, native, 8 tokens', LONG, 'native', 8, 607],
  ['float32, native, 256 tokens', LONG, 'native', 256, 827],
  ['float32, native, 1,024 tokens', LONG, 'native', 1024, 1300],
  ['float32, native, 4,000 tokens', LONG, 'native', 4000, 2246],
  // Of a forward pass and its predictions alone.
  ['16 bits, native, 8 tokens', SIXTEEN_BITS, 'native', 8, 661],
  ['16 bits, native, 276 tokens', SIXTEEN_BITS, 'native', 276, 832],
  ['made of quantised weights, native, 266 tokens', { ...GPT2, madeBytes: GPT2.loadedBytes }, 'native', 266, 1103],
] as const)('the estimate for %s is within a tenth of the peak', (_what, shape, runtime, tokens, measured) => {
  expect(Math.abs(memoryNeed(shape, runtime, tokens) / MIB / measured - 1)).toBeLessThan(0.1);
});

test.each([1e9, 2e9, 4e9])('the most tokens that fit into %d bytes fit, and one more does not', (bytes) => {
  const tokens = tokensThatFit(GPT2, 'wasm', bytes, 1e9);
  expect(memoryNeed(GPT2, 'wasm', tokens)).toBeLessThanOrEqual(bytes);
  expect(memoryNeed(GPT2, 'wasm', tokens + 1)).toBeGreaterThan(bytes);
});

test('a text that fits is not refused: 4,096 tokens of GPT-2’s shape, in WebAssembly and in 3 GB natively', () => {
  expect(tokensThatFit(LONG, 'wasm', WASM_MAX_BYTES, 4096)).toBe(4096);
  expect(tokensThatFit(LONG, 'native', 3e9, 4096)).toBe(4096);
});

test('no text fits where the model does not, and none is longer than the model reads', () => {
  expect(tokensThatFit(GPT2, 'wasm', 1e8, 1024)).toBe(0);
  expect(tokensThatFit(GPT2, 'native', 1e12, 1024)).toBe(1024);
});

test('more tokens never need less', () => {
  const needs = [1, 64, 256, 1024, 4096].map((tokens) => memoryNeed(GPT2, 'wasm', tokens));
  expect(needs).toEqual(needs.toSorted((a, b) => a - b));
});
