import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { SamplingSettings } from '../../src/core/sampling.ts';
import { openLanguageModel, type LanguageModel } from '../../src/model/languageModel.ts';
import { readGeneration, type Generation } from '../../src/model/generation/generationConfig.ts';
import { readInto, takeStep } from '../../src/analysis/generationStep.ts';
import { folder } from '../unit/model/folder.ts';
import { FIXTURES, native, wasm } from './compare.ts';

interface Expected {
  readonly prompt: readonly number[];
  readonly greedy: readonly number[];
  readonly drawn?: readonly { readonly settings: SamplingSettings & { readonly seed: number }; readonly ids: readonly number[] }[];
}
const EXPECTED = Object.entries(JSON.parse(readFileSync(`${FIXTURES}/generation.json`, 'utf8')) as Record<string, Expected>);
const GREEDY = { temperature: 0, topK: 0, topP: 1, minP: 0 } as const;

async function generate(
  model: LanguageModel,
  prompt: readonly number[],
  count: number,
  sampling: SamplingSettings,
  seed: number,
  generation: Pick<Generation, 'eos' | 'rules'> = { eos: [], rules: [] },
): Promise<number[]> {
  const sequence = model.sequence();
  const ids = [...prompt];
  while (ids.length < prompt.length + count) {
    const read = await readInto(sequence, runOf(ids, UNCHANGED), undefined);
    const step = await takeStep(
      { model, piece: String, generation },
      { run: runOf(ids, UNCHANGED), prompt: prompt.length, sampling, seed, topK: 3 },
      async () => read,
    );
    expect(step.reading).toMatchObject(ids.length === prompt.length ? { run: prompt.length, known: 0 } : { run: 1, known: ids.length - 1 });
    ids.push(step.id);
    if (step.stop === 'eos') break;
  }
  return ids.slice(prompt.length);
}

interface Ruled {
  readonly model: string;
  readonly prompt: readonly number[];
  readonly config: Readonly<Record<string, unknown>>;
  readonly greedy: readonly number[];
}
const RULED = (JSON.parse(readFileSync(`${FIXTURES}/generationRules.json`, 'utf8')) as readonly Ruled[]).map(
  (one) => [one.model, JSON.stringify(one.config), one] as const,
);

test.each(RULED)('%s with %s generates what transformers generates', async (name, config, { prompt, greedy }) => {
  const files = folder(`${FIXTURES}/${name}`, { 'generation_config.json': config });
  const model = await openLanguageModel(files, await wasm());
  expect(await generate(model, prompt, 16, GREEDY, 0, await readGeneration(files, model.config))).toEqual(greedy);
  await model.dispose();
});

describe.each([
  ['WASM', wasm],
  ['native', native],
])('%s', (_, runtime) => {
  test.each(EXPECTED)('%s generates what transformers generates', async (name, { prompt, greedy, drawn = [] }) => {
    const model = await openLanguageModel(folder(`${FIXTURES}/${name}`), await runtime());
    expect(await generate(model, prompt, greedy.length, GREEDY, 0)).toEqual(greedy);
    for (const { settings, ids } of drawn)
      expect(await generate(model, prompt, ids.length, settings, settings.seed), JSON.stringify(settings)).toEqual(ids);
    await model.dispose();
  });
});
