import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { tensor } from '../../src/core/tensor.ts';
import { openLanguageModel, type LanguageModel } from '../../src/model/languageModel.ts';
import type { Trace } from '../../src/model/run/forwardTrace.ts';
import { itemOf } from '../closeness.ts';
import { folder } from '../unit/model/folder.ts';
import { FIXTURES, native, routingOf, smallPieces, wasm } from './compare.ts';
import { expectClose, openGolden, type Golden } from './oracle.ts';

// Models with layers that carry the text in a state: their numbers read at once, in pieces, token by token and after an edit.

const CASES = readdirSync(`${FIXTURES}/hybrids`);
/** Share of the largest number that one may be off where a text is not read at once. */
const IN_PIECES = 1e-4;

describe.each([
  ['native', native],
  ['WASM', wasm],
])('%s', (_, runtime) => {
  test.each(CASES)('%s equals transformers, read at once, on and after an edit', async (name) => {
    const files = folder(`${FIXTURES}/hybrids/${name}`);
    const golden = await openGolden(files, 'golden.safetensors');
    const ids = await golden.ids();
    const run = runOf(ids, UNCHANGED);
    const model = await openLanguageModel(files, await runtime());
    const whole = await model.run(run);
    await compare(model, whole, golden);

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
});

test.each(CASES)('%s in small pieces equals transformers', async (name) => {
  const files = folder(`${FIXTURES}/hybrids/${name}`);
  const golden = await openGolden(files, 'golden.safetensors');
  const model = await openLanguageModel(files, native(), smallPieces);
  await compare(model, await model.run(runOf(await golden.ids(), UNCHANGED)), golden, IN_PIECES);
  await model.dispose();
});

async function compare(model: LanguageModel, trace: Trace, golden: Golden, tolerance?: number): Promise<void> {
  for (const [layer, resid] of trace.resid.entries())
    expectClose(resid, await golden.floats(`resid.${layer}`), `resid ${layer}`, tolerance);
  for (let layer = 0; layer < model.info.layers; layer++) {
    const recurrence = model.info.traits?.layers[layer]?.recurrence;
    if (recurrence === undefined)
      expectClose(await model.attention(trace, layer), await golden.floats(`attentions.${layer}`), `attention ${layer}`, tolerance);
    else expectClose(await model.effectiveAttention(trace, layer), await golden.floats(`mixing.${layer}`), `mixing ${layer}`, tolerance);
  }
  for (const name of golden.names.filter((one) => one.startsWith('routing.'))) {
    const expected = await golden.floats(name);
    expectClose(routingOf(trace, Number(name.slice('routing.'.length)), expected), expected, name, tolerance);
  }
  expectClose(await model.logits(itemOf(trace.resid, model.info.layers)), await golden.floats('logits'), 'logits', tolerance);
}

function lastRow({ resid }: Trace) {
  const { dims, data } = itemOf(resid, resid.length - 1);
  const [length = 0, dim = 0] = dims;
  return tensor([1, dim], data.slice((length - 1) * dim));
}
