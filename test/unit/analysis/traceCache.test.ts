import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTraceCache, type TraceCache } from '../../../src/analysis/traceCache.ts';
import { runOf, UNCHANGED, type Recipe } from '../../../src/core/run.ts';
import { openLanguageModel, type LanguageModel } from '../../../src/model/languageModel.ts';
import { predict } from '../../../src/analysis/predictions.ts';
import { lastResidual } from '../../../src/analysis/traceRows.ts';
import { expectNear, expectNearShare, itemOf } from '../../closeness.ts';
import { FIXTURES, wasm } from '../../golden/compare.ts';
import { filesOf, folder } from '../model/folder.ts';

const IDS = [1, 2, 3, 4, 5];
const other: Recipe = [{ kind: 'head', layer: 0, head: 1, action: 'zero' }];
const plain = runOf(IDS, UNCHANGED);
const changed = runOf(IDS, other);
const quiet = async (): Promise<void> => undefined;

describe('what is kept of a run', () => {
  let model: LanguageModel;
  let cache: TraceCache;
  beforeAll(async () => {
    model = await openLanguageModel(folder(`${FIXTURES}/llama`), await wasm());
  });
  beforeEach(() => {
    cache = createTraceCache(model);
  });
  afterAll(() => model?.dispose());

  test('is the forward pass of the same ids and the same recipe', async () => {
    const { trace } = await cache.wholePass(plain, quiet);
    expect(await cache.wholePass(runOf(IDS, []), quiet)).toMatchObject({ kept: true });
    expect(await cache.trace(plain, quiet)).toBe(trace);
    const apart = await cache.wholePass(changed, quiet);
    expect(apart.kept).toBe(false);
    expect(apart.trace.run).toEqual(changed);
    expect(apart.trace.resid[1]?.data).not.toEqual(trace.resid[1]?.data);
    expect(await cache.trace(changed, quiet)).toBe(apart.trace);
    expect(await cache.trace(plain, quiet)).toBe(trace);
  });

  test('is a head of that very run', async () => {
    const [own, others] = [await cache.trace(plain, quiet), await cache.trace(changed, quiet)];
    const head = await cache.head(own, 0, 1);
    expect(await cache.head(own, 0, 1)).toBe(head);
    expect(await cache.head(others, 0, 1)).not.toBe(head);
  });

  test('is the text being generated, where the recipe is the same', async () => {
    expect((await cache.read(plain, quiet)).reading).toMatchObject({ run: 5, known: 0 });
    expect((await cache.read(runOf([...IDS, 6], UNCHANGED), quiet)).reading).toMatchObject({ run: 1, known: 5 });
    expect((await cache.read(runOf([...IDS, 6, 7], other), quiet)).reading).toMatchObject({ run: 7, known: 0, reread: false });
    expect((await cache.trace(runOf([...IDS, 6], other), quiet)).run).toEqual(runOf([...IDS, 6], other));
    const kept = await cache.wholePass(plain, quiet);
    expect(kept.kept).toBe(false);
    // A forward pass of another recipe is not the start of this text.
    expect((await cache.read(runOf([...IDS, 9], other), quiet)).reading).toMatchObject({ known: 5, run: 1 });
    expect((await cache.read(runOf([...IDS, 9], UNCHANGED), quiet)).reading).toMatchObject({ known: 5, run: 1 });
  });

  test('is one row of the last residual', async () => {
    await cache.read(changed, quiet);
    const whole = await cache.wholePass(plain, quiet);
    expect([...(await cache.final(plain, 4, quiet)).data]).toEqual([...(whole.trace.resid.at(-1)?.data.slice(-model.info.dim) ?? [])]);
  });
});

