import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { appliedRecipe } from '../../src/analysis/appliedRecipe.ts';
import { readInto, takeStep } from '../../src/analysis/generationStep.ts';
import { steeringVectors, tokenVectors } from '../../src/analysis/steeringVectors.ts';
import { createTraceCache } from '../../src/analysis/traceCache.ts';
import { UNWATCHED } from '../../src/core/progress.ts';
import { continued, runOf, UNCHANGED, type Recipe, type Run, type SteeringIntervention } from '../../src/core/run.ts';
import { asLong, lengthOf, randomDirection, steeringSteps } from '../../src/core/steering.ts';
import { row, type Tensor } from '../../src/core/tensor.ts';
import { controlVectorBytes, readControlVector } from '../../src/model/formats/gguf/controlVector.ts';
import type { LanguageModel } from '../../src/model/languageModel.ts';
import type { Trace } from '../../src/model/run/forwardTrace.ts';
import { expectNearShare, itemOf } from '../closeness.ts';
import { folder } from '../unit/model/folder.ts';
import { FIXTURES, native, openCase, smallPieces, wasm } from './compare.ts';
import { openGolden } from './oracle.ts';

interface Stored {
  readonly prompt: number;
  readonly rows: readonly number[];
  readonly strength: number;
  /** `values` are seeds, as `vector` of the reference. */
  readonly recipes: Readonly<Record<string, readonly (Omit<SteeringIntervention, 'values'> & { readonly values: number })[]>>;
  readonly positive: readonly (readonly number[])[];
  readonly negative: readonly (readonly number[])[];
}
const STORED = JSON.parse(readFileSync(`${FIXTURES}/steering.json`, 'utf8')) as Stored;
const { prompt, rows } = STORED;
const TOLERANCE = 2e-5;
const GREEDY = { temperature: 0, topK: 0, topP: 1, minP: 0 };
const expected = await openGolden(folder(FIXTURES), 'steering.safetensors');
const CASES = [...new Set(expected.names.map((name) => name.slice(0, name.indexOf('/'))))];

/** The numbers that a seed stands for, as `vector` of the reference. */
function vectorOf(seed: number, width: number): readonly number[] {
  return Array.from({ length: width }, (_, i) => (((7 * i + 3 * seed) % 11) - 5) / 5);
}

const recipeOf = (model: LanguageModel, steps: Stored['recipes'][string]): Recipe =>
  steps.map((step) => ({ ...step, values: vectorOf(step.values, model.info.dim) }));
const lastOf = ({ resid }: Trace): Tensor => itemOf(resid, resid.length - 1);
const chosen = (logits: Tensor): number[] => rows.flatMap((position) => [...row(logits, position)]);
const idsOf = (texts: readonly (readonly number[])[]): Int32Array[] => texts.map((ids) => Int32Array.from(ids));

/** Greedy tokens after the run's, each read onto the cache of keys and values. */
async function generated(model: LanguageModel, run: Run, count: number): Promise<Int32Array> {
  const sequence = model.sequence();
  const ids: number[] = [];
  while (ids.length < count) {
    const now = continued(run, ids);
    const read = await readInto(sequence, now, undefined);
    expect(read.reading.run).toBe(ids.length === 0 ? run.ids.length : 1);
    const step = await takeStep(
      { model, piece: String, generation: { eos: [], rules: [] } },
      { run: now, prompt: run.ids.length, sampling: GREEDY, seed: 0, topK: 1 },
      async () => read,
    );
    ids.push(step.id);
  }
  return Int32Array.from(ids);
}

