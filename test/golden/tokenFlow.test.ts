import { expect, test } from 'vitest';
import type { AnswerContext } from '../../src/analysis/answering.ts';
import { flowAnswers } from '../../src/analysis/flowAnswers.ts';
import { createTraceCache } from '../../src/analysis/traceCache.ts';
import { UNWATCHED } from '../../src/core/progress.ts';
import { runOf, UNCHANGED, type Recipe } from '../../src/core/run.ts';
import { at, row, tensor } from '../../src/core/tensor.ts';
import type { LanguageModel } from '../../src/model/languageModel.ts';
import { expectNearShare } from '../closeness.ts';
import { folder } from '../unit/model/folder.ts';
import { FIXTURES, openCase, wasm } from './compare.ts';
import { openGolden } from './oracle.ts';

const contextOf = (model: LanguageModel): AnswerContext =>
  ({ ...UNWATCHED, open: { model }, cache: createTraceCache(model) }) as unknown as AnswerContext;

const lengthOf = (values: ArrayLike<number>): number => Math.hypot(...Array.from(values));

test.each(['gpt2', 'gemma2.1', 'phi.1', 'bloom.1'])('the residual of %s is as long between its steps as in PyTorch', async (name) => {
  const expected = await openGolden(folder(FIXTURES), 'lensSteps.safetensors');
  const { model, ids } = await openCase(name, await wasm());
  try {
    const { layers } = model.info;
    const run = runOf(ids, UNCHANGED);
    const flow = await flowAnswers.tokenFlow(contextOf(model), run, { position: 2, positions: 3 });
    const trace = await model.run(run);
    for (let layer = 0; layer < layers; layer++) {
      const after = await expected.floats(`${name}/after.${layer}`);
      const rows = tensor(after.dims, after.data);
      const stream = trace.resid[layer] ?? expect.fail('no residual');
      const places = [2, 3, 4];
      const own = (values: Float32Array): Float32Array => values.slice(layer * 3, layer * 3 + 3);
      expectNearShare(
        own(flow.between),
        Float32Array.from(places, (place) => lengthOf(row(rows, place))),
        1e-4,
        `${name} ${layer}`,
      );
      expectNearShare(
        own(flow.resid),
        Float32Array.from(places, (place) => lengthOf(row(stream, place))),
        1e-6,
        `${name} resid ${layer}`,
      );
      // What attention adds is the difference of the two.
      const added = places.map((place) => lengthOf(row(rows, place).map((value, i) => value - at(row(stream, place), i))));
      expectNearShare(own(flow.attention), Float32Array.from(added), 1e-3, `${name} attention ${layer}`);
    }
    expect(Math.max(...flow.attentionCosine, ...flow.mlpCosine)).toBeLessThanOrEqual(1.0001);
  } finally {
    await model.dispose();
  }
});

test('heads are told by what they add, with the tokens that each reads most', async () => {
  const { model, ids } = await openCase('gpt2', await wasm());
  try {
    const run = runOf(ids, UNCHANGED);
    const context = contextOf(model);
    const trace = await model.run(run);
    const [token, layer] = [4, 1];
    const reads = await flowAnswers.headReads(context, run, { layer, token, most: 2 });
    const { heads } = model.info;
    const attention = await model.attention(trace, layer);
    for (let head = 0; head < heads; head++) {
      const weights = attention.data.subarray((head * ids.length + token) * ids.length).subarray(0, token + 1);
      const order = [...weights.keys()].toSorted((a, b) => at(weights, b) - at(weights, a)).slice(0, 2);
      expect([...reads.keys.subarray(head * 2, head * 2 + 2)]).toEqual(order);
      expectNearShare(
        reads.weights.slice(head * 2, head * 2 + 2),
        Float32Array.from(order, (key) => at(weights, key)),
        1e-5,
        `head ${head}`,
      );
    }
    // The first token reads itself alone: a head adds its value.
    const first = await flowAnswers.headReads(context, run, { layer, token: 0, most: 3 });
    expect(first.most).toBe(1);
    const values = await Promise.all(
      Array.from({ length: heads }, async (_, head) => at(await model.headValueLengths(trace, layer, head), 0)),
    );
    expectNearShare(first.lengths, Float32Array.from(values), 1e-5, 'lengths');
    // Heads take up to all of what attention adds, and no less than the longest of them more than the others.
    const flow = await flowAnswers.tokenFlow(context, run, { position: token, positions: 1 });
    const bias = lengthOf(await biasOf(model, layer));
    expect(at(flow.attention, layer)).toBeLessThanOrEqual(reads.lengths.reduce((sum, one) => sum + one, bias) * 1.0001);
  } finally {
    await model.dispose();
  }
});

/** What attention adds where every head is off: the bias of its output projection. */
async function biasOf(model: LanguageModel, layer: number): Promise<Float32Array> {
  const recipe: Recipe = Array.from({ length: model.info.heads }, (_, head) => ({ kind: 'head', layer, head, action: 'zero' }));
  const trace = await model.run(runOf(Int32Array.of(1), recipe));
  return (await model.layerSteps(trace, layer, 0, 1)).attentionStep.data;
}
