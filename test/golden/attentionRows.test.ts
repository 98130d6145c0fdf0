import { beforeAll, describe, expect, test } from 'vitest';
import type { AnswerContext } from '../../src/analysis/answering.ts';
import { answer } from '../../src/analysis/answers.ts';
import { createTraceCache } from '../../src/analysis/traceCache.ts';
import { rowIn, rowsTogether, weightsBetween, type AttentionKind, type AttentionRows } from '../../src/core/attentionRows.ts';
import { CancelledError } from '../../src/core/errors.ts';
import { UNWATCHED } from '../../src/core/progress.ts';
import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { at } from '../../src/core/tensor.ts';
import type { LanguageModel } from '../../src/model/languageModel.ts';
import { expectNear } from '../closeness.ts';
import { folder } from '../unit/model/folder.ts';
import { FIXTURES, openCase, wasm } from './compare.ts';
import { openGolden, type Golden } from './oracle.ts';

const TOLERANCE = 1e-4;
const CASES = ['llama', 'bloom.1', 'gpt_oss.1'];

function contextOf(model: LanguageModel): AnswerContext {
  return { ...UNWATCHED, open: { model }, cache: createTraceCache(model) } as unknown as AnswerContext;
}

/** Asks until all rows are there, as the editor does. */
async function allRows(context: AnswerContext, ids: Int32Array, kind: AttentionKind, layer: number, head = 0): Promise<Float32Array[]> {
  const rows: Float32Array[] = [];
  while (rows.length < ids.length) {
    const args = { kind, layer, head, from: rows.length, to: ids.length };
    const found = await answer(context, runOf(ids, UNCHANGED), 'attentionRows', args);
    expect(found.from).toBe(rows.length);
    for (let query = found.from; query < found.to; query++) rows.push(rowIn(found, query));
  }
  return rows;
}

describe('rows of attention', () => {
  let expected: Golden;
  beforeAll(async () => {
    expected = await openGolden(folder(FIXTURES), 'attribution.safetensors');
  });

  test.each(CASES)('of %s equal PyTorch: a head, the mean of a layer, and weighted by the values', async (name) => {
    const { model, ids, golden } = await openCase(name, await wasm());
    const context = contextOf(model);
    const { layers, heads } = model.info;
    const [position = 0] = await expected.wholeNumbers(`${name}/target`);
    const brought = new Float32Array(position + 1);
    for (let layer = 0; layer < layers; layer++) {
      const { data } = await golden.floats(`attentions.${layer}`);
      const ofHead = await allRows(context, ids, 'head', layer, heads - 1);
      const mean = await allRows(context, ids, 'mean', layer);
      for (let query = 0; query < ids.length; query++) {
        const start = (head: number): number => (head * ids.length + query) * ids.length;
        const own = data.slice(start(heads - 1), start(heads - 1) + query + 1);
        const all = own.map(
          (_, key) => Array.from({ length: heads }, (_head, head) => at(data, start(head) + key)).reduce((a, b) => a + b) / heads,
        );
        expectNear(ofHead[query] ?? [], own, TOLERANCE);
        expectNear(mean[query] ?? [], all, TOLERANCE);
      }
      const weighted = (await allRows(context, ids, 'value-weighted', layer))[position] ?? new Float32Array();
      expect(weighted.reduce((sum, share) => sum + share)).toBeCloseTo(1, 5);
      for (const [key, share] of weighted.entries()) brought[key] = at(brought, key) + share / layers;
    }
    expectNear(brought, (await expected.floats(`${name}/value-weighted`)).data.subarray(0, position + 1), TOLERANCE);
    await model.dispose();
  });

  test('are refused where there is no such layer, head or token, and stop where they are cancelled', async () => {
    const { model, ids } = await openCase('llama', await wasm());
    const ask = (change: object, context = contextOf(model)): Promise<AttentionRows> =>
      answer(context, runOf(ids, UNCHANGED), 'attentionRows', { kind: 'mean', layer: 0, head: 0, from: 0, to: 1, ...change });
    for (const change of [{ layer: 99 }, { head: -1 }, { from: ids.length }, { to: 0 }, { to: ids.length + 1 }])
      await expect(ask(change)).rejects.toThrow(RangeError);
    for (const kind of ['mean', 'value-weighted'])
      await expect(ask({ kind }, { ...contextOf(model), checkpoint: () => Promise.reject(new CancelledError()) })).rejects.toThrow(
        CancelledError,
      );
    await model.dispose();
  });
});

test('an answer holds as many rows as fit into one message', () => {
  expect(rowsTogether(0, 1024)).toBe(1024);
  const end = rowsTogether(0, 10_000);
  expect(weightsBetween(0, end)).toBeLessThanOrEqual(1 << 22);
  expect(weightsBetween(0, end + 1)).toBeGreaterThan(1 << 22);
  expect(rowsTogether(1 << 23, 1 << 24)).toBe((1 << 23) + 1);
});