describe.each([
  ['WASM', wasm, ['gpt2', 'gemma2.3', 'mixtral.1']],
  ['native', native, CASES],
] as const)('steering, %s', (_, runtime, cases) => {
  test.each(cases)('%s: equals hooks on transformers, at once, in pieces, token by token and in what is generated', async (name) => {
    const { model, ids } = await openCase(name, await runtime());
    const inPieces = await openCase(name, await runtime(), smallPieces);
    try {
      for (const [title, stored] of Object.entries(STORED.recipes)) {
        const recipe = await appliedRecipe(model, ids, recipeOf(model, stored), (run) => model.run(run), prompt);
        const logits = (await expected.floats(`${name}/${title}/logits`)).data;
        const run = runOf(ids, recipe);
        expectNearShare(chosen(await model.logits(lastOf(await model.run(run)))), logits, TOLERANCE, `${name} ${title}`);
        const pieces = chosen(await inPieces.model.logits(lastOf(await inPieces.model.run(run))));
        expectNearShare(pieces, logits, TOLERANCE, `${name} ${title} in pieces`);
        const sequence = model.sequence();
        for (let end = 4; end <= ids.length; end++) await sequence.read(runOf(ids.slice(0, end), recipe));
        const last = (await model.logits(sequence.final(itemOf(rows, 3)))).data;
        expectNearShare(last, logits.slice(-last.length), TOLERANCE * 5, `${name} ${title} grown`);
        expect(await generated(model, runOf(ids.slice(0, prompt), recipe), 4), `${name} ${title}`).toEqual(
          await expected.wholeNumbers(`${name}/${title}/generated`),
        );
      }
    } finally {
      await model.dispose();
      await inPieces.model.dispose();
    }
  });
});

describe.each(['gpt2', 'phi.1', 'gemma2.3'])('%s', (name) => {
  test('gives the difference of means and the residual length of PyTorch', async () => {
    const { model } = await openCase(name, await wasm());
    const texts = { positive: idsOf(STORED.positive), negative: idsOf(STORED.negative) };
    for (const read of ['last', 'mean'] as const) {
      const { vectors, lengths } = await steeringVectors(model, texts, read, UNWATCHED);
      const found = await expected.floats(`${name}/vectors.${read}`);
      for (const [place, vector] of vectors.entries()) expectNearShare(vector, row(found, place), 1e-4, `${name} ${read} ${place}`);
      expectNearShare(lengths, (await expected.floats(`${name}/lengths`)).data, TOLERANCE, `${name} lengths`);
    }
    await model.dispose();
  });

  test('is the model as it is at strength 0 and the same to the bit, and each part of a logit is counted', async () => {
    const { model, ids } = await openCase(name, await wasm());
    const values = vectorOf(5, model.info.dim);
    const steered = (strength: number): Recipe => [{ kind: 'steer', layer: 1, action: 'add', values, strength }];
    const plain = await model.run(runOf(ids, UNCHANGED));
    const none = await model.run(runOf(ids, steered(0)));
    expect(none.resid.map(({ data }) => data)).toEqual(plain.resid.map(({ data }) => data));
    const trace = await model.run(runOf(ids, steered(1)));
    const { target, embedding, layers, rest } = await model.direct(trace, { kind: 'logit', position: ids.length - 1, token: 5, rival: 9 });
    const parts = [embedding, rest, ...layers.flatMap((part) => [...part.heads, part.mlp, part.rest])];
    const sum = parts.reduce((total, part) => total + part, 0);
    expect(Math.abs(sum - target) / Math.max(Math.abs(target), ...parts.map(Math.abs))).toBeLessThanOrEqual(1e-4);
    await model.dispose();
  });
});

describe('a cache', () => {
  test('keeps what a vector does not reach, and nothing else', async () => {
    const { model, ids } = await openCase('llama', await wasm());
    const cache = createTraceCache(model);
    const on = (which: 'prompt' | 'generated', strength = 1): Recipe => [
      { kind: 'steer', layer: 1, action: 'add', values: vectorOf(5, model.info.dim), strength, on: which, prompt },
    ];
    const read = async (recipe: Recipe): Promise<number> => (await cache.read(runOf(ids, recipe), async () => undefined)).reading.known;
    expect(await read(UNCHANGED)).toBe(0);
    expect(await read(on('generated'))).toBe(prompt);
    expect(await read(on('generated', 2))).toBe(prompt);
    expect(await read(on('prompt'))).toBe(0);
    expect(await read(on('prompt', 2))).toBe(0);
    await model.dispose();
  });
});

