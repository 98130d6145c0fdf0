import { beforeAll, describe, expect, test } from 'vitest';
import type { AnswerContext } from '../../src/analysis/answering.ts';
import { lensAnswers } from '../../src/analysis/lensAnswers.ts';
import { createTraceCache } from '../../src/analysis/traceCache.ts';
import { UserError } from '../../src/core/errors.ts';
import { rankOf } from '../../src/core/probability.ts';
import { UNWATCHED } from '../../src/core/progress.ts';
import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { at, row, tensor } from '../../src/core/tensor.ts';
import type { LanguageModel } from '../../src/model/languageModel.ts';
import { expectNearShare } from '../closeness.ts';
import { folder } from '../unit/model/folder.ts';
import { FIXTURES, native, openCase, wasm } from './compare.ts';
import { expectClose, openGolden, type Golden } from './oracle.ts';

/** Share of the largest value that a value may be off. */
const TOLERANCE = 1e-4;
/** Position at which the reference has what each step adds to the logits. */
const AT = 5;
const RUNTIMES = [
  ['WASM', wasm, ['gpt2', 'gemma2.1', 'phi.1', 'bloom.1']],
  ['native', native, ['granite.1', 'olmo2.1']],
] as const;

function contextOf(model: LanguageModel): AnswerContext {
  const tokenizer = { piece: (id: number) => `<${id}>` };
  return { ...UNWATCHED, open: { model, tokenizer }, cache: createTraceCache(model) } as unknown as AnswerContext;
}

describe.each(RUNTIMES)('the lens of steps, %s', (_, open, cases) => {
  let expected: Golden;
  beforeAll(async () => {
    expected = await openGolden(folder(FIXTURES), 'lensSteps.safetensors');
  });

  test.each(cases)('of %s reads the residuals and parts that PyTorch has', async (name) => {
    const { model, ids } = await openCase(name, await open());
    try {
      const { layers } = model.info;
      const run = runOf(ids, UNCHANGED);
      const context = contextOf(model);
      const trace = await context.cache.trace(run, context.progress);
      const place = { position: 0, positions: ids.length, layer: 0 };
      const steps = await lensAnswers.lensSteps(context, run, { ...place, layers: 2 * layers + 1 });
      const added = await lensAnswers.lensAdded(context, run, { ...place, layers: 2 * layers });
      expect(steps.parallel).toBe(name === 'phi.1');
      // The rows of blocks are those of the lens without steps.
      const blocks = await lensAnswers.lens(context, run, { ...place, layers: layers + 1 });
      const rowOf = (values: Float32Array, index: number): Float32Array => values.subarray(index * ids.length, (index + 1) * ids.length);
      for (let layer = 0; layer <= layers; layer++)
        expectNearShare(rowOf(steps.entropy, 2 * layer), rowOf(blocks.entropy, layer), 1e-5, `${name} block ${layer}`);
      for (let layer = 0; layer < layers; layer++) {
        const after = await expected.floats(`${name}/after.${layer}`);
        expectClose((await model.layerSteps(trace, layer, 0, ids.length)).afterAttention, after, `${name} after ${layer}`, TOLERANCE);
        const stats = await model.unembed(tensor(after.dims, after.data), 1, new Int32Array(ids.length));
        expectNearShare(rowOf(steps.entropy, 2 * layer + 1), stats.entropyBits, TOLERANCE, `${name} entropy after ${layer}`);
        for (const [index, part] of (['attention', 'mlp'] as const).entries()) {
          const logits = (await expected.floats(`${name}/${part}.${layer}`)).data;
          const found = await model.layerSteps(trace, layer, AT, AT + 1);
          const whole = tensor([1, at(after.dims, 1)], row(trace.resid[layers] ?? after, AT).slice());
          const own = await model.heldLogits(part === 'mlp' ? found.mlpStep : found.attentionStep, whole);
          expectNearShare(own.data, logits, TOLERANCE, `${name} ${part} ${layer}`);
          const cell = (2 * layer + index) * ids.length + AT;
          const mean = logits.reduce((sum, logit) => sum + logit, 0) / logits.length;
          const near = TOLERANCE * logits.reduce((most, logit) => Math.max(most, Math.abs(logit)), 0);
          const close = (value: number, exact: number): void => expect(Math.abs(value - exact)).toBeLessThanOrEqual(near);
          close(at(added.raised, cell), Math.max(...logits) - mean);
          close(at(added.lowered, cell), Math.min(...logits) - mean);
          close(at(added.next, cell), at(logits, at(ids, AT + 1)) - mean);
          close(at(logits, at(added.raisedIds, cell)), Math.max(...logits));
          close(at(logits, at(added.loweredIds, cell)), Math.min(...logits));
          expect(at(added.nextRank, cell)).toBe(rankOf(own.data, at(ids, AT + 1)));
        }
      }
      // Nothing follows the last token.
      expect([at(added.next, ids.length - 1), at(added.nextRank, ids.length - 1)]).toEqual([NaN, 0]);
    } finally {
      await model.dispose();
    }
  });
});

test('parts that a norm follows are refused, in one sentence', async () => {
  const { model, ids } = await openCase('bloom.2', await wasm());
  const context = contextOf(model);
  const place = { position: 0, positions: 1, layer: 0, layers: 1 };
  await expect(lensAnswers.lensAdded(context, runOf(ids, UNCHANGED), place)).rejects.toThrow(UserError);
  await expect(lensAnswers.lensSteps(context, runOf(ids, UNCHANGED), { ...place, layers: 2 * model.info.layers + 2 })).rejects.toThrow(
    RangeError,
  );
  await model.dispose();
});
