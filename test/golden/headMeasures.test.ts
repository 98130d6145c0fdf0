import { beforeAll, describe, expect, test } from 'vitest';
import type { AnswerContext } from '../../src/analysis/answering.ts';
import { attribute } from '../../src/analysis/attribute.ts';
import { headMeasureAnswers } from '../../src/analysis/headMeasureAnswers.ts';
import { createTraceCache } from '../../src/analysis/traceCache.ts';
import { CancelledError, UserError } from '../../src/core/errors.ts';
import { seenOf } from '../../src/core/headMeasures.ts';
import { UNWATCHED } from '../../src/core/progress.ts';
import { runOf, UNCHANGED, type Recipe } from '../../src/core/run.ts';
import { at, tensor, type Tensor } from '../../src/core/tensor.ts';
import { openLanguageModel, type LanguageModel } from '../../src/model/languageModel.ts';
import { piecesOf } from '../../src/model/run/pieces.ts';
import { folder } from '../unit/model/folder.ts';
import { FIXTURES, native, openCase, smallPieces, wasm } from './compare.ts';
import { expectClose, openGolden, type Golden } from './oracle.ts';

/** Share of the largest value that a value may be off. */
const TOLERANCE = 1e-4;
/** Each runtime has cases of its own, as the others' numbers are compared between the two elsewhere. */
const RUNTIMES = [
  ['WASM', wasm, ['gpt2', 'gemma2.1', 'bloom.1', 'deepseek_v3.1', 'gpt_oss.1', 'olmo2.1', 'falcon.2', 'qwen3_next.1', 'falcon_h1.1']],
  ['native', native, ['llama', 'phi.1', 'glm4.1', 'mixtral.1', 'qwen3_5_text.1', 'falcon_h1.2']],
] as const;

function contextOf(model: LanguageModel, watch: Partial<AnswerContext> = {}): AnswerContext {
  return { ...UNWATCHED, open: { model }, cache: createTraceCache(model), ...watch } as AnswerContext;
}

/** [T, T] of what a query sees, as the answers have it. */
function seen({ dims, data }: Tensor): Tensor {
  const values = seenOf(data, at(dims, 0));
  return tensor([values.length], values);
}

const flat = (values: Float32Array): Tensor => tensor([values.length], values);

