import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { answer } from '../../../src/analysis/answers.ts';
import type { AnswerContext } from '../../../src/analysis/answering.ts';
import { explain } from '../../../src/analysis/explain.ts';
import { createTraceCache } from '../../../src/analysis/traceCache.ts';
import { CancelledError } from '../../../src/core/errors.ts';
import { HEAD_METRICS, metricReading } from '../../../src/core/headMetrics.ts';
import type { Progress } from '../../../src/core/progress.ts';
import { hasAttention } from '../../../src/core/recurrence.ts';
import { runOf, UNCHANGED, type Run } from '../../../src/core/run.ts';
import type { HeadSummaries } from '../../../src/core/trace.ts';
import { openLanguageModel, type LanguageModel } from '../../../src/model/languageModel.ts';
import { openTokenizer } from '../../../src/model/tokenizer/textTokenizer.ts';
import { metricsOfWeights, picturesOfWeights } from '../../attentionOracle.ts';
import { largestDifference } from '../../closeness.ts';
import { FIXTURES, wasm } from '../../golden/compare.ts';
import { LETTERS_TOKENIZER } from '../../webview/family.ts';
import { folder } from '../model/folder.ts';

const TEXT = 'the cat sat on the mat.';

describe('what is known first and what later', () => {
  let model: LanguageModel;
  /** Counts what the model was asked to compute. */
  let asked: { passes: number; heads: number; unembedded: number };
  let told: Progress[];
  let context: AnswerContext;
  const files = folder(`${FIXTURES}/llama`, { 'tokenizer.json': JSON.stringify(LETTERS_TOKENIZER) });
  beforeAll(async () => {
    model = await openLanguageModel(files, await wasm());
    // Opening the session takes most of the time in which layers are answered together.
    const ids = [1, 2, 3];
    await model.readHeads(await model.run(runOf(ids, UNCHANGED)), 0, metricReading(Int32Array.from(ids), 1));
  });
  beforeEach(async () => {
    asked = { passes: 0, heads: 0, unembedded: 0 };
    told = [];
    const counted: LanguageModel = {
      ...model,
      run: (...args) => (asked.passes++, model.run(...args)),
      readHeads: (...args) => (asked.heads++, model.readHeads(...args)),
      unembed: (...args) => (asked.unembedded++, model.unembed(...args)),
    };
    context = {
      open: {
        model: counted,
        tokenizer: await openTokenizer(files, model.info.vocab),
        files,
        generation: { eos: [], rules: [], applied: [], leftOut: [], suggested: [] },
      },
      cache: createTraceCache(counted),
      room: async () => ({ tokens: 100, bytes: 1e9 }),
      progress: async (progress) => void told.push(progress),
      checkpoint: async () => undefined,
    };
  });
  afterAll(() => model?.dispose());
  const explained = (topK = 3) => explain(context, { text: TEXT, topK });
  const headsFrom = (run: Run, layer = 0, by = context): Promise<HeadSummaries> => answer(by, run, 'heads', { layer });

  test('tokens are told before the model runs; no head is measured for an explanation', async () => {
    const { tokens } = await explained();
    const first = told.findIndex((progress) => progress.tokens !== undefined);
    expect(told[first]?.tokens).toEqual(tokens);
    expect(told.slice(0, first).map(({ stage }) => stage)).not.toContain('forward');
    expect(told.filter((progress) => progress.tokens !== undefined)).toHaveLength(1);
    expect(asked).toEqual({ passes: 1, heads: 0, unembedded: 1 });
  });

  test('heads are those of the weights, however many layers are answered at once', async () => {
    const { run } = await explained();
    const { info } = model;
    const trace = await context.cache.trace(run, context.progress);
    const perLayer = info.heads * HEAD_METRICS.length;
    let known = new Float32Array(0);
    // How many layers an answer has depends on the machine.
    for (let layer = 0; layer < info.layers;) {
      const { metrics: several, thumbnails, thumbnailSize } = await headsFrom(run, layer);
      const cells = info.heads * thumbnailSize ** 2;
      for (let place = 0; place < several.length / perLayer; place++, layer++) {
        const weights = await model.attention(trace, layer);
        const metrics = several.slice(place * perLayer, (place + 1) * perLayer);
        expect(largestDifference(metrics, metricsOfWeights(weights, run.ids))).toBeLessThan(1e-5);
        const pictures = thumbnails.slice(place * cells, (place + 1) * cells);
        expect(largestDifference(pictures, picturesOfWeights(weights, thumbnailSize))).toBeLessThanOrEqual(1);
        known = metrics;
      }
    }
    const last = await headsFrom(run, info.layers - 1);
    expect(last.layer).toBe(info.layers - 1);
    expect(last.metrics).toEqual(known);
    await expect(headsFrom(run, info.layers)).rejects.toThrow(RangeError);
  });

  test('a text already read needs nothing of the model: neither a pass, nor predictions, nor heads', async () => {
    const first = await explained();
    const heads = await headsFrom(first.run);
    const before = { ...asked };
    told = [];
    const again = await explained();
    expect({ ...again, forwardKept: undefined }).toEqual({ ...first, forwardKept: undefined });
    expect(await headsFrom(again.run)).toEqual(heads);
    expect(asked).toEqual(before);
    expect(told).toEqual([]);
    // Of more candidates other numbers are needed.
    expect((await explained(5)).topK).toBe(5);
    expect(asked).toEqual({ ...before, unembedded: before.unembedded + 1 });
  });

  test('heads kept of a run are no other recipe’s', async () => {
    const { run } = await explained();
    await headsFrom(run);
    const { heads } = asked;
    await headsFrom({ ...run, recipe: [{ kind: 'head', layer: 0, head: 1, action: 'zero' }] });
    expect(asked.heads).toBe(heads + model.info.layers);
    await headsFrom(runOf([...run.ids], UNCHANGED));
    expect(asked.heads).toBe(heads + model.info.layers);
  });

  test('a question that is dropped stops between two parts, and goes on from there when it is asked again', async () => {
    const { run } = await explained();
    let parts = 0;
    const dropped: AnswerContext = {
      ...context,
      checkpoint: async () => {
        if (asked.heads > 0 && ++parts > 1) throw new CancelledError();
      },
    };
    await expect(headsFrom(run, 0, dropped)).rejects.toThrow(CancelledError);
    expect(asked.heads).toBe(1);
    await headsFrom(run);
    expect(asked.heads).toBe(model.info.layers);
  });
});

