import { beforeAll, describe, expect, test } from 'vitest';
import { attribute } from '../../src/analysis/attribute.ts';
import { deletionCurve } from '../../src/analysis/deletionAnswers.ts';
import { attributeSpan, spanDeletion } from '../../src/analysis/spanAttribution.ts';
import { ATTRIBUTION_METHODS, isSigned, SPAN_METHODS, type SpanMethod } from '../../src/core/attribution.ts';
import { CancelledError, UserError } from '../../src/core/errors.ts';
import { UNWATCHED } from '../../src/core/progress.ts';
import { runOf, UNCHANGED, type Recipe } from '../../src/core/run.ts';
import { at, tensor } from '../../src/core/tensor.ts';
import { openLanguageModel } from '../../src/model/languageModel.ts';
import { folder } from '../unit/model/folder.ts';
import { FIXTURES, native, openCase, smallPieces, wasm } from './compare.ts';
import { expectClose, openGolden, type Golden } from './oracle.ts';

/** Share of the largest value that a value may be off. */
const TOLERANCE = 1e-4;
const CASES = (
  'gpt2 llama gemma2.1 gemma3_text.2 phi.1 bloom.1 olmo2.1 deepseek_v3.1 granite.1 falcon.2 glm4.1 ' +
  'mixtral.1 gpt_oss.1 cohere.1 opt.1 opt.3 mpt.1 gpt_neox.1 exaone4.1'
).split(' ');
const SPAN_CASES = ['gpt2', 'llama', 'gemma2.1', 'bloom.1', 'mixtral.1', 'cohere.1'];
/** Norms on the stream: of these ALTI-Logit alone. */
const STREAM_CASES: readonly string[] = ['bloom.2', 'opt.2'];

describe.each([
  ['WASM', wasm],
  ['native', native],
])('attribution to words, %s', (_, open) => {
  let expected: Golden;
  beforeAll(async () => {
    expected = await openGolden(folder(FIXTURES), 'attribution.safetensors');
  });

  test.each([...CASES, ...STREAM_CASES])('of %s equals its formulas in PyTorch', async (name) => {
    const { model, ids } = await openCase(name, await open());
    try {
      const [position = 0, token = 0, rival = 0] = await expected.wholeNumbers(`${name}/target`);
      const trace = await model.run(runOf(ids, UNCHANGED));
      const isStream = STREAM_CASES.includes(name);
      for (const method of isStream ? (['alti-logit'] as const) : ATTRIBUTION_METHODS) {
        const found = await attribute(model, trace, { kind: 'logit', position, token, rival }, method, UNWATCHED);
        const { values, target, completeness } = found;
        // The two best logits may be far larger than their difference.
        expect(Math.abs(target - at((await expected.floats(`${name}/value`)).data, 0)), name).toBeLessThan(TOLERANCE);
        expect(values.subarray(position + 1).every((value) => value === 0)).toBe(true);
        const sum = values.reduce((total, value) => total + value, 0);
        if (!isSigned(method)) expect(sum).toBeCloseTo(1, 4);
        expect(completeness !== null).toBe(method === 'integrated-gradients');
        if (completeness !== null) {
          const difference = target - completeness.baseline;
          expect(Math.abs(Math.abs(sum - difference) / Math.abs(difference) - completeness.gap)).toBeLessThan(1e-3);
          // Some of these random models turn too sharply on the way for any rule of few points.
          if (!expected.names.includes(`${name}/${method}`)) continue;
          expect(completeness.gap).toBeLessThan(0.01);
          expect(Math.abs(completeness.baseline - at((await expected.floats(`${name}/baseline`)).data, 0))).toBeLessThan(TOLERANCE);
        }
        // ALTI-Logit shares out what all heads say directly, no more and no less.
        if (method === 'alti-logit') {
          const said = (await model.direct(trace, { kind: 'logit', position, token, rival })).layers.flatMap(({ heads }) => [...heads]);
          const most = Math.max(...said.map(Math.abs));
          expect(Math.abs(said.reduce((total, part) => total + part, 0) - sum) / most, name).toBeLessThan(TOLERANCE);
          expect(Math.abs(at((await expected.floats(`${name}/attention`)).data, 0) - sum) / most, name).toBeLessThan(TOLERANCE);
        }
        const near = completeness === null ? TOLERANCE : 0.02;
        expectClose(tensor([ids.length], values), await expected.floats(`${name}/${method}`), `${name}/${method}`, near);
      }
      if (isStream) return;
      const before = Array.from({ length: position }, (_, key) => [key]);
      const { counts, logprob } = await deletionCurve(model, trace, { position, token }, before, UNWATCHED);
      expect([...counts]).toEqual(Array.from({ length: position + 1 }, (_, count) => count));
      expectClose(tensor([position + 1], logprob), await expected.floats(`${name}/deletion`), `${name}/deletion`, TOLERANCE);
    } finally {
      await model.dispose();
    }
  });
});