describe.each(RUNTIMES)('measures of a head, %s', (_, open, cases) => {
  let expected: Golden;
  beforeAll(async () => {
    expected = await openGolden(folder(FIXTURES), 'headMeasures.safetensors');
  });

  test.each(cases)('of %s equal PyTorch', async (name) => {
    let cut = piecesOf;
    const { model, ids } = await openCase(name, await open(), (...text) => cut(...text));
    try {
      const [position = 0, token = 0, rival = 0] = await expected.wholeNumbers(`${name}/target`);
      const run = runOf(ids, UNCHANGED);
      const heads = new Set(expected.names.flatMap((of) => (of.startsWith(`${name}/`) ? (/\/(\d+\.\d+\.\d+)\//.exec(of)?.[1] ?? []) : [])));
      expect(heads.size).toBe(2);
      for (const of of heads) {
        const [layer = 0, head = 0, query = 0] = of.split('.').map(Number);
        const reference = (part: string): Promise<Tensor> => expected.floats(`${name}/${of}/${part}`);
        const question = { position, token, rival, layer, head };
        const context = contextOf(model);
        const { values } = await headMeasureAnswers.weightedValues(context, run, { layer, head });
        expectClose(flat(values), seen(await reference('value-weighted')), `${name} values`, TOLERANCE);
        for (const pieces of [piecesOf, smallPieces]) {
          cut = pieces;
          const { values: slopes } = await headMeasureAnswers.weightGradients(contextOf(model), run, question);
          expectClose(flat(slopes), seen(await reference('gradient-x-weight')), `${name} gradients`, TOLERANCE);
        }
        cut = piecesOf;
        const keys = Array.from({ length: query }, (__, key) => key);
        const changes = new Float32Array(query);
        for (let done = 0; done < query;) {
          const found = await headMeasureAnswers.edgeCuts(context, run, { ...question, query, keys: keys.slice(done) });
          for (const [index, key] of found.keys.entries()) changes[key] = at(found.changes, index);
          done += found.keys.length;
        }
        // The logits may be far larger than what they change by.
        const exact = await reference('cut');
        const most = exact.data.reduce((largest, change) => Math.max(largest, Math.abs(change)), 0);
        const { target } = await headMeasureAnswers.weightGradients(context, run, question);
        for (const [key, change] of exact.data.entries())
          expect(Math.abs(at(changes, key) - change), `${name} cut ${key}`).toBeLessThan(TOLERANCE * Math.max(most, Math.abs(target), 1));
      }
    } finally {
      await model.dispose();
    }
  });
});

test.each(['qwen3_5_text.1', 'falcon_h1.1'])(
  'what attention of %s brings, behind its gates and without what is beside it',
  async (name) => {
    const expected = await openGolden(folder(FIXTURES), 'headMeasures.safetensors');
    const { model, ids } = await openCase(name, native());
    const trace = await model.run(runOf(ids, UNCHANGED));
    const layer = 1;
    const [brought, heads] = [await expected.floats(`${name}/${layer}/brought`), await expected.floats(`${name}/${layer}/heads`)];
    for (let token = 0; token < ids.length; token++) {
      const lengths = await model.valueLengths(trace, layer, token);
      expectClose(flat(lengths), flat(brought.data.slice(token * ids.length, (token + 1) * ids.length)), `${name} ${token}`, TOLERANCE);
      const { lengths: byHead } = await model.headOutputs(trace, layer, token);
      const own = heads.data.slice(token * byHead.length, (token + 1) * byHead.length);
      expectClose(flat(byHead), flat(own), `${name} heads ${token}`, TOLERANCE);
    }
    await model.dispose();
  },
);

test('methods that follow attention alone are refused where something beside it reads tokens too', async () => {
  const { model, ids } = await openCase('falcon_h1.1', native());
  const trace = await model.run(runOf(ids, UNCHANGED));
  const target = { kind: 'logit', position: 5, token: 3 } as const;
  for (const method of ['rollout', 'value-weighted', 'alti-logit'] as const)
    await expect(attribute(model, trace, target, method, UNWATCHED)).rejects.toThrow(
      'Layer 0 has a Mamba 2 layer beside its attention, which brings earlier tokens too: this method follows attention alone',
    );
  await expect(model.takenBack(trace, 0, new Float64Array(ids.length))).rejects.toThrow('brings earlier tokens too');
  await model.dispose();
});

describe('measures of a head', () => {
  const ids = Int32Array.of(5, 9, 7, 3, 11, 8);
  const question = { position: 4, token: 3, rival: null, layer: 0, head: 1 };
  const opened = async (): Promise<LanguageModel> => openLanguageModel(folder(`${FIXTURES}/llama`), await wasm());

  test('of one that a recipe scales are scaled, and of one that is off are nothing', async () => {
    const model = await opened();
    const of = async (recipe: Recipe) => {
      const run = runOf(ids, recipe);
      return (await headMeasureAnswers.weightedValues(contextOf(model), run, { layer: 0, head: 1 })).values;
    };
    const [own, scaled, off] = [
      await of(UNCHANGED),
      await of([{ kind: 'head', layer: 0, head: 1, token: 3, action: 'scale', factor: -2 }]),
      await of([{ kind: 'head', layer: 0, head: 1, action: 'zero' }]),
    ];
    expect(off.every((value) => value === 0)).toBe(true);
    for (const [index, value] of own.entries()) expect(at(scaled, index)).toBeCloseTo(index >= 6 && index < 10 ? 2 * value : value, 6);
    await model.dispose();
  });

  test('of a query after the prediction, or of an edge that is cut already, change nothing', async () => {
    const model = await opened();
    const context = contextOf(model);
    const late = await headMeasureAnswers.edgeCuts(context, runOf(ids, UNCHANGED), { ...question, query: 5, keys: [0, 4] });
    expect([...late.changes]).toEqual([0, 0]);
    const { values } = await headMeasureAnswers.weightGradients(context, runOf(ids, UNCHANGED), question);
    expect(values.subarray(15).every((value) => value === 0)).toBe(true);
    const cut: Recipe = [{ kind: 'edge', query: 4, key: 2, layer: 0, head: 1, action: 'cut' }];
    const again = await headMeasureAnswers.edgeCuts(context, runOf(ids, cut), { ...question, query: 4, keys: [2] });
    expect([...again.changes]).toEqual([0]);
    await model.dispose();
  });

  test('that do not exist are refused, and a row stops where it is cancelled', async () => {
    const model = await opened();
    const run = runOf(ids, UNCHANGED);
    const cuts = (more: object, watch: Partial<AnswerContext> = {}) =>
      headMeasureAnswers.edgeCuts(contextOf(model, watch), run, { ...question, query: 4, keys: [0], ...more });
    await expect(cuts({ keys: [4] })).rejects.toThrow(RangeError);
    await expect(cuts({ query: 6 })).rejects.toThrow(RangeError);
    await expect(cuts({ head: 99 })).rejects.toThrow(RangeError);
    await expect(cuts({ token: 1 << 20 })).rejects.toThrow(UserError);
    await expect(cuts({}, { checkpoint: () => Promise.reject(new CancelledError()) })).rejects.toThrow(CancelledError);
    await model.dispose();
  });
});
