import { expect, test } from 'vitest';
import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { at } from '../../src/core/tensor.ts';
import { openLanguageModel } from '../../src/model/languageModel.ts';
import { carriedIn } from '../../src/model/run/forwardTrace.ts';
import { itemOf } from '../closeness.ts';
import { folder } from '../unit/model/folder.ts';
import { FIXTURES, native, openCase } from './compare.ts';
import { expectClose, openGolden } from './oracle.ts';

// Models that carry several residual streams (AltUp): what is exact, and what is refused with the reason.

test('a logit is the sum of what embedding, heads, MLPs and per-layer embeddings add, with nothing left over', async () => {
  const { model, ids } = await openCase('gemma3n_text.1', native());
  const trace = await model.run(runOf(ids, UNCHANGED));
  const { target, embedding, layers, rest } = await model.direct(trace, { kind: 'logit', position: ids.length - 1, token: 4, rival: 9 });
  const parts = layers.flatMap(({ heads, mlp, perLayer = 0 }) => [...heads, mlp, perLayer]);
  const most = Math.max(...[target, embedding, ...parts].map(Math.abs));
  for (const { heads, mlp, perLayer } of layers) for (const part of [...heads, mlp, perLayer ?? 0]) expect(part).not.toBe(0);
  // No matrix of it has a bias.
  for (const left of [rest, ...layers.map((layer) => layer.rest)]) expect(Math.abs(left) / most).toBeLessThan(1e-4);
  expect(Math.abs(parts.reduce((sum, part) => sum + part, embedding) - target) / most).toBeLessThan(1e-4);
  await model.dispose();
});

test('the residual is the active stream, and the prediction is made of all of them', async () => {
  const files = folder(`${FIXTURES}/wrappers/gemma3n.1`);
  const golden = await openGolden(files, 'golden.safetensors');
  const model = await openLanguageModel(files, native());
  const { dim, layers } = model.info;
  const trace = await model.run(runOf(await golden.ids(), UNCHANGED));
  const [active, count] = [1, 3];
  for (const [layer, carried] of carriedIn(trace).entries()) {
    expect(carried.dims).toEqual([trace.run.ids.length, count * dim]);
    expect(itemOf(trace.resid, layer).data.subarray(0, dim)).toEqual(carried.data.subarray(active * dim, (active + 1) * dim));
  }
  expectClose(await model.logits(itemOf(carriedIn(trace), layers)), await golden.floats('logits'), 'logits');
  // The first block's input is made of another stream than layers read.
  const other = /The layers of this model read stream 1, not the one that the embedding makes/;
  await expect(model.gradient(trace, { kind: 'logit', position: 3, token: 5 })).rejects.toThrow(other);
  await expect(
    model.run(runOf(trace.run.ids, [{ kind: 'residual', layer: 0, token: 1, action: 'set', values: Array<number>(dim).fill(1) }])),
  ).rejects.toThrow(other);
  await model.dispose();
});

test('what each step adds to one stream is refused, as layers mix them anew', async () => {
  const { model, ids } = await openCase('gemma3n_text.1', native());
  const trace = await model.run(runOf(ids, UNCHANGED));
  const why = /This model carries 3 residual streams, which each layer mixes anew \(AltUp\)/;
  await expect(model.layerSteps(trace, 0, 0, 4)).rejects.toThrow(why);
  await expect(model.heldLogits(itemOf(trace.resid, 1), itemOf(trace.resid, 1))).rejects.toThrow(why);
  await expect(model.takenBack(trace, 0, new Float64Array(ids.length))).rejects.toThrow(why);
  await expect(
    model.run(runOf(ids, [{ kind: 'residual', layer: 1, token: 3, action: 'move', direction: 7, strength: 1.5 }])),
  ).rejects.toThrow(/a token is no direction of the residual/);
  await model.dispose();
});

test('a recipe reaches the other streams through the active one, and one row of the end is that of the run', async () => {
  const { model, ids } = await openCase('gemma3n_text.1', native());
  const { dim, layers } = model.info;
  const plain = await model.run(runOf(ids, UNCHANGED));
  const position = ids.length - 2;
  for (const layer of [0, 1, layers]) {
    const values = Array.from({ length: dim }, (_, i) => (i % 3) - 1);
    const run = runOf(ids, [{ kind: 'residual', layer, token: 4, action: 'move', values }]);
    const changed = await model.run(run);
    const [before, behind] = [itemOf(carriedIn(plain), layer), itemOf(carriedIn(changed), layer)];
    const width = at(before.dims, 1);
    const moved = Array.from({ length: width }, (_, i) => at(behind.data, 4 * width + i) - at(before.data, 4 * width + i));
    for (const [i, value] of values.entries()) expect(moved[i]).toBeCloseTo(value, 4);
    // Before the first layer the other streams are made of it; later they stay until the next one predicts them.
    expect(moved.slice(dim).some((difference) => Math.abs(difference) > 1e-4)).toBe(layer === 0);
    const last = itemOf(carriedIn(changed), layers);
    const row = { dims: [1, width], data: last.data.slice(position * width, (position + 1) * width) };
    expectClose(await model.finalRow({ run, position, known: plain }), row, `the end after ${layer}`, 1e-4);
  }
  await model.dispose();
});

test('ids without a per-layer embedding read the first in a whole model, and are refused where a tower reads them', async () => {
  const files = folder(`${FIXTURES}/wrappers/gemma3n.1`);
  const model = await openLanguageModel(files, native());
  const config = JSON.parse(new TextDecoder().decode(await files.read('config.json', 0, await files.size('config.json')))) as {
    readonly vision_config: object;
  };
  const ids = Int32Array.of(3, 25, 30, 7);
  expect((await model.run(runOf(ids, UNCHANGED))).resid).toHaveLength(model.info.layers + 1);
  await model.dispose();
  const told = JSON.stringify({ ...config, vision_config: { ...config.vision_config, vocab_offset: 28 } });
  const towers = folder(`${FIXTURES}/wrappers/gemma3n.1`, { 'config.json': new TextEncoder().encode(told) });
  const refusing = await openLanguageModel(towers, native());
  await expect(refusing.run(runOf(ids, UNCHANGED))).rejects.toThrow(
    'Token 30 is none of a text: the model has no per-layer embedding for it.',
  );
  await refusing.dispose();
});
