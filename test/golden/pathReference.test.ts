import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { readFileSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stageOf, type StageName } from '../../src/core/forwardPath.ts';
import { at } from '../../src/core/tensor.ts';
import { openLanguageModel, type LanguageModel } from '../../src/model/languageModel.ts';
import type { Trace } from '../../src/model/run/forwardTrace.ts';
import { expectNearShare, nonEmpty } from '../closeness.ts';
import { folder } from '../unit/model/folder.ts';
import { FIXTURES, wasm } from './compare.ts';
import { openGolden } from './oracle.ts';

/** Share of the largest number that one may be off. */
const TOLERANCE = 2e-5;
const TURN = /turn\.byDistance$/;
const OF_QUERY_HEAD = new Set(['query', 'queryNormed']);
const OF_KEY_HEAD = new Set(['key', 'keyNormed', 'value']);

/** What PyTorch said about a case: of the vectors of one token, of the turning of queries and keys, or of both. */
const CASES = readdirSync(`${FIXTURES}/paths`).map((file) => {
  const bytes = readFileSync(`${FIXTURES}/paths/${file}`);
  const header = bytes.toString('utf8', 8, 8 + Number(bytes.readBigUInt64LE(0)));
  const names = Object.keys(JSON.parse(header) as Record<string, unknown>);
  return { name: file.replace('.safetensors', ''), vectors: names.includes('token'), turns: names.some((tensor) => TURN.test(tensor)) };
});

test('there are vectors and turns to compare, and no case without either', () => {
  expect(CASES.filter(({ vectors }) => vectors).length).toBeGreaterThan(5);
  expect(CASES.filter(({ turns }) => turns).length).toBeGreaterThan(5);
  expect(CASES.filter(({ vectors, turns }) => !vectors && !turns)).toEqual([]);
});

describe.each(CASES)('inside the layers of $name', ({ name, vectors, turns }) => {
  const path = ['llama', 'gpt2', 'llama_yarn', 'llama3_rope', 'llama_linear_rope'].includes(name)
    ? `${FIXTURES}/${name}`
    : `${FIXTURES}/families/${name}`;
  let model: LanguageModel;
  let trace: Trace;
  let expected: Awaited<ReturnType<typeof openGolden>>;
  beforeAll(async () => {
    model = await openLanguageModel(folder(path), await wasm());
    trace = await model.run(runOf(await (await openGolden(folder(path), 'golden.safetensors')).ids(), UNCHANGED));
    expected = await openGolden(folder(`${FIXTURES}/paths`), `${name}.safetensors`);
  });
  afterAll(() => model?.dispose());
  const near = (found: ArrayLike<number>, wanted: ArrayLike<number>, what: string): number =>
    expectNearShare(found, wanted, TOLERANCE, what);

  const ofOneToken = (): readonly string[] => expected.names.filter((tensor) => /^\d+\.[a-zA-Z]+$/.test(tensor));
  if (!vectors) test('no vector stands without its token', () => expect(ofOneToken()).toEqual([]));
  else
    test('every vector of a token is the one PyTorch’s modules see', async () => {
      const seen = nonEmpty(ofOneToken(), 'vector');
      const token = trace.run.ids.length - 3;
      for (const tensor of seen) {
        const [layer = '', stage = ''] = tensor.split('.');
        const { data } = await expected.floats(tensor);
        for (const head of [0, model.info.heads - 1]) {
          const { stages, kvHead } = await model.forwardPath(trace, { token, layer: Number(layer), head, expert: 0 });
          const { values } = stageOf(stages, stage as StageName);
          const owner = OF_QUERY_HEAD.has(stage) ? head : OF_KEY_HEAD.has(stage) ? kvHead : 0;
          if (!OF_QUERY_HEAD.has(stage) && !OF_KEY_HEAD.has(stage)) expect(values.length, tensor).toBe(data.length);
          near(values, data.subarray(owner * values.length, (owner + 1) * values.length), tensor);
        }
      }
      const { stages } = await model.forwardPath(trace, { token, layer: 0, head: 0, expert: 0 });
      near(stageOf(stages, 'lnFinalOut').values, (await expected.floats('lnFinalOut')).data, 'lnFinalOut');
    });

  if (turns)
    test('the rotated query and key score as by transformers’ own rotation at every distance', async () => {
      for (const tensor of expected.names.filter((one) => TURN.test(one))) {
        const layer = Number(tensor.split('.')[0]);
        const { data, dims } = await expected.floats(tensor);
        const [heads = 0, distances = 0] = dims;
        const [query, key] = [trace.run.ids.length - 1, 3];
        expect(heads).toBe(model.info.heads);
        for (let head = 0; head < heads; head++) {
          const view = await model.positions(trace, { layer, head, query, key });
          if (view.kind !== 'rotary') throw new Error(`Layer ${layer} rotates nothing.`);
          const inPair = new Set(view.pairs);
          const still = view.q.reduce((sum, value, i) => sum + (inPair.has(i) ? 0 : value * at(view.k, i)), 0);
          // What transformers turns may hold numbers that stay as they are: they are part of both sides.
          const kept = at(view.byDistance, 0) - at(data, head * distances);
          expect(Math.min(Math.abs(kept), Math.abs(kept - still))).toBeLessThan(1e-4);
          const constant = Math.abs(kept) < Math.abs(kept - still) ? 0 : still;
          near(
            view.byDistance.slice(0, distances).map((value) => value - constant),
            data.subarray(head * distances, (head + 1) * distances),
            `${tensor} ${head}`,
          );
          expect(at(view.byDistance, query - key)).toBeCloseTo(view.dotAfter, 3);
          const k = trace.k[layer];
          const q = trace.q[layer];
          const width = model.info.headDim;
          const row = (t: typeof q, owner: number, token: number): Float32Array =>
            t?.data.subarray((owner * trace.run.ids.length + token) * width, (owner * trace.run.ids.length + token + 1) * width) ??
            new Float32Array();
          expect(view.dotAfter).toBeCloseTo(
            row(q, head, query).reduce((sum, value, i) => sum + value * at(row(k, view.kvHead, key), i), 0),
            3,
          );
        }
      }
    });
});

