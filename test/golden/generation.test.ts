import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { SamplingSettings } from '../../src/core/sampling.ts';
import { openLanguageModel, type LanguageModel } from '../../src/model/languageModel.ts';
import { readInto, takeStep } from '../../src/worker/step.ts';
import { folder } from '../unit/model/folder.ts';
import { FIXTURES, native, wasm } from './compare.ts';

interface Expected {
  readonly prompt: readonly number[];
  readonly greedy: readonly number[];
  readonly drawn?: readonly { readonly settings: SamplingSettings & { readonly seed: number }; readonly ids: readonly number[] }[];
}
const EXPECTED = Object.entries(JSON.parse(readFileSync(`${FIXTURES}/generation.json`, 'utf8')) as Record<string, Expected>);
const GREEDY = { temperature: 0, topK: 0, topP: 1, minP: 0 } as const;

async function generate(model: LanguageModel, prompt: readonly number[], count: number, sampling: SamplingSettings, seed: number): Promise<number[]> {
  const sequence = model.sequence();
  const ids = [...prompt];
  while (ids.length < prompt.length + count) {
    const read = await readInto(sequence, Int32Array.from(ids), undefined);
    const step = await takeStep({ model, piece: String, eos: [] }, { ids: Int32Array.from(ids), sampling, seed, topK: 3 }, async () => read);
    expect(step.reading).toMatchObject(ids.length === prompt.length ? { run: prompt.length, known: 0 } : { run: 1, known: ids.length - 1 });
    ids.push(step.id);
  }
  return ids.slice(prompt.length);
}

describe.each([['WASM', wasm], ['native', native]])('%s', (_, runtime) => {
  test.each(EXPECTED)('%s generates what transformers generates', async (name, { prompt, greedy, drawn = [] }) => {
    const model = await openLanguageModel(folder(`${FIXTURES}/${name}`), await runtime());
    expect(await generate(model, prompt, greedy.length, GREEDY, 0)).toEqual(greedy);
    for (const { settings, ids } of drawn) expect(await generate(model, prompt, ids.length, settings, settings.seed), JSON.stringify(settings)).toEqual(ids);
    await model.dispose();
  });
});
