import { firstSeen } from '../../src/core/keyWindow.ts';
import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { at } from '../../src/core/tensor.ts';
import { openLanguageModel, type LanguageModel } from '../../src/model/languageModel.ts';
import type { Trace } from '../../src/model/run/forwardTrace.ts';
import { attentionCell } from '../../src/analysis/headAnswers.ts';
import { folder } from '../unit/model/folder.ts';
import { FIXTURES, wasm } from './compare.ts';
import { openGolden } from './oracle.ts';

/** Case -> what its cells must tell. */
const CASES = [
  ['bloom.2', ['bias', 'score']],
  ['falcon.3', ['bias', 'score']],
  ['mpt.3', ['bias', 'score']],
  ['gemma2.3', ['softCap', 'capped', 'score', 'window']],
  ['mistral.3', ['window']],
  ['gpt_neo.2', ['window']],
  ['gpt_oss.1', ['sink', 'window']],
  ['deepseek_v3.2', []],
  ['granite.3', []],
  ['gemma4_text.1', ['window']],
  ['llama4_text.1', ['window']],
  ['apertus.1', []],
  ['llama', []],
] as const;

describe.each(CASES)('the cells of %s', (name, told) => {
  const path = name === 'llama' ? `${FIXTURES}/llama` : `${FIXTURES}/families/${name}`;
  let model: LanguageModel;
  let trace: Trace;
  beforeAll(async () => {
    model = await openLanguageModel(folder(path), await wasm());
    trace = await model.run(runOf(await (await openGolden(folder(path), 'golden.safetensors')).ids(), UNCHANGED));
  });
  afterAll(() => model?.dispose());

  test('come to the weights of transformers, step by step', async () => {
    const golden = await openGolden(folder(path), 'golden.safetensors');
    const tokens = trace.run.ids.length;
    const seen = new Set<string>();
    for (let layer = 0; layer < model.info.layers; layer++) {
      const { data } = await golden.floats(`attentions.${layer}`);
      for (let head = 0; head < model.info.heads; head++) {
        for (const [query, key] of [
          [tokens - 1, 0],
          [tokens - 1, tokens - 1],
          [tokens - 1, tokens - 3],
          [5, 4],
          [3, 9],
          [0, 0],
        ] as const) {
          const cell = await attentionCell(model, trace, layer, head, query, key);
          expect(Math.abs(cell.weight - at(data, (head * tokens + query) * tokens + key))).toBeLessThan(2e-5);
          if (!cell.masked) expect(Math.exp((cell.score ?? cell.scaled) - cell.rowMax) / cell.rowSum).toBeCloseTo(cell.weight, 12);
          expect(cell.rowScores).toHaveLength(query - (cell.firstKey ?? 0) + 1);
          for (const step of Object.keys(cell)) seen.add(step);
        }
      }
    }
    const special = ['bias', 'capped', 'score', 'sink', 'softCap', 'window'].filter((step) => seen.has(step));
    expect(special).toEqual([...told].toSorted());
  });

  test('lie in rows that sum to 1, with the sink where there is one, and are 0 where the query does not look', async () => {
    const tokens = trace.run.ids.length;
    for (let layer = 0; layer < model.info.layers; layer++) {
      const { data } = await model.attention(trace, layer);
      const heads = await Promise.all(Array.from({ length: model.info.heads }, (_, head) => model.headAttention(trace, layer, head)));
      expect(heads.every(({ sink }) => sink === null)).toBe(!told.some((step) => step === 'sink'));
      for (let row = 0; row < model.info.heads * tokens; row++) {
        const query = row % tokens;
        const { window } = await model.scoreSteps(layer, 0, query, tokens);
        const weights = data.subarray(row * tokens, (row + 1) * tokens);
        const first = firstSeen(window, query);
        expect(weights.every((weight, key) => (key >= first && key <= query) || weight === 0)).toBe(true);
        const sink = heads[Math.floor(row / tokens)]?.sink ?? null;
        expect(weights.reduce((sum, weight) => sum + weight, sink === null ? 0 : at(sink, query))).toBeCloseTo(1, 5);
      }
    }
  });
});