describe('positions of other kinds', () => {
  const viewOf = async (name: string, request = { layer: 0, head: 1, query: 9, key: 2 }) => {
    const model = await openLanguageModel(folder(`${FIXTURES}/${name}`), await wasm());
    const trace = await model.run(runOf(await (await openGolden(folder(`${FIXTURES}/${name}`), 'golden.safetensors')).ids(), UNCHANGED));
    const steps = await model.scoreSteps(request.layer, request.head, request.query, trace.run.ids.length);
    const view = await model.positions(trace, request);
    await model.dispose();
    return { view, steps, info: model.info, trace };
  };

  test('a learned table is shown as stored, with the cosines of its rows', async () => {
    for (const name of ['gpt2', 'families/opt.1']) {
      const { view, info } = await viewOf(name);
      if (view.kind !== 'learned') throw new Error(view.kind);
      const { table } = view;
      expect([table.count, table.dim]).toEqual([info.contextLength, info.dim]);
      const n = table.positions.length;
      for (let i = 0; i < n; i++) expect(at(table.cosine, i * n + i)).toBeCloseTo(1, 5);
      const [a, b] = [3, 7].map((row) => table.values.subarray(row * table.dim, (row + 1) * table.dim));
      const dotOf = (x: ArrayLike<number>, y: ArrayLike<number>): number =>
        Array.from(x).reduce((sum, value, i) => sum + value * at(y, i), 0);
      expect(at(table.cosine, 3 * n + 7)).toBeCloseTo(
        dotOf(a ?? [], b ?? []) / Math.sqrt(dotOf(a ?? [], a ?? []) * dotOf(b ?? [], b ?? [])),
        5,
      );
    }
  });

  test('ALiBi is what the scores get, less that of the query’s own token', async () => {
    for (const name of ['families/bloom.1', 'families/mpt.1', 'families/falcon.3']) {
      const { view, steps, trace } = await viewOf(name);
      if (view.kind !== 'alibi' || steps.bias === null) throw new Error(view.kind);
      for (let key = 0; key <= 9; key++)
        expect(at(view.bias, trace.run.ids.length + key)).toBeCloseTo(at(steps.bias, key) - at(steps.bias, 9), 5);
    }
  });

  test('layers without rope, models without positions and sinusoids say so', async () => {
    const smol = await viewOf('families/smollm3.1');
    const bare = smol.info.traits?.layers.findIndex(({ ropeTheta }) => ropeTheta === null) ?? -1;
    expect((await viewOf('families/smollm3.1', { layer: bare, head: 0, query: 5, key: 1 })).view).toEqual({
      kind: 'notRotated',
      layer: bare,
    });
    expect((await viewOf('families/xglm.1')).view.kind).toBe('sinusoidal');
  });
});