test('a layer without attention has no numbers and empty pictures, and the heads of those around it stay their own', async () => {
  const files = folder(`${FIXTURES}/hybrids/lfm2.1`, { 'tokenizer.json': JSON.stringify(LETTERS_TOKENIZER) });
  const model = await openLanguageModel(files, await wasm());
  const { info } = model;
  const context: AnswerContext = {
    open: {
      model,
      tokenizer: await openTokenizer(files, info.vocab),
      files,
      generation: { eos: [], rules: [], applied: [], leftOut: [], suggested: [] },
    },
    cache: createTraceCache(model),
    room: async () => ({ tokens: 100, bytes: 1e9 }),
    progress: async () => undefined,
    checkpoint: async () => undefined,
  };
  const run = runOf([1, 2, 3, 4, 5, 6], UNCHANGED);
  const trace = await context.cache.trace(run, context.progress);
  const kinds = Array.from({ length: info.layers }, (_, layer) => hasAttention(info, layer));
  expect(new Set(kinds)).toEqual(new Set([true, false]));
  for (let layer = 0; layer < info.layers;) {
    const { metrics, thumbnails, thumbnailSize } = await answer(context, run, 'heads', { layer });
    const [numbers, cells] = [info.heads * HEAD_METRICS.length, info.heads * thumbnailSize ** 2];
    const layers = metrics.length / numbers;
    expect(thumbnails).toHaveLength(layers * cells);
    for (let place = 0; place < layers; place++, layer++) {
      const pictures = thumbnails.slice(place * cells, (place + 1) * cells);
      const wanted = kinds[layer] === true ? picturesOfWeights(await model.attention(trace, layer), thumbnailSize) : new Uint8Array(cells);
      expect(largestDifference(pictures, wanted)).toBeLessThanOrEqual(1);
      if (kinds[layer] === false) expect(metrics.slice(place * numbers, (place + 1) * numbers).every(Number.isNaN)).toBe(true);
    }
  }
  await model.dispose();
});
