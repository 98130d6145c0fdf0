import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { answer } from '../../../src/analysis/answers.ts';
import type { AnswerContext } from '../../../src/analysis/answering.ts';
import { createTraceCache } from '../../../src/analysis/traceCache.ts';
import { CancelledError } from '../../../src/core/errors.ts';
import { runOf, UNCHANGED } from '../../../src/core/run.ts';
import { at } from '../../../src/core/tensor.ts';
import { openLanguageModel, type LanguageModel } from '../../../src/model/languageModel.ts';
import { FIXTURES, wasm } from '../../golden/compare.ts';
import { folder } from '../model/folder.ts';

const RUN = runOf([5, 9, 5, 3, 8, 5, 9], UNCHANGED);
const QUESTION = { position: 4, token: 7, rival: 2 };

function sum(numbers: Iterable<number>): number {
  return [...numbers].reduce((total, number) => total + number, 0);
}

// With biases, so that the constants are something.
describe('the parts of a logit', () => {
  let model: LanguageModel;
  let context: AnswerContext;
  let calls: number;
  let cancelled: boolean;
  beforeAll(async () => {
    model = await openLanguageModel(folder(`${FIXTURES}/gpt2`), await wasm());
  });
  beforeEach(() => {
    calls = 0;
    cancelled = false;
    const counted: LanguageModel = { ...model, direct: (...args) => (calls++, model.direct(...args)) };
    context = {
      open: { model: counted } as unknown as AnswerContext['open'],
      cache: createTraceCache(counted),
      progress: async () => undefined,
      checkpoint: async () => {
        if (cancelled) throw new CancelledError();
      },
      room: () => Promise.reject(new Error('not asked for here')),
    };
  });
  afterAll(() => model?.dispose());

  test('sum to the difference of the two logits of that position', async () => {
    const { target, embedding, heads, mlp, rest } = await answer(context, RUN, 'direct', QUESTION);
    const { layers, heads: perLayer, vocab } = model.info;
    expect([heads.length, mlp.length]).toEqual([layers * perLayer, layers]);
    const { logits } = await answer(context, RUN, 'logits', { positions: Int32Array.of(4) });
    expect(logits).toHaveLength(vocab);
    expect(target).toBeCloseTo(at(logits, 7) - at(logits, 2), 4);
    expect(sum([embedding, rest, ...heads, ...mlp])).toBeCloseTo(target, 4);
    expect(rest).not.toBe(0);
  });

  test('of a token alone sum to its logit', async () => {
    const { target } = await answer(context, RUN, 'direct', { ...QUESTION, rival: null });
    const { logits } = await answer(context, RUN, 'logits', { positions: Int32Array.of(4) });
    expect(target).toBeCloseTo(at(logits, 7), 4);
  });

  test('are computed once for a question and all its heads, whose sources sum to them', async () => {
    const { heads } = await answer(context, RUN, 'direct', QUESTION);
    const { layers, heads: perLayer } = model.info;
    for (let layer = 0; layer < layers; layer++)
      for (let head = 0; head < perLayer; head++) {
        const { values } = await answer(context, RUN, 'directSources', { ...QUESTION, layer, head });
        expect(values).toHaveLength(QUESTION.position + 1);
        expect(sum(values)).toBeCloseTo(at(heads, layer * perLayer + head), 4);
      }
    expect(calls).toBe(1);
  });

  test('of what does not exist are refused', async () => {
    const ask = (change: object): Promise<unknown> => answer(context, RUN, 'direct', { ...QUESTION, ...change });
    await expect(ask({ position: 7 })).rejects.toThrow(RangeError);
    await expect(ask({ token: model.info.vocab })).rejects.toThrow(/outside the model's vocabulary/);
    await expect(ask({ rival: model.info.vocab })).rejects.toThrow(/outside the model's vocabulary/);
    await expect(answer(context, RUN, 'directSources', { ...QUESTION, layer: 0, head: 99 })).rejects.toThrow(RangeError);
  });

  test('are left when the question is no longer wanted, and computed when it is asked again', async () => {
    cancelled = true;
    await expect(answer(context, RUN, 'direct', QUESTION)).rejects.toThrow(CancelledError);
    cancelled = false;
    await expect(answer(context, RUN, 'direct', QUESTION)).resolves.toBeDefined();
  });
});
