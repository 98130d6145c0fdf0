import { readFileSync, readdirSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { afterAll, test } from 'vitest';
import type { Runtime } from '../../src/model/run/runtime.ts';
import { folder } from '../unit/model/folder.ts';
import { FIXTURES, compareWithGolden } from './compare.ts';
import { writeWorst } from './familyTable.ts';

const WHOLE = ['gpt2', 'llama', 'llama3_rope', 'llama_linear_rope', 'llama_yarn'];
const IN_VERSION_4_WORDS = WHOLE.filter((name) => name !== 'gpt2');
/** Golden case -> name of its weights. */
const VARIANTS = Object.entries(JSON.parse(readFileSync(`${FIXTURES}/variants.json`, 'utf8')) as Record<string, string>);
/** Cases of every family; later cases of a family cover options that its first one does not use. */
const FAMILY_CASES = readdirSync(`${FIXTURES}/families`);
/** Cases of models of which a decoder of texts is one part. */
const WRAPPER_CASES = readdirSync(`${FIXTURES}/wrappers`);

/** Declares a test of every golden case, on one runtime. */
export function goldenTests(runtime: 'native' | 'WASM', open: () => Promise<Runtime> | Runtime): void {
  const worst = new Map<string, number>();
  test.each(WHOLE)('%s equals transformers', async (name) => {
    const files = folder(`${FIXTURES}/${name}`);
    worst.set(name, await compareWithGolden(files, files, await open()));
  });

  test.each(IN_VERSION_4_WORDS)('%s in the words of transformers 4 equals transformers', async (name) => {
    const files = folder(`${FIXTURES}/${name}`, { 'config.json': await readFile(`${FIXTURES}/${name}/config.v4.json`) });
    await compareWithGolden(files, folder(`${FIXTURES}/${name}`), await open());
  });

  test.each(FAMILY_CASES)('%s equals transformers', async (name) => {
    const files = folder(`${FIXTURES}/families/${name}`);
    worst.set(name, await compareWithGolden(files, files, await open()));
  });

  test.each(WRAPPER_CASES)('the text part of %s equals transformers', async (name) => {
    const files = folder(`${FIXTURES}/wrappers/${name}`);
    await compareWithGolden(files, files, await open());
  });
  afterAll(() => {
    writeWorst(runtime, worst);
  });

  test.each(VARIANTS)('%s equals transformers', async (name, weights) => {
    const config = await readFile(`${FIXTURES}/variants/${name}/config.json`);
    const sharded = weights.endsWith('_sharded');
    const files = sharded
      ? folder(`${FIXTURES}/weights/${weights}`, { 'config.json': config })
      : folder(`${FIXTURES}/weights`, { 'config.json': config, ...(await onlyWeights(weights)) });
    worst.set(name, await compareWithGolden(files, folder(`${FIXTURES}/variants/${name}`), await open()));
  });
}

/** Replacements that leave only `weights` in the folder, under the usual name. */
async function onlyWeights(weights: string): Promise<Record<string, Uint8Array | null>> {
  const others = (await readdir(`${FIXTURES}/weights`)).map((name) => [name, null] as const);
  return { ...Object.fromEntries(others), 'model.safetensors': await readFile(`${FIXTURES}/weights/${weights}.safetensors`) };
}