describe.each([
  ['WASM', wasm],
  ['native', native],
])('attribution of several tokens together, %s', (_, open) => {
  test.each(SPAN_CASES)('of %s equals its formulas in PyTorch', async (name) => {
    const expected = await openGolden(folder(FIXTURES), 'attribution.safetensors');
    const { model, ids } = await openCase(name, await open());
    try {
      const [position = 0, end = 0] = await expected.wholeNumbers(`${name}/span`);
      expect(end).toBeGreaterThan(position + 1);
      const trace = await model.run(runOf(ids, UNCHANGED));
      for (const method of SPAN_METHODS) {
        const { values, target, completeness, ...asked } = await attributeSpan(model, trace, { position, end }, method, UNWATCHED);
        expect(asked).toEqual({ position, end, method });
        expect(Math.abs(target - at((await expected.floats(`${name}/span/value`)).data, 0)), name).toBeLessThan(TOLERANCE);
        expect(values.subarray(end + 1).every((value) => value === 0)).toBe(true);
        if (completeness !== null) {
          const sum = values.reduce((total, value) => total + value, 0);
          const difference = target - completeness.baseline;
          expect(Math.abs(Math.abs(sum - difference) / Math.abs(difference) - completeness.gap)).toBeLessThan(1e-3);
          if (!expected.names.includes(`${name}/span/${method}`)) continue;
          expect(completeness.gap).toBeLessThan(0.01);
          expect(Math.abs(completeness.baseline - at((await expected.floats(`${name}/span/baseline`)).data, 0))).toBeLessThan(1e-3);
        }
        const near = completeness === null ? TOLERANCE : 0.02;
        expectClose(tensor([ids.length], values), await expected.floats(`${name}/span/${method}`), `${name}/${method}`, near);
      }
      const before = Array.from({ length: end }, (__, key) => [key]);
      const { logprob } = await spanDeletion(model, trace, { position, end }, before, UNWATCHED);
      expectClose(tensor([end + 1], logprob), await expected.floats(`${name}/span/deletion`), `${name}/deletion`, TOLERANCE);
    } finally {
      await model.dispose();
    }
  });
});

test('a span of one token is that token’s log-probability, and one that nothing follows is refused', async () => {
  const model = await openLanguageModel(folder(`${FIXTURES}/llama`), await wasm());
  const trace = await model.run(runOf(Int32Array.of(5, 6, 7, 8), UNCHANGED));
  const ask = (position: number, end: number, method: SpanMethod = 'removed') =>
    attributeSpan(model, trace, { position, end }, method, UNWATCHED);
  const { target, values } = await ask(1, 1);
  const [logprob = 0] = (await deletionCurve(model, trace, { position: 1, token: 7 }, [], UNWATCHED)).logprob;
  expect(target).toBeCloseTo(logprob, 5);
  expect(at(values, 2)).toBe(0);
  await expect(ask(1, 3)).rejects.toThrow(RangeError);
  await expect(ask(2, 1)).rejects.toThrow(RangeError);
  await expect(ask(0, 1)).rejects.toThrow('Without the text’s first token nothing comes before the span');
  expect((await ask(0, 1, 'hidden')).values).toHaveLength(4);
  await model.dispose();
});

test('a target that does not exist is refused, and a rival that is the token', async () => {
  const model = await openLanguageModel(folder(`${FIXTURES}/llama`), await wasm());
  const trace = await model.run(runOf(Int32Array.of(5, 6, 7, 8), UNCHANGED));
  const ask = (position: number, token: number, rival: number) =>
    attribute(model, trace, { kind: 'logit', position, token, rival }, 'gradient-x-input', UNWATCHED);
  await expect(ask(2, 3, 3)).rejects.toThrow('The rival is the token itself: a difference needs two tokens.');
  await expect(ask(2, 3, 1 << 20)).rejects.toThrow(UserError);
  await expect(ask(4, 3, 2)).rejects.toThrow(RangeError);
  expect(at((await ask(2, 3, 2)).values, 3)).toBe(0);
  await model.dispose();
});

