import { runOf, UNCHANGED } from '../../../src/core/run.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { UserError } from '../../../src/core/errors.ts';
import { row, tensor } from '../../../src/core/tensor.ts';
import { openLanguageModel, type LanguageModel } from '../../../src/model/languageModel.ts';
import type { LayerProgress, Trace } from '../../../src/model/run/forwardTrace.ts';
import { FIXTURES, wasm } from '../../golden/compare.ts';
import { folder } from './folder.ts';

const IDS = Int32Array.from({ length: 70 }, (_, i) => (i * 37) % 300);

describe('a model', () => {
  let model: LanguageModel;
  let trace: Trace;
  const progress: LayerProgress[] = [];
  beforeAll(async () => {
    model = await openLanguageModel(folder(`${FIXTURES}/llama`), await wasm());
    trace = await model.run(runOf(IDS, UNCHANGED), (step) => progress.push(step));
  });
  afterAll(() => model?.dispose());

  test('tells how far loading and running have come, by layer', () => {
    expect(progress.map(({ stage, done, total }) => `${stage} ${done}/${total}`)).toEqual([
      'load 0/3',
      'load 1/3',
      'load 2/3',
      'load 3/3',
      'forward 0/2',
      'forward 1/2',
      'forward 2/2',
    ]);
  });

  test('with rotary positions reads more tokens than max_position_embeddings', () => {
    expect(model.info.contextLength).toBe(64);
    expect(trace.resid[2]?.dims).toEqual([70, 64]);
  });

  test('attends to nothing in the future, and each row sums to 1', async () => {
    const attention = await model.attention(trace, 1);
    for (let i = 0; i < 4 * 70; i++) {
      const weights = attention.data.subarray(i * 70, (i + 1) * 70);
      expect(weights.slice((i % 70) + 1).every((weight) => weight === 0)).toBe(true);
      expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 5);
    }
  });

  test('gives the statistics of its own logits, over more than one chunk of rows', async () => {
    const [, rows, final] = trace.resid;
    if (rows === undefined || final === undefined) throw new Error('No residual.');
    const targets = IDS.map((id) => (id + 1) % 300);
    const stats = await model.lens(rows, final, 7, targets);
    const plain = await model.unembed(rows, 7, targets);
    const [logits, finalLogits] = [await model.logits(rows), await model.logits(final)];
    for (let i = 0; i < IDS.length; i++) {
      const expected = reference(row(logits, i), row(finalLogits, i), targets[i] ?? 0);
      expect(stats.logSumExp[i]).toBeCloseTo(expected.logSumExp, 4);
      expect(stats.entropyBits[i]).toBeCloseTo(expected.entropyBits, 4);
      expect(stats.klBits[i]).toBeCloseTo(expected.klBits, 4);
      expect(stats.targetRank[i]).toBe(expected.rank);
      expect(stats.targetLogit[i]).toBeCloseTo(expected.logit, 5);
      expect([...stats.topIds.subarray(i * 7, i * 7 + 7)]).toEqual(expected.best.slice(0, 7));
      expect(stats.topLogits[i * 7]).toBeCloseTo(Math.max(...row(logits, i)), 5);
    }
    expect(plain.topIds).toEqual(stats.topIds);
    expect(plain.targetRank).toEqual(stats.targetRank);
  });

  test('finds no divergence of the last layer from itself', async () => {
    const final = trace.resid[2];
    if (final === undefined) throw new Error('No residual.');
    const { klBits } = await model.lens(final, final, 1, new Int32Array(70));
    expect(klBits).toHaveLength(70);
    expect(Math.max(...klBits)).toBeLessThan(1e-5);
    expect(Math.min(...klBits)).toBeGreaterThanOrEqual(0);
  });

  test('answers overlapping calls as it answers them one by one', async () => {
    const [a, b] = await Promise.all([model.run(runOf(IDS.slice(0, 5), UNCHANGED)), model.run(runOf(IDS.slice(5, 12), UNCHANGED))]);
    const alone = await model.run(runOf(IDS.slice(0, 5), UNCHANGED));
    expect(a.resid[2]).toEqual(alone.resid[2]);
    expect(b.resid[2]?.dims).toEqual([7, 64]);
  });

  test('keeps to candidates that exist', async () => {
    const stats = await model.unembed(tensor([1, 64], new Float32Array(64).fill(1)), 1000, Int32Array.of(0));
    expect(stats.topIds).toHaveLength(300);
    expect([...stats.topIds].toSorted((x, y) => x - y)).toEqual(Array.from({ length: 300 }, (_, id) => id));
  });

  test.each([
    [[], /no token/],
    [[3, 300], /Token 300 is outside .* 300/],
    [[-1], /Token -1/],
  ])('refuses ids %j', async (ids, message) => {
    await expect(model.run(runOf(Int32Array.from(ids), UNCHANGED))).rejects.toThrow(message);
    await expect(model.run(runOf(Int32Array.from(ids), UNCHANGED))).rejects.toThrow(UserError);
  });
});

test('learned positions set a hard limit', async () => {
  const model = await openLanguageModel(folder(`${FIXTURES}/gpt2`), await wasm());
  await expect(model.run(runOf(new Int32Array(65), UNCHANGED))).rejects.toThrow('The model reads 64 tokens at most, not 65.');
  const { resid, embedding } = await model.run(runOf(new Int32Array(64), UNCHANGED));
  expect(resid[0]?.data).not.toEqual(embedding.data);
  await model.dispose();
  await expect(model.run(runOf(new Int32Array(4), UNCHANGED))).rejects.toThrow('disposed');
});

test('a dynamic rope widens the context by its factor', async () => {
  const config = JSON.stringify({ ...model0(), rope_scaling: { type: 'dynamic', factor: 2.5 } });
  const model = await openLanguageModel(folder(`${FIXTURES}/llama`, { 'config.json': config }), await wasm());
  expect(model.info.contextLength).toBe(160);
  await model.dispose();
});

function model0(): Record<string, unknown> {
  return {
    model_type: 'llama',
    vocab_size: 300,
    hidden_size: 64,
    intermediate_size: 112,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    max_position_embeddings: 64,
  };
}

/** The definitions, in float64. */
function reference(logits: Float32Array, final: Float32Array, target: number) {
  const logprobs = logSoftmax(logits);
  const finalLogprobs = logSoftmax(final);
  const largest = Math.max(...logits);
  const logit = logits[target] ?? Number.NaN;
  return {
    logit,
    logSumExp: largest + Math.log([...logits].reduce((sum, value) => sum + Math.exp(value - largest), 0)),
    entropyBits: -logprobs.reduce((sum, value) => sum + Math.exp(value) * value, 0) * Math.LOG2E,
    klBits: finalLogprobs.reduce((sum, value, i) => sum + Math.exp(value) * (value - (logprobs[i] ?? 0)), 0) * Math.LOG2E,
    rank: logits.filter((value) => value > logit).length + 1,
    best: [...logits.keys()].toSorted((x, y) => (logits[y] ?? 0) - (logits[x] ?? 0)),
  };
}

function logSoftmax(logits: Float32Array): number[] {
  const largest = Math.max(...logits);
  const sum = [...logits].reduce((total, value) => total + Math.exp(value - largest), 0);
  return [...logits].map((value) => value - largest - Math.log(sum));
}
