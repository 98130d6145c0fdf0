import { readdirSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import type { AnswerContext } from '../../src/analysis/answering.ts';
import { headMeasureAnswers } from '../../src/analysis/headMeasureAnswers.ts';
import { checkedNumbers } from '../../src/analysis/providerCheck.ts';
import { createTraceCache } from '../../src/analysis/traceCache.ts';
import { seenOf, type HeadMap } from '../../src/core/headMeasures.ts';
import { effectiveMaps, hasAttention } from '../../src/core/recurrence.ts';
import { UNWATCHED } from '../../src/core/progress.ts';
import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { at, tensor, type Tensor } from '../../src/core/tensor.ts';
import { writeSafetensors } from '../../src/cli/safetensorsOutput.ts';
import { openLanguageModel, type LanguageModel } from '../../src/model/languageModel.ts';
import type { Trace } from '../../src/model/run/forwardTrace.ts';
import { itemOf } from '../closeness.ts';
import { firstCases } from '../firstCases.ts';
import { folder } from '../unit/model/folder.ts';
import { FIXTURES, native, openCase, routingOf, smallPieces, wasm } from './compare.ts';
import { noteWorst, writeWorst } from './familyTable.ts';
import { expectClose, openGolden, type Golden } from './oracle.ts';

// Models with layers that carry the text in a state: their numbers read at once, in pieces, token by token and after an edit.

const CASES = readdirSync(`${FIXTURES}/hybrids`);
/** Share of the largest number that one may be off where a text is not read at once. */
const IN_PIECES = 1e-4;
/** The same of gradients. */
const GRADIENTS = 1e-4;

/** Case -> worst difference, by column of README's table. */
const worst = { native: new Map<string, number>(), WASM: new Map<string, number>(), gradients: new Map<string, number>() };
const sums = new Map<string, number>();
afterAll(() => {
  for (const column of ['native', 'WASM', 'gradients'] as const) writeWorst(column, worst[column]);
  writeWorst('sums', sums);
});

describe.each([
  ['native', native],
  ['WASM', wasm],
] as const)('%s', (column, runtime) => {
  test.each(firstCases(CASES))('%s equals transformers, read at once, on and after an edit', async (name) => {
    const files = folder(`${FIXTURES}/hybrids/${name}`);
    const golden = await openGolden(files, 'golden.safetensors');
    const ids = await golden.ids();
    const run = runOf(ids, UNCHANGED);
    const model = await openLanguageModel(files, await runtime());
    const whole = await model.run(run);
    noteWorst(worst[column], name, await compare(model, whole, golden));

    const sequence = model.sequence();
    for (const end of [4, 5, 6, 9, ids.length])
      expect(await sequence.read(runOf(ids.slice(0, end), UNCHANGED))).toMatchObject({ reread: false });
    await compare(model, sequence.trace(ids.length), golden, IN_PIECES);
    await sequence.read(runOf([...ids.slice(0, 6), ...ids.slice(0, 3)], UNCHANGED));
    expect(await sequence.read(run)).toMatchObject({ known: 6, reread: false });
    await compare(model, sequence.trace(ids.length), golden, IN_PIECES);

    const edited = runOf(
      ids.map((id, i) => (i < ids.length - 3 ? id : (id + 1) % model.info.vocab)),
      UNCHANGED,
    );
    const before = await model.run(edited);
    expect(model.sharedTokens(edited, run)).toBe(ids.length - 3);
    await compare(model, await model.run(run, undefined, before), golden, IN_PIECES);
    const row = await model.finalRow({ run, position: ids.length - 1, known: before });
    expectClose(row, lastRow(whole), 'the last row', IN_PIECES);

    const goingOn = model.sequence();
    goingOn.adopt(await model.run(runOf(ids.slice(0, 7), UNCHANGED)));
    for (let end = 7; end <= ids.length; end++) await goingOn.read(runOf(ids.slice(0, end), UNCHANGED));
    await compare(model, goingOn.trace(ids.length), golden, IN_PIECES);
    expect(golden.unread()).toEqual([]);
    await model.dispose();
  });

  test.each(firstCases(CASES))('gradients of %s equal autograd', async (name) => {
    const { model, ids } = await openCase(name, await runtime());
    const expected = await openGolden(folder(FIXTURES), 'hybridGradients.safetensors');
    const [position = 0, token = 0, rival = 0] = await expected.wholeNumbers(`${name}/target`);
    const gradient = await model.gradient(await model.run(runOf(ids, UNCHANGED)), { kind: 'logit', position, token, rival });
    for (const [layer, found] of gradient.resid.entries())
      noteWorst(worst.gradients, name, expectClose(found, await expected.floats(`${name}/resid.${layer}`), `gradient ${layer}`, GRADIENTS));
    await model.dispose();
  });
});

test.each(firstCases(CASES))('the parts of a logit of %s sum to it, and those of heads to them', async (name) => {
  const { model, ids } = await openCase(name, native());
  const trace = await model.run(runOf(ids, UNCHANGED));
  const { target, embedding, layers, rest } = await model.direct(trace, { kind: 'logit', position: ids.length - 2, token: 4, rival: 9 });
  const parts = layers.flatMap(({ heads, recurrence = 0, mlp, rest: biases }) => [...heads, recurrence, mlp, biases]);
  const most = Math.max(...[target, embedding, rest, ...parts].map(Math.abs));
  const off = Math.abs(parts.reduce((sum, part) => sum + part, embedding + rest) - target) / most;
  expect(off).toBeLessThan(IN_PIECES);
  noteWorst(sums, name, off);
  for (const [layer, { heads, sources, recurrence }] of layers.entries()) {
    const { recurrence: instead, beside } = model.info.traits?.layers[layer] ?? {};
    const keeps = (instead ?? beside) !== undefined && instead?.kind !== 'mlpAlone';
    expect(recurrence === undefined).toBe(!keeps);
    if (keeps) expect(recurrence).not.toBe(0);
    for (const [head, part] of heads.entries()) {
      const row = sources.data.subarray(head * ids.length, (head + 1) * ids.length);
      expect(Math.abs(row.reduce((sum, value) => sum + value, 0) - part) / most).toBeLessThan(IN_PIECES);
    }
  }
  await model.dispose();
});

test.each(firstCases(CASES))('%s in small pieces equals transformers', async (name) => {
  const files = folder(`${FIXTURES}/hybrids/${name}`);
  const golden = await openGolden(files, 'golden.safetensors');
  const model = await openLanguageModel(files, native(), smallPieces);
  await compare(model, await model.run(runOf(await golden.ids(), UNCHANGED)), golden, IN_PIECES);
  await model.dispose();
});

describe('what is not defined for layers without attention weights', () => {
  test.each([
    ['lfm2.1', 'a short convolution'],
    ['qwen3_5_text.1', 'a gated delta net'],
  ])('is refused for %s in a sentence that says what the layer is', async (name, kind) => {
    const { model, ids } = await openCase(name, native());
    const trace = await model.run(runOf(ids, UNCHANGED));
    const none = `Layer 0 is ${kind}: it has no attention weights.`;
    const target = { kind: 'logit', position: 3, token: 5 } as const;
    await expect(model.attention(trace, 0)).rejects.toThrow(none);
    await expect(model.headAttention(trace, 0, 0)).rejects.toThrow(none);
    await expect(model.scoreSteps(0, 0, 2, 4)).rejects.toThrow(none);
    await expect(model.valueLengths(trace, 0, 2)).rejects.toThrow(none);
    const { resid, final } = await model.gradient(trace, target);
    await expect(model.weightGradient(trace, { resid, final }, { layer: 0, head: 0 })).rejects.toThrow(none);
    await expect(model.effectiveAttention(trace, 1)).rejects.toThrow(RangeError);
    for (const step of [
      { kind: 'head', layer: 0, head: 1, action: 'zero' },
      { kind: 'pattern', layer: 0, head: 1, action: 'uniform' },
      { kind: 'edge', layer: 0, query: 3, key: 1, action: 'cut' },
    ] as const)
      await expect(model.run(runOf(ids, [step]))).rejects.toThrow(`layer 0 is ${kind}: it has no attention weights to change.`);
    await expect(model.run(runOf(ids, [{ kind: 'key', key: 1, action: 'cut' }]))).rejects.toThrow(
      `layer 0 is ${kind}, in which nothing can be hidden from later tokens: name a layer with attention.`,
    );
    await model.dispose();
  });

  test('leaves what is: cuts in a layer with attention, MLPs and residuals, and the steps of a layer', async () => {
    const { model, ids } = await openCase('qwen3_5_text.1', native());
    const trace = await model.run(runOf(ids, UNCHANGED));
    const cut = await model.run(runOf(ids, [{ kind: 'key', layer: 1, key: 2, action: 'cut' }]));
    expect(itemOf(cut.resid, 1).data).toEqual(itemOf(trace.resid, 1).data);
    expect(itemOf(cut.resid, 2).data).not.toEqual(itemOf(trace.resid, 2).data);
    const dim = model.info.dim;
    const off = await model.run(runOf(ids, [{ kind: 'mlp', layer: 0, action: 'zero' }]));
    const { afterAttention, mlpStep } = await model.layerSteps(trace, 0, 5, 9);
    expectClose(tensor([4, dim], itemOf(off.resid, 1).data.slice(5 * dim, 9 * dim)), afterAttention, 'the residual without the MLP');
    const sum = afterAttention.data.map((value, i) => value + at(mlpStep.data, i));
    expectClose(tensor([4, dim], sum), tensor([4, dim], itemOf(trace.resid, 1).data.slice(5 * dim, 9 * dim)), 'the residual as a sum');
    expect((await model.layerOutputs(trace, 0)).heads.dims).toEqual([ids.length, 0]);
    await model.dispose();
  });
});

test('a cache holds keys and values by token, and states of a fixed size', async () => {
  const { model, ids } = await openCase('lfm2.1', native());
  const sequence = model.sequence();
  await sequence.read(runOf(ids.slice(0, 4), UNCHANGED));
  const before = sequence.bytesPerLayer;
  const kept = model.info.traits?.layers[0]?.recurrence?.kept;
  await sequence.read(runOf(ids.slice(0, 8), UNCHANGED));
  expect(kept).toBe(2 * model.info.dim);
  expect(sequence.bytesPerLayer).toEqual([4 * (kept ?? 0), 2 * (before[1] ?? 0), 4 * (kept ?? 0)]);
  await model.dispose();
});

test.each([
  ['qwen3_5_text.1', { 'mixing.0': 4, 'attentions.1': 2, 'mixing.2': 4 }],
  ['falcon_h1.1', { 'attentions.0': 2, 'mixing.0': 4, 'attentions.1': 2, 'mixing.1': 4 }],
  ['nemotron_h.1', { 'mixing.0': 4, 'attentions.2': 2 }],
])('exports of %s name attention, and the effective attention of what is in its place or beside it', async (name, heads) => {
  const { model, ids } = await openCase(name, native());
  const parts: Uint8Array[] = [];
  const nothing = async (): Promise<void> => undefined;
  const write = async (bytes: Uint8Array | string): Promise<void> => {
    if (typeof bytes !== 'string') parts.push(bytes.slice());
  };
  const output = { write, finish: nothing, abandon: nothing };
  const trace = await model.run(runOf(ids, UNCHANGED));
  await writeSafetensors(output, model, trace, null);
  const length = Number(new DataView(itemOf(parts, 0).buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(itemOf(parts, 1))) as Record<string, { readonly shape: readonly number[] }>;
  expect(itemOf(parts, 1)).toHaveLength(length);
  const maps = Object.entries(header).filter(([entry]) => /^(mixing|attentions)/.test(entry));
  expect(maps.map(([entry, { shape }]) => [entry, shape])).toEqual(
    Object.entries(heads).map(([entry, count]) => [entry, [count, ids.length, ids.length]]),
  );
  await checkedNumbers(model, ids);
  await model.dispose();
});

test('the effective attention of what runs beside attention is answered, and refused of a layer that keeps no state', async () => {
  const answered = async (name: string, layer: number): Promise<HeadMap> => {
    const { model, ids } = await openCase(name, native());
    const context = { ...UNWATCHED, open: { model }, cache: createTraceCache(model) } as unknown as AnswerContext;
    try {
      return await headMeasureAnswers.effectiveAttention(context, runOf(ids, UNCHANGED), { layer, map: 3 });
    } finally {
      await model.dispose();
    }
  };
  const golden = await openGolden(folder(`${FIXTURES}/hybrids/falcon_h1.1`), 'golden.safetensors');
  const { dims, data } = await golden.floats('mixing.1');
  const { values } = await answered('falcon_h1.1', 1);
  const own = seenOf(data.subarray(3 * at(dims, 1) ** 2), at(dims, 1));
  expectClose(tensor([values.length], values), tensor([own.length], own), 'the map of the last head');
  await expect(answered('nemotron_h.1', 1)).rejects.toThrow('Layer 1 keeps no state');
});

/** Returns the largest difference. */
async function compare(model: LanguageModel, trace: Trace, golden: Golden, tolerance?: number): Promise<number> {
  let largest = 0;
  const close = async (found: Tensor, name: string): Promise<void> => {
    largest = Math.max(largest, expectClose(found, await golden.floats(name), name, tolerance));
  };
  for (const [layer, resid] of trace.resid.entries()) await close(resid, `resid.${layer}`);
  for (let layer = 0; layer < model.info.layers; layer++) {
    if (hasAttention(model.info, layer)) await close(await model.attention(trace, layer), `attentions.${layer}`);
    if (effectiveMaps(model.info, layer) > 0) await close(await model.effectiveAttention(trace, layer), `mixing.${layer}`);
  }
  for (const name of golden.names.filter((one) => one.startsWith('routing.')))
    await close(routingOf(trace, Number(name.slice('routing.'.length)), await golden.floats(name)), name);
  await close(await model.logits(itemOf(trace.resid, model.info.layers)), 'logits');
  return largest;
}

function lastRow({ resid }: Trace) {
  const { dims, data } = itemOf(resid, resid.length - 1);
  const [length = 0, dim = 0] = dims;
  return tensor([1, dim], data.slice((length - 1) * dim));
}