describe('a text that begins like one that is kept', () => {
  const LONG = Array.from({ length: 40 }, (_, i) => (i * 37 + 5) % 300);
  const before = runOf(LONG, UNCHANGED);
  const edited = runOf([...LONG.slice(0, 36), 7, 8, 9], UNCHANGED);
  let model: LanguageModel;
  let cache: TraceCache;
  /** Tokens run, and rows unembedded, since the cache was made. */
  let work: { tokens: number; rows: number };
  beforeAll(async () => {
    model = await openLanguageModel(folder(`${FIXTURES}/llama`), await wasm());
  });
  beforeEach(() => {
    work = { tokens: 0, rows: 0 };
    cache = createTraceCache({
      ...model,
      run: (run, onProgress, known) => {
        work.tokens += run.ids.length - (known === undefined ? 0 : model.sharedTokens(known.run, run));
        return model.run(run, onProgress, known);
      },
      unembed: (rows, topK, targets) => {
        work.rows += rows.dims[0] ?? 0;
        return model.unembed(rows, topK, targets);
      },
    });
  });
  afterAll(() => model?.dispose());

  test('is run from where it differs, and so is what it predicts', async () => {
    const { trace: first, shared: none } = await cache.wholePass(before, quiet);
    await cache.predictions(first, 5, quiet);
    expect([none, work]).toEqual([0, { tokens: 40, rows: 40 }]);
    const { trace, shared, kept } = await cache.wholePass(edited, quiet);
    const predictions = await cache.predictions(trace, 5, quiet);
    // The last shared token gave another one a chance: its row is read again.
    expect([shared, kept, work]).toEqual([36, false, { tokens: 43, rows: 44 }]);
    const fresh = await model.run(edited);
    expect(trace.run).toEqual(edited);
    for (const [place, resid] of fresh.resid.entries())
      expectNearShare(itemOf(trace.resid, place).data, resid.data, 1e-5, `resid ${place}`);
    const own = await predict(model, lastResidual(fresh), edited.ids, 5, quiet);
    expect(predictions.topIds).toEqual(own.topIds);
    expect(predictions.rank).toEqual(own.rank);
    for (const name of ['logprob', 'entropy', 'topProbs'] as const) {
      expect(Number.isNaN(predictions[name][0])).toBe(Number.isNaN(own[name][0]));
      expectNear(predictions[name].slice(1), own[name].slice(1), 1e-5, name);
    }
  });

  test('is read again without running or predicting anything', async () => {
    const { trace } = await cache.wholePass(before, quiet);
    const predictions = await cache.predictions(trace, 5, quiet);
    expect(await cache.wholePass(before, quiet)).toMatchObject({ kept: true, shared: 0 });
    expect(await cache.predictions(trace, 5, quiet)).toBe(predictions);
    // Other candidates are other numbers.
    expect((await cache.predictions(trace, 3, quiet)).topIds).toHaveLength(3 * 40);
    expect(work).toEqual({ tokens: 40, rows: 80 });
  });

  test('is run whole with another recipe, or where hardly a token is shared', async () => {
    await cache.wholePass(before, quiet);
    expect(await cache.wholePass(runOf(edited.ids, other), quiet)).toMatchObject({ shared: 0 });
    expect(await cache.wholePass(runOf([...LONG.slice(0, 3), 1, 2], UNCHANGED), quiet)).toMatchObject({ shared: 0 });
    expect(work.tokens).toBe(40 + 39 + 5);
  });

  test('takes the longest start there is', async () => {
    await cache.wholePass(runOf(LONG.slice(0, 20), UNCHANGED), quiet);
    await cache.wholePass(before, quiet);
    await cache.wholePass(runOf([...LONG.slice(0, 12), 3], UNCHANGED), quiet);
    expect(work.tokens).toBe(20 + 20 + 1);
    expect(await cache.wholePass(edited, quiet)).toMatchObject({ shared: 36 });
  });
});

test.each([
  // Frequencies that change with the length, past 16 tokens; a bias that is counted from the text's end.
  ['rope_dynamic_above', 0, 20],
  ['rope_longrope_long', 20, 20],
  ['mpt.1', 0, 20],
])('a text of %s that was changed keeps %d tokens where its length did, and %d where it did not', async (name, longer, same) => {
  const files =
    name === 'mpt.1'
      ? folder(`${FIXTURES}/families/${name}`)
      : filesOf({
          'config.json': await readFile(`${FIXTURES}/variants/${name}/config.json`),
          'model.safetensors': await readFile(`${FIXTURES}/weights/llama.safetensors`),
        });
  const model = await openLanguageModel(files, await wasm());
  const ids = Array.from({ length: 24 }, (_, i) => i + 1);
  const run = runOf(ids, UNCHANGED);
  expect(model.sharedTokens(run, runOf([...ids.slice(0, 20), 1, 2, 3, 4, 5], UNCHANGED))).toBe(longer);
  expect(model.sharedTokens(run, runOf([...ids.slice(0, 20), 1, 2, 3, 4], UNCHANGED))).toBe(same);
  // From where the frequencies are those of another length, nothing is kept.
  expect(model.sharedTokens(run, runOf(ids.slice(0, 12), UNCHANGED))).toBe(0);
  await model.dispose();
});
