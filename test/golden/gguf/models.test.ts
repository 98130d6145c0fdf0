import { runOf, UNCHANGED } from '../../../src/core/run.ts';
import { readFileSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ggufFiles } from '../../../src/model/formats/gguf/ggufFiles.ts';
import type { ModelFiles } from '../../../src/model/formats/modelFiles.ts';
import { openLanguageModel } from '../../../src/model/languageModel.ts';
import { carriedIn } from '../../../src/model/run/forwardTrace.ts';
import type { Runtime } from '../../../src/model/run/runtime.ts';
import { filesOf, folder } from '../../unit/model/folder.ts';
import { native, wasm } from '../compare.ts';
import { expectClose, openGolden } from '../oracle.ts';
import { writeWorst } from './typeTable.ts';

const FIXTURES = 'test/fixtures/gguf';
const CASES = readdirSync(FIXTURES)
  .filter((name) => name.endsWith('.gguf.gz'))
  .map((name) => name.slice(0, -'.gguf.gz'.length));

const bytesOf = (name: string): Uint8Array => gunzipSync(readFileSync(`${FIXTURES}/${name}.gguf.gz`));

/** The worst difference of the logits from those of transformers with the same dequantised weights. */
async function compare(name: string, files: ModelFiles, runtime: Runtime): Promise<number> {
  const golden = await openGolden(folder(FIXTURES), 'golden.safetensors');
  const model = await openLanguageModel(files, runtime);
  try {
    const last = carriedIn(await model.run(runOf(await golden.ids(), UNCHANGED))).at(-1);
    if (last === undefined) throw new Error('No residual.');
    return expectClose(await model.logits(last), await golden.floats(`${name}.logits`), name);
  } finally {
    await model.dispose();
  }
}

const worst = { native: new Map<string, number>(), WASM: new Map<string, number>() };
afterAll(async () => {
  if (process.env['FAMILY_TABLE'] !== 'write') return;
  for (const runtime of ['native', 'WASM'] as const) await writeWorst(runtime, worst[runtime]);
});

test.each(CASES)('WASM: %s equals transformers with the same weights', async (name) => {
  const files = await ggufFiles(filesOf({ 'model.gguf': bytesOf(name) }), 'model.gguf');
  worst.WASM.set(name, await compare(name, files, await wasm()));
});

test.each(CASES)('WASM, all that is quantised kept so: %s equals transformers with the same weights', async (name) => {
  const files = await ggufFiles(filesOf({ 'model.gguf': bytesOf(name) }), 'model.gguf');
  await compare(name, files, { ...(await wasm()), dequantizedMaxBytes: 0 });
});

test.each(CASES)('native, all that is quantised kept so: %s equals transformers with the same weights', async (name) => {
  const files = await ggufFiles(filesOf({ 'model.gguf': bytesOf(name) }), 'model.gguf');
  await compare(name, files, { ...native(), dequantizedMaxBytes: 0 });
});

describe('native, with what needs no change mapped from the file', () => {
  let onDisk = '';
  beforeAll(async () => {
    onDisk = await mkdtemp(join(tmpdir(), 'gguf-'));
  });
  afterAll(() => rm(onDisk, { recursive: true }));

  test.each(CASES)('%s equals transformers with the same weights', async (name) => {
    await writeFile(join(onDisk, `${name}.gguf`), bytesOf(name));
    const files = await ggufFiles(folder(onDisk), `${name}.gguf`);
    worst.native.set(name, await compare(name, files, native()));
    expect(files.name).toBe(name);
  });
});
