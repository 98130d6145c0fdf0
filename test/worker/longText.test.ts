import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { modelAt } from '../../src/worker/files.node.ts';
import { createEngine } from '../../src/worker/engine.ts';
import { wasmRuntime } from '../../src/model/run/runtime.ts';
import { LETTERS_TOKENIZER } from '../webview/family.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'long-text-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('a text of 50 MB and a context of a billion tokens: what there is memory for is read, and told', { timeout: 120_000 }, async () => {
  cpSync(join(ROOT, 'test/fixtures/models/families/mistral.1'), folder, { recursive: true });
  const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as Record<string, unknown>;
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, max_position_embeddings: 1_000_000_000 }));
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(LETTERS_TOKENIZER));
  const context = { progress: async () => undefined, checkpoint: async () => undefined };
  // As on a machine without free memory: what is always tried is all there is.
  const wasmBinary = readFileSync(join(ROOT, 'node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm'));
  const engine = createEngine({
    runtime: () => wasmRuntime({ wasmBinary, threads: 1 }),
    runtimeKind: 'wasm',
    freeMemory: async () => 0,
    openFiles: () => modelAt(folder),
  });
  await engine.open(context, { kind: 'folder', name: 'claims much', path: folder });
  const text = 'the cat sat on the mat. '.repeat(2_200_000);
  const { tokens, omitted, shortage, text: read } = await engine.explain(context, { text, topK: 1 });
  expect(tokens.length).toBeGreaterThan(500);
  expect(tokens.length).toBeLessThan(20_000);
  expect(read.length + omitted).toBe(text.length);
  expect(shortage?.wholeTokens).toBeGreaterThan(1_000_000);
  expect(shortage?.neededBytes).toBeGreaterThan(shortage?.availableBytes ?? Infinity);
});
