import { expect, test } from 'vitest';
import type { ModelDescription } from '../../../src/core/memory.ts';
import { inert, inertEnglish as t } from '../../../src/core/inertText.ts';
import { msg } from '../../../src/core/translatable.ts';
import { countText, detailsOf, factsOf, fitOf, type Known, type ModelEntry } from '../../../src/host/models/modelEntries.ts';

const entry: ModelEntry = {
  group: 'ollama',
  setting: '/blobs/sha256-1',
  name: 'qwen3:0.6b',
  aliases: ['qwen3:latest'],
  bytes: 522_653_536,
};
const description: ModelDescription = {
  name: 'qwen3:0.6b',
  family: 'qwen3',
  layers: 28,
  heads: 16,
  kvHeads: 8,
  headDim: 128,
  dim: 1024,
  vocab: 151_936,
  contextLength: 40_960,
  parameters: 596_049_920,
  weightType: 'Q4_K_M',
  positions: 'rotary',
  norm: 'RMSNorm',
  bytes: 500_000_000,
  memory: { wasm: { typical: 3.4e9, full: 4.5e11 }, native: { typical: 2.6e9, full: 4.4e11 } },
};
const known = (free: number | null, runtime: 'wasm' | 'native' = 'wasm'): Known => ({
  kind: 'described',
  description,
  resources: { runtime, free },
});

test('a model is told by what people compare models by', () => {
  expect(factsOf(entry, known(8e9), t, 'en')).toEqual(['qwen3', '596M parameters', '522.7 MB', '40,960 tokens', 'Q4_K_M', 'needs 3.4 GB']);
  expect(factsOf(entry, { kind: 'unknown' }, t, 'en')).toEqual(['522.7 MB']);
  expect(factsOf({ ...entry, bytes: null }, { kind: 'refused', reason: inert('x') }, t, 'en')).toEqual([]);
});

test('whether it fits is told with the numbers, and with the runtime that would do', () => {
  expect(fitOf(known(8e9), t)).toEqual({ kind: 'fits' });
  expect(fitOf(known(null), t)).toEqual({ kind: 'fits' });
  expect(fitOf(known(3e9), t)).toEqual({ kind: 'large', reason: 'does not fit: 3.0 GB are free; the native runtime needs 2.6 GB' });
  expect(fitOf(known(2e9), t)).toEqual({ kind: 'large', reason: 'does not fit: 2.0 GB are free' });
  expect(fitOf(known(3e9, 'native'), t)).toEqual({ kind: 'fits' });
  expect(fitOf({ kind: 'refused', reason: inert('config.json: models of type "mamba" are not supported.') }, t)).toEqual({
    kind: 'refused',
    reason: 'config.json: models of type "mamba" are not supported.',
  });
  const huge: Known = {
    kind: 'described',
    description: { ...description, memory: { ...description.memory, wasm: null } },
    resources: { runtime: 'wasm', free: 64e9 },
  };
  expect(fitOf(huge, t)).toEqual({ kind: 'large', reason: 'too large for WebAssembly; the native runtime needs 2.6 GB' });
});

test('its details name its other names, its place and both runtimes', () => {
  const details = detailsOf(entry, known(8e9), t, 'en');
  expect(details).toContain('also: qwen3:latest');
  expect(details).toContain('/blobs/sha256-1');
  expect(details).toContain('Memory with WebAssembly: 3.4 GB for 256 tokens, 450.0 GB for 40,960');
});

test('and what of its files is not in its numbers', () => {
  const noticed: Known = {
    kind: 'described',
    description: { ...description, notices: [msg`${'m.gguf'} also holds more.`] },
    resources: { runtime: 'wasm', free: 8e9 },
  };
  expect(detailsOf(entry, noticed, t, 'en').at(-1)).toBe('m.gguf also holds more.');
});

test.each([
  [9_013_504, '9M'],
  [124_439_808, '124M'],
  [1_543_714_304, '1.5B'],
  [70_000_000_000, '70B'],
  [512, '512'],
  [1_500, '1.5K'],
])('%i is written as %s', (count, text) => {
  expect(countText(count)).toBe(text);
});