test('heads that are switched off bring nothing', async () => {
  const model = await openLanguageModel(folder(`${FIXTURES}/llama`), await wasm());
  const { layers, heads } = model.info;
  const off = Array.from({ length: heads }, (_, head) => ({ kind: 'head', layer: 0, head, action: 'zero' }) as const);
  const trace = await model.run(runOf(Int32Array.of(5, 6, 7, 8), off));
  const { values } = await attribute(model, trace, { kind: 'logit', position: 3, token: 3 }, 'value-weighted', UNWATCHED);
  expect(values.reduce((sum, value) => sum + value, 0)).toBeCloseTo((layers - 1) / layers, 5);
  await model.dispose();
});

describe('ALTI-Logit', () => {
  const ids = Int32Array.of(5, 6, 7, 8);
  const target = { kind: 'logit', position: 3, token: 3 } as const;
  /** Values of a text by a changed model of two layers, and [2][T], what all heads of each layer say by the token that they read. */
  const said = async (recipe: Recipe) => {
    const model = await openLanguageModel(folder(`${FIXTURES}/llama`), await wasm());
    const trace = await model.run(runOf(ids, recipe));
    const { values } = await attribute(model, trace, target, 'alti-logit', UNWATCHED);
    const { layers } = await model.direct(trace, target);
    await model.dispose();
    const read = layers.map(({ heads, sources: { data } }) =>
      Array.from(ids, (_, token) => heads.reduce((sum, __, head) => sum + at(data, head * ids.length + token), 0)),
    );
    expect(read).toHaveLength(2);
    return { values, read };
  };

  test('takes nothing elsewhere where no head brings anything', async () => {
    const off = Array.from({ length: 4 }, (_, head) => ({ kind: 'head', layer: 0, head, action: 'zero' }) as const);
    const { values, read } = await said(off);
    for (const [token, value] of values.entries()) expect(Math.abs(value - at(read[1] ?? [], token))).toBeLessThan(1e-5);
  });

  test('has no token for what a recipe puts into the residual', async () => {
    const { values, read } = await said([
      { kind: 'residual', layer: 1, token: 2, action: 'set', values: Array.from({ length: 64 }, (_, i) => Math.sin(i)) },
    ]);
    const rest = read.flat().reduce((sum, value) => sum + value, 0) - at(read[1] ?? [], 2);
    expect(Math.abs(values.reduce((sum, value) => sum + value, 0) - rest)).toBeLessThan(1e-5);
  });

  test.each(['bloom.1', 'gpt_oss.1'])('is the same in pieces, for %s', async (name) => {
    const found: Float32Array[] = [];
    for (const cut of [undefined, smallPieces]) {
      const { model, ids: text } = await openCase(name, await wasm(), cut);
      const trace = await model.run(runOf(text, UNCHANGED));
      found.push((await attribute(model, trace, { ...target, position: text.length - 1 }, 'alti-logit', UNWATCHED)).values);
      await model.dispose();
    }
    const [whole = new Float32Array(0), pieces = new Float32Array(0)] = found;
    expectClose(tensor([pieces.length], pieces), tensor([whole.length], whole), name, TOLERANCE);
  });
});

test.each(ATTRIBUTION_METHODS)('%s stops where it is cancelled', async (method) => {
  const model = await openLanguageModel(folder(`${FIXTURES}/llama`), await wasm());
  const trace = await model.run(runOf(Int32Array.of(5, 6, 7, 8), UNCHANGED));
  let told = 0;
  const progress = async ({ done, total }: { readonly done: number; readonly total: number }): Promise<void> => {
    expect(done).toBeLessThanOrEqual(total);
    if (++told > 1) throw new CancelledError();
  };
  const target = { kind: 'logit', position: 3, token: 3 } as const;
  await expect(attribute(model, trace, target, method, { ...UNWATCHED, progress })).rejects.toThrow(CancelledError);
  expect(told).toBe(2);
  // Before it tells anything more, in the middle of a pass of its own.
  const checkpoint = (): Promise<void> => Promise.reject(new CancelledError());
  if (['integrated-gradients', 'hidden', 'replaced', 'removed', 'alti-logit'].includes(method))
    await expect(attribute(model, trace, target, method, { ...UNWATCHED, checkpoint })).rejects.toThrow(CancelledError);
  await model.dispose();
});
