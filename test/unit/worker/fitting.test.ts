import { expect, test } from 'vitest';
import { NoMemoryError } from '../../../src/core/errors.ts';
import type { MemoryShape } from '../../../src/core/memory.ts';
import type { ModelInfo } from '../../../src/core/trace.ts';
import { checkFits, checkRoom, roomFor, shortageOf } from '../../../src/analysis/fitting.ts';

const shape: MemoryShape = {
  layers: 24,
  heads: 16,
  kvHeads: 16,
  headDim: 64,
  dim: 1024,
  vocab: 50_000,
  loadedBytes: 1.4e9,
  largestBytes: 2e8,
  storedBytes: 1.4e9,
  madeBytes: 0,
};
const info: ModelInfo = {
  name: 'medium',
  family: 'gpt2',
  layers: 24,
  heads: 16,
  kvHeads: 16,
  headDim: 64,
  dim: 1024,
  vocab: 50_000,
  contextLength: 1024,
  parameters: 355e6,
  weightType: 'F32',
  positions: 'learned',
  norm: 'LayerNorm',
  runtime: 'wasm',
  threads: 2,
};

test('a model that fits is opened', () => {
  expect(() => checkFits({ info, shape }, 4e9)).not.toThrow();
});

test('one that does not is refused with the numbers', () => {
  expect(() => checkFits({ info, shape }, 1e9)).toThrow(NoMemoryError);
  expect(() => checkFits({ info, shape }, 1e9)).toThrow(
    /^medium needs about 1\.9 GB of memory for a text of 256 tokens, and 1\.0 GB are free\.$/,
  );
});

test('and the native runtime where that would fit', () => {
  // WebAssembly packs the largest weight from a copy.
  expect(() => checkFits({ info, shape: { ...shape, largestBytes: 1e9 } }, 2.05e9)).toThrow(
    /^medium needs about 2\.1 GB .* The native runtime would need about 2\.0 GB\.$/,
  );
});

test('a small model is always tried', () => {
  const small = { ...shape, loadedBytes: 36e6, largestBytes: 16e6, storedBytes: 18e6, vocab: 16_384, layers: 6, heads: 8, dim: 256 };
  expect(() => checkFits({ info: { ...info, layers: 6, heads: 8, dim: 256 }, shape: small }, 1e8)).not.toThrow();
});

const long = { info: { ...info, contextLength: 1_000_000_000 }, shape };

test('of a text that would need too much memory a part is read, and both numbers are told', () => {
  const room = roomFor(long, 4e9);
  expect(room.tokens).toBeGreaterThan(1000);
  expect(room.tokens).toBeLessThan(8000);
  const shortage = shortageOf(long, room, { tokens: room.tokens, read: 10_000, length: 20_000 });
  expect(shortage).toMatchObject({ wholeTokens: 2 * room.tokens, availableBytes: 3.8e9 });
  expect(shortage?.neededBytes).toBeGreaterThan(3.8e9);
});

test('a text that fits, or was cut at the end of the context, is short of nothing', () => {
  expect(shortageOf(long, roomFor(long, 4e9), { tokens: 10, read: 100, length: 100 })).toBeNull();
  expect(shortageOf({ info, shape }, roomFor({ info, shape }, 8e9), { tokens: 1024, read: 5000, length: 10_000 })).toBeNull();
});

test('where nothing is known of the memory, WebAssembly has what it can address', () => {
  expect(roomFor(long, null).tokens).toBe(roomFor(long, 1e12).tokens);
});

test('no room for a single token, and more ids than there is room for, are refused with both numbers', () => {
  expect(() => roomFor({ info, shape }, 1e9)).toThrow(
    /^medium needs about 1\.7 GB of memory for a text of 1 tokens, and 1\.0 GB are free\.$/,
  );
  expect(() => checkRoom(long, roomFor(long, 4e9), 100_000)).toThrow(
    /^medium needs about [\d.]+ GB of memory for a text of 100,000 tokens, and 3\.8 GB are free\.$/,
  );
  expect(() => checkRoom(long, roomFor(long, 4e9), 100)).not.toThrow();
});