describe('a control-vector file', () => {
  const at = (file: string) => readControlVector(folder(FIXTURES), file);

  test('of gguf in Python is read with either type of its count, and acts as llama.cpp adds it', async () => {
    const { model, ids } = await openCase('llama', await wasm());
    const vector = await at('steering-u32.gguf');
    expect(vector).toEqual(await at('steering-i32.gguf'));
    expect(vector).toMatchObject({ name: 'spring', description: 'made by hand', family: 'llama' });
    expect(vector.directions.map(({ layer }) => layer)).toEqual([2]);
    const recipe = steeringSteps(vector.directions, { strength: STORED.strength, on: 'all' });
    const logits = (await expected.floats('llama/controlVector/logits')).data;
    expectNearShare(chosen(await model.logits(lastOf(await model.run(runOf(ids, recipe))))), logits, TOLERANCE, 'control vector');
    await model.dispose();
  });

  test('is written byte by byte as by gguf in Python', async () => {
    const bytes = controlVectorBytes(await at('steering-i32.gguf'));
    expect(Buffer.from(bytes).equals(readFileSync(`${FIXTURES}/steering-i32.gguf`))).toBe(true);
  });

  test('comes back as it was written, and lacks a place for the first layers', async () => {
    const direction = (layer: number) => ({ layer, values: randomDirection(5, 2, layer) });
    const vector = { name: '春', description: '', family: 'gpt2', directions: [2, 7, 11].map(direction) };
    const again = await readControlVector(folder(FIXTURES, { 'a.gguf': controlVectorBytes(vector) }), 'a.gguf');
    expect(again).toEqual(vector);
    expect(() => controlVectorBytes({ ...vector, directions: [direction(1)] })).toThrow(
      'A control-vector file has no direction for the residual at layer 1: the first is for layer 2.',
    );
  });

  test('is refused where it is none', async () => {
    const whole = readFileSync(`${FIXTURES}/steering-i32.gguf`);
    const changed = (from: string, to: string): Buffer => Buffer.from(whole.toString('latin1').replace(from, to), 'latin1');
    const read = (bytes: Uint8Array) => readControlVector(folder(FIXTURES, { 'a.gguf': bytes }), 'a.gguf');
    await expect(read(changed('controlvector', 'uncontrolled!'))).rejects.toThrow('a.gguf is no control vector: it says');
    await expect(read(changed('direction.1', 'direction.0'))).rejects.toThrow('a.gguf holds "direction.0": a control vector holds');
    const infinite = Buffer.from(whole);
    infinite.writeFloatLE(Infinity, infinite.length - 4);
    await expect(read(infinite)).rejects.toThrow('a.gguf holds "direction.1" with numbers that are not finite.');
    await expect(read(whole.subarray(0, whole.length - 8))).rejects.toThrow('is cut off');
  });
});

test('a random direction has its length, is its seed’s own, and lies across another', () => {
  const [one, two] = [randomDirection(1024, 3, 1), randomDirection(1024, 3, 2)];
  expect(lengthOf(one)).toBeCloseTo(3, 5);
  expect(randomDirection(1024, 3, 1)).toEqual(one);
  expect(Math.abs(one.reduce((sum, value, i) => sum + value * itemOf([...two], i), 0)) / 9).toBeLessThan(0.12);
  expect(asLong([0, 0], 3)).toEqual(Float32Array.of(0, 0));
});

test('the difference of two rows of the unembedding is a vector at every place', async () => {
  const { model, ids } = await openCase('llama', await wasm());
  const { vectors, lengths } = await tokenVectors(model, 5, 9, ids);
  const [up, down] = [await model.unembeddingRow(5), await model.unembeddingRow(9)];
  expect(vectors).toHaveLength(model.info.layers + 1);
  expect(lengths).toHaveLength(model.info.layers + 1);
  expect([...itemOf(vectors, 2)]).toEqual(Array.from(up, (value, i) => Math.fround(value - itemOf([...down], i))));
  await model.dispose();
});
