import { describe, expect, test } from 'vitest';
import { leftOut } from '../../src/analysis/leaveOneOut.ts';
import { LEAVE_ONE_OUT } from '../../src/core/attribution.ts';
import { UNWATCHED } from '../../src/core/progress.ts';
import { runOf, withoutTokens, type Recipe, type Run } from '../../src/core/run.ts';
import { row, tensor, type Tensor } from '../../src/core/tensor.ts';
import type { LanguageModel } from '../../src/model/languageModel.ts';
import { piecesOf } from '../../src/model/run/pieces.ts';
import { itemOf } from '../../src/model/run/outputs.ts';
import { native, openCase, smallPieces, wasm } from './compare.ts';
import { expectClose } from './oracle.ts';

/** Share of the largest number that a row may be off: roundings of other cuts of the same sums. */
const TOLERANCE = 1e-5;

const set = (layer: number, token: number, dim: number) =>
  ({ kind: 'residual', layer, token, action: 'set', values: Array.from({ length: dim }, (_, i) => Math.sin(i + layer)) }) as const;

/** What is done to the known run, and to the one whose row is asked for. */
const RECIPES: readonly (readonly [
  name: string,
  known: (dim: number, layers: number) => Recipe,
  asked: (dim: number, layers: number) => Recipe,
])[] = [
  ['nothing', () => [], () => []],
  ['a key that is cut in all layers', () => [], () => [{ kind: 'key', key: 1, action: 'cut' }]],
  ['a key that is cut in the last layer', () => [], (_, layers) => [{ kind: 'key', key: 2, layer: layers - 1, action: 'cut' }]],
  ['the residual of the first layer', () => [], (dim) => [set(0, 3, dim)]],
  ['the residual of a later layer', () => [], (dim) => [set(1, 2, dim)]],
  ['the residual after the last layer', () => [], (dim, layers) => [set(layers, 6, dim)]],
  ['a residual that is changed in both', (dim) => [set(1, 2, dim)], (dim) => [set(1, 2, dim), { ...set(1, 2, dim), action: 'move' }]],
  ['the first residual, changed in both', (dim) => [set(0, 2, dim)], (dim) => [set(0, 3, dim)]],
  [
    'a head, beside one that is off in both',
    () => [{ kind: 'head', layer: 0, head: 0, action: 'zero' }],
    () => [
      { kind: 'head', layer: 0, head: 0, action: 'zero' },
      { kind: 'head', layer: 1, head: 1, action: 'zero', token: 2 },
    ],
  ],
  ['what is no longer done', (dim) => [set(1, 1, dim)], () => []],
];

describe.each([
  ['WASM', wasm],
  ['native', native],
])('one row of the last residual, %s', (_, open) => {
  // Rotary positions, learned ones, norms behind, positions counted from the end, frequencies that depend on the text's length, keys and
  // values of another layer, and chunks.
  test.each(['llama', 'gpt2', 'gemma2.1', 'mpt.1', 'phi3.2', 'deepseek_v3.1', 'gemma4_text.1', 'gemma4_text.2', 'llama4_text.1'])(
    'of %s equals that of a whole pass',
    async (name) => {
      let cut = piecesOf;
      const { model, ids } = await openCase(name, await open(), (...text) => cut(...text));
      try {
        const { dim, layers } = model.info;
        const position = ids.length - 2;
        for (const [what, known, asked] of RECIPES) {
          const from = await model.run(runOf(ids, known(dim, layers)));
          const run = runOf(ids, asked(dim, layers));
          const whole = await wholeRow(model, run, position);
          for (const pieces of [piecesOf, smallPieces]) {
            cut = pieces;
            expectClose(await model.finalRow({ run, position, known: from }), whole, `${name}, ${what}`, TOLERANCE);
          }
          cut = piecesOf;
        }
        const trace = await model.run(runOf(ids, []));
        const shorter = withoutTokens(trace.run, 2, 4);
        const last = shorter.ids.length - 1;
        expectClose(
          await model.finalRow({ run: shorter, position: last, known: trace }),
          await wholeRow(model, shorter, last),
          name,
          TOLERANCE,
        );
      } finally {
        await model.dispose();
      }
    },
  );
});

test('a word is left out as a whole, up to the position', async () => {
  const { model, ids } = await openCase('llama', await wasm());
  const trace = await model.run(runOf(ids, []));
  const target = { kind: 'logit', position: 5, token: 3, rival: 4 } as const;
  const of = { model, trace, target, value: await model.logit(trace, target), context: UNWATCHED };
  const cuts = [1, 2].map((key) => ({ kind: 'key', key, action: 'cut' }) as const);
  const hidden = await model.run(runOf(ids, cuts));
  expect(await leftOut(of, 'hidden', { first: 1, end: 3 })).toBeCloseTo(of.value - (await model.logit(hidden, target)), 5);
  const removed = await model.run(withoutTokens(trace.run, 1, 3));
  expect(await leftOut(of, 'removed', { first: 1, end: 3 })).toBeCloseTo(
    of.value - (await model.logit(removed, { ...target, position: 3 })),
    5,
  );
  const average = await model.averageInput(ids.length);
  const input = tensor(average.dims, itemOf(trace.resid, 0).data.slice());
  for (const token of [1, 2]) row(input, token).set(row(average, token));
  const replaced = await model.runFrom(trace.run, { input, known: trace, tokens: 0 });
  expect(await leftOut(of, 'replaced', { first: 1, end: 3 })).toBeCloseTo(of.value - (await model.logit(replaced, target)), 5);
  for (const method of LEAVE_ONE_OUT) {
    expect(await leftOut(of, method, { first: 6, end: 8 }), method).toBe(0);
    // Of a word that goes on after the position, what is before it.
    expect(await leftOut(of, method, { first: 4, end: 8 }), method).toBe(await leftOut(of, method, { first: 4, end: 6 }));
  }
  await expect(leftOut(of, 'removed', { first: 0, end: 6 })).rejects.toThrow('nothing is left of the text');
  await model.dispose();
});

async function wholeRow(model: LanguageModel, run: Run, position: number): Promise<Tensor> {
  const trace = await model.run(run);
  const last = itemOf(trace.resid, model.info.layers);
  return tensor([1, model.info.dim], row(last, position).slice());
}
