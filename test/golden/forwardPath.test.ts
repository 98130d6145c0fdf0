import { runOf, UNCHANGED, type Recipe } from '../../src/core/run.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { activate, xielu } from '../../src/core/activationFunctions.ts';
import { headResult, stageOf, type ForwardPath, type Making, type Stage, type WeightedSum } from '../../src/core/forwardPath.ts';
import { at, row } from '../../src/core/tensor.ts';
import type { PathRequest } from '../../src/model/path/pathCalls.ts';
import { openLanguageModel, type LanguageModel } from '../../src/model/languageModel.ts';
import type { Trace } from '../../src/model/run/forwardTrace.ts';
import { expectNearShare, nonEmpty } from '../closeness.ts';
import { folder } from '../unit/model/folder.ts';
import { caseFolder, FIXTURES, wasm } from './compare.ts';
import { openGolden } from './oracle.ts';

/** Every way a model may take: norms, projections, positions, scores, MLPs, experts and wiring. */
const CASES = [
  'llama',
  'gpt2',
  'llama_yarn',
  'qwen2.1',
  'qwen3.1',
  'gemma2.3',
  'gemma3_text.1',
  'falcon.1',
  'falcon.2',
  'falcon.3',
  'phi.1',
  'phi.3',
  'phi3.1',
  'mixtral.1',
  'qwen2_moe.1',
  'qwen3_moe.1',
  'gpt_oss.1',
  'deepseek_v2.1',
  'deepseek_v2.2',
  'deepseek_v3.1',
  'deepseek_v3.2',
  'bloom.1',
  'opt.1',
  'opt.3',
  'opt.4',
  'xglm.1',
  'gptj.1',
  'gpt_neox.1',
  'codegen.1',
  'gpt_bigcode.1',
  'gpt_bigcode.2',
  'mpt.3',
  'cohere.1',
  'cohere.2',
  'cohere2.1',
  'olmo2.1',
  'olmoe.1',
  'olmo.2',
  'hunyuan_v1_dense.1',
  'stablelm.2',
  'granite.1',
  'granitemoeshared.1',
  'ernie4_5_moe.3',
  'gemma3n_text.1',
  'gemma3n_text.2',
  'gemma3n_text.3',
  'gemma4_text.1',
  'gemma4_text.2',
  'llama4_text.1',
  'phimoe.1',
  'apertus.1',
  'ministral3.1',
  'nanochat.1',
  'glm4_moe.1',
  'smollm3.1',
  'nemotron.1',
  'exaone4.1',
  'starcoder2.1',
  'gpt_neo.1',
  'afmoe.1',
  'mistral4.1',
  'mimo_v2_flash.1',
] as const;
/** Share of the stage's largest number that float32 may be off, given its own inputs. */
const TOLERANCE = 2e-5;

/** Every layer's path of some token is made of numbers that follow from the ones before them, and meets the residual behind the layer. */
async function expectPaths(model: LanguageModel, trace: Trace): Promise<void> {
  const { layers, heads } = model.info;
  for (let layer = 0; layer < layers; layer++) {
    const request = {
      token: trace.run.ids.length - 2 - ((5 * layer) % (trace.run.ids.length - 2)),
      layer,
      head: (heads * layers - 1 - layer) % heads,
      expert: layer,
    };
    const found = await model.forwardPath(trace, request);
    const names = nonEmpty(found.stages, 'stage').map((stage) => stage.name);
    expect(new Set(names).size).toBe(names.length);
    for (const stage of found.stages) await expectMade(model, trace, request, found, stage);
    const behind = found.stages.findIndex(({ name }) => name === 'lengths');
    near(found.stages[behind - 1]?.values ?? new Float32Array(), residual(trace, layer + 1, request.token), 'output');
  }
}

test.each([
  'lfm2.1',
  'lfm2.2',
  'qwen3_5_text.1',
  'qwen3_5_text.2',
  'qwen3_next.1',
  'granitemoehybrid.1',
  'granitemoehybrid.2',
  'falcon_h1.1',
  'falcon_h1.2',
  'falcon_h1.3',
  'nemotron_h.1',
  'nemotron_h.2',
])('the way of a token through %s, whose layers carry the text in states, leads through all that they do', async (name) => {
  const files = folder(caseFolder(name));
  const model = await openLanguageModel(files, await wasm());
  const trace = await model.run(runOf(await (await openGolden(files, 'golden.safetensors')).ids(), UNCHANGED));
  await expectPaths(model, trace);
  for (const [layer, { recurrence, beside, withoutMlp }] of (model.info.traits?.layers ?? []).entries()) {
    const { stages } = await model.forwardPath(trace, { token: 5, layer, head: 0, expert: 0 });
    const names = new Set(stages.map((stage) => stage.name));
    const keeps = (recurrence ?? beside) !== undefined && recurrence?.kind !== 'mlpAlone';
    expect([names.has('recurred'), names.has('z'), names.has('mlpAdded')]).toEqual([keeps, recurrence === undefined, withoutMlp !== true]);
    const kind = recurrence?.kind ?? beside?.kind;
    if (kind === undefined || kind === 'mlpAlone') continue;
    const steps = new Set(stages.map((stage) => stage.step));
    const all = ['convolution', 'strength', 'decay', 'stateUpdate', 'stateRead', 'readGate', 'recurrence'] as const;
    expect(all.filter((step) => !steps.has(step))).toEqual(
      { shortConvolution: ['strength', 'decay', 'stateUpdate', 'stateRead'], mamba: ['strength'], deltaNet: [] }[kind],
    );
    await expectCarried(model, trace, layer, kind);
  }
  await model.dispose();
});

/** What a layer keeps before a token is what it kept behind the one before, in every head, and nothing before the first. */
async function expectCarried(
  model: LanguageModel,
  trace: Trace,
  layer: number,
  kind: 'shortConvolution' | 'mamba' | 'deltaNet',
): Promise<void> {
  for (const head of [0, model.info.heads - 1]) {
    let [behind, before]: [Float32Array | null, Float32Array | null] = [null, null];
    for (let token = 0; token < 5; token++) {
      const { stages } = await model.forwardPath(trace, { token, layer, head, expert: 0 });
      const { made, values } = stageOf(stages, 'stateValueConvolved');
      if (made.kind !== 'convolved') throw new Error('A convolution makes it.');
      const width = values.length;
      const last = made.window.subarray(made.window.length - 2 * width, made.window.length - width);
      near(last, before ?? new Float32Array(width), 'the token before');
      before = stageOf(stages, made.of).values;
      if (kind === 'shortConvolution') continue;
      const given = stageOf(stages, 'stateBefore').values;
      if (behind === null) expect(given.every((number) => number === 0)).toBe(true);
      else near(given, behind, 'the state');
      behind = stageOf(stages, 'stateBehind').values;
    }
  }
}

describe.each(CASES)('the way of a token through %s', (name) => {
  const path = ['llama', 'gpt2', 'llama_yarn'].includes(name) ? `${FIXTURES}/${name}` : `${FIXTURES}/families/${name}`;
  let model: LanguageModel;
  let trace: Trace;
  beforeAll(async () => {
    model = await openLanguageModel(folder(path), await wasm());
    trace = await model.run(runOf(await (await openGolden(folder(path), 'golden.safetensors')).ids(), UNCHANGED));
  });
  afterAll(() => model?.dispose());

  test('is made of numbers that follow from the ones shown before them', async () => {
    await expectPaths(model, trace);
  });

  test('is made of numbers that follow under a recipe, and meets the residual of that run', async () => {
    const layer = 0;
    const head = model.info.heads - 1;
    const token = trace.run.ids.length - 1;
    const recipe: Recipe = [
      { kind: 'head', layer, head, action: 'zero' },
      { kind: 'mlp', layer, action: 'scale', factor: -0.5 },
      { kind: 'key', key: token - 1, action: 'cut' },
      { kind: 'edge', query: token, key: token - 2, layer, head, action: 'cut' },
    ];
    const run = await model.run(runOf(trace.run.ids, recipe));
    for (const shown of [head, 0]) {
      const request = { token, layer, head: shown, expert: 0 };
      const found = await model.forwardPath(run, request);
      for (const stage of found.stages) await expectMade(model, run, request, found, stage);
      const { values } = stageOf(found.stages, 'weights');
      expect([at(values, token - 1), at(values, token - 2) === 0]).toEqual([0, shown === head]);
      const result = headResult(found.stages);
      const unchanged = found.stages.some(({ name }) => name === 'zGated') ? 'zGated' : 'z';
      expect(result.name).toBe(shown === head ? 'zScaled' : unchanged);
      expect(result.values.every((value) => value === 0)).toBe(shown === head);
      expect(stageOf(found.stages, 'mlpScaled').values.length).toBe(model.info.dim);
      const behind = found.stages.findIndex(({ name: stage }) => stage === 'lengths');
      near(found.stages[behind - 1]?.values ?? new Float32Array(), residual(run, layer + 1, token), 'output');
    }
  });

  test('is made of numbers that follow where a recipe sets, moves and tells', async () => {
    const [layer, token] = [0, trace.run.ids.length - 1];
    const { dim = 0, valueDims = [], neurons = [] } = model.recipeScope;
    const values = (width: number): readonly number[] => Array.from({ length: width }, (_, i) => (i % 5) - 2);
    const recipe: Recipe = [
      { kind: 'pattern', layer, head: 0, action: 'previous' },
      { kind: 'pattern', layer, head: 1, action: 'uniform' },
      { kind: 'head', layer, head: 1, token, action: 'set', values: values(valueDims[layer] ?? 0) },
      { kind: 'mlp', layer, action: 'scale', factor: 2 },
      { kind: 'mlp', layer, action: 'set', values: values(dim) },
      { kind: 'residual', layer: 0, token, action: 'move', values: values(dim) },
      { kind: 'residual', layer: 1, token, action: 'move', values: values(dim) },
      ...(neurons[layer] === null ? [] : [{ kind: 'neuron', layer, neuron: 1, action: 'scale', factor: 3 } as const]),
    ];
    const run = await model.run(runOf(trace.run.ids, recipe));
    for (const head of [0, 1]) {
      const request = { token, layer, head, expert: 0 };
      const found = await model.forwardPath(run, request);
      for (const stage of found.stages) await expectMade(model, run, request, found, stage);
      if (head === 0) expect(at(stageOf(found.stages, 'weights').values, token - 1)).toBe(1);
      near(stageOf(found.stages, 'inputChanged').values, residual(run, 0, token), 'input');
      near(stageOf(found.stages, 'residualChanged').values, residual(run, layer + 1, token), 'output');
    }
  });

  test('begins with the token’s row, and meets the residuals of the run', async () => {
    const { layers } = model.info;
    const token = trace.run.ids.length - 1;
    for (let layer = 0; layer < layers; layer++) {
      const { stages } = await model.forwardPath(trace, { token, layer, head: 0, expert: 0 });
      const before = stages.findIndex(({ name: stage }) => stage === 'input');
      const behind = stages.findIndex(({ name: stage }) => stage === 'lengths');
      expect([...(stages[0]?.values ?? [])]).toEqual([...row(trace.embedding, token)]);
      near(stages[before - 1]?.values ?? new Float32Array(), residual(trace, 0, token), 'embedding');
      near(stages[before]?.values ?? new Float32Array(), residual(trace, layer, token), 'input');
      near(stages[behind - 1]?.values ?? new Float32Array(), residual(trace, layer + 1, token), 'output');
    }
  });

  test('sees no other token at the first one', async () => {
    const { stages } = await model.forwardPath(trace, { token: 0, layer: 0, head: 0, expert: 0 });
    const { values, made } = stageOf(stages, 'weights');
    expect(values.subarray(1).every((weight) => weight === 0)).toBe(true);
    if (made.kind === 'softmax' && made.sink === null) expect(at(values, 0)).toBeCloseTo(1, 6);
    else expect(at(values, 0)).toBeLessThan(1);
    expect(
      stageOf(stages, 'maskedScores')
        .values.subarray(1)
        .every((score) => score === -Infinity),
    ).toBe(true);
  });

  test('ends in the logits and weights of transformers', async () => {
    const golden = await openGolden(folder(path), 'golden.safetensors');
    const token = trace.run.ids.length - 3;
    const logits = row(await golden.floats('logits'), token);
    for (const head of [0, model.info.heads - 1]) {
      const { stages } = await model.forwardPath(trace, { token, layer: model.info.layers - 1, head, expert: 0 });
      const shown = stageOf(stages, 'logits');
      near(
        shown.values,
        Float32Array.from(shown.ids ?? [], (id) => at(logits, id)),
        'logits',
      );
      expect([...(shown.ids ?? [])]).toContain(trace.run.ids[token + 1]);
      const { data } = await golden.floats(`attentions.${model.info.layers - 1}`);
      const start = (head * trace.run.ids.length + token) * trace.run.ids.length;
      near(stageOf(stages, 'weights').values, data.subarray(start, start + trace.run.ids.length), 'weights');
    }
  });
});

function residual(trace: Trace, place: number, token: number): Float32Array {
  const found = trace.resid[place];
  if (found === undefined) throw new Error(`No residual ${place}.`);
  return row(found, token);
}

function near(found: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  expectNearShare(found, expected, TOLERANCE, what);
}

/** Expects every number of the stage to be what its inputs make it, computed here in float64; those made by a matrix at some places. */
async function expectMade(
  model: LanguageModel,
  trace: Trace,
  request: PathRequest,
  path: Omit<ForwardPath, 'pieces'>,
  stage: Stage,
): Promise<void> {
  const { made, values, name } = stage;
  if (isOrigin(made)) return;
  if (made.kind === 'heads') {
    const own = stageOf(path.stages, made.of).values;
    expect(values.length, name).toBe(own.length * made.heads);
    return near(values.subarray(made.head * own.length, (made.head + 1) * own.length), own, name);
  }
  if (made.kind !== 'linear') return near(values, recomputed(path, stage, made), name);
  const largest = values.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-6);
  for (const index of new Set([0, 1, values.length >> 1, values.length - 1])) {
    if (index >= values.length) continue;
    const sum = await model.weightedSum(trace, request, name, index);
    expect(sum.inputs).toEqual(stageOf(path.stages, made.of).values);
    expect(Math.abs(totalOf(sum) - at(values, index)) / largest, `${name} ${index}`).toBeLessThanOrEqual(TOLERANCE);
    expect(sum.bias !== null).toBe(made.bias);
  }
}

function totalOf({ inputs, weights, bias }: WeightedSum): number {
  expect(weights.length).toBe(inputs.length);
  return inputs.reduce((sum, input, i) => sum + input * at(weights, i), bias ?? 0);
}

/** Kinds that say where a number comes from, and not how it is computed. */
const ORIGINS = ['given', 'ofLayer', 'perLayer', 'state', 'shareOfStreams', 'sharedExpert', 'row', 'lengths', 'sinusoid'] as const;
type Origin = Extract<Making, { readonly kind: (typeof ORIGINS)[number] }>;

function isOrigin(made: Making): made is Origin {
  return ORIGINS.some((origin) => origin === made.kind);
}

type Elementwise = Exclude<
  Making,
  {
    readonly kind:
      'given' | 'ofLayer' | 'perLayer' | 'state' | 'shareOfStreams' | 'sharedExpert' | 'row' | 'lengths' | 'sinusoid' | 'heads' | 'linear';
  }
>;

function recomputed(path: Omit<ForwardPath, 'pieces'>, stage: Stage, made: Elementwise): Float64Array {
  const of = stageOf(path.stages, made.of).values;
  const other = (name: Stage['name']): Float32Array => stageOf(path.stages, name).values;
  const n = stage.values.length;
  const each = (compute: (i: number) => number): Float64Array => Float64Array.from({ length: n }, (_, i) => compute(i));
  const rowsTimes = (rows: Float32Array, i: number): number => of.reduce((sum, weight, k) => sum + weight * at(rows, k * n + i), 0);
  switch (made.kind) {
    case 'scaledEach':
      return each((i) => at(of, i) * at(made.factors, i));
    case 'moved':
      return each((i) => made.factor * at(of, i) + at(made.shifts, i));
    case 'scaled':
      return each((i) => at(of, i) * made.factor);
    case 'sum':
      return each((i) => at(of, i) + made.factor * at(other(made.with), i));
    case 'norm': {
      const together = made.whole ?? of.subarray(0, n);
      const mean = made.form === 'rms' ? 0 : together.reduce((sum, value) => sum + value, 0) / together.length;
      const divisor = Math.sqrt(together.reduce((sum, value) => sum + (value - mean) ** 2, 0) / together.length + made.epsilon);
      expect(made.mean).toBeCloseTo(mean, 9);
      expect(made.divisor).toBeCloseTo(divisor, 9);
      const from = made.from ?? 0;
      return each(
        (i) =>
          ((at(together, from + i) - mean) / divisor) * (made.weight === null ? 1 : at(made.weight, i)) +
          (made.bias === null ? 0 : at(made.bias, i)),
      );
    }
    case 'clip':
      return each((i) => Math.max(made.low, Math.min(made.high, at(of, i))));
    case 'rotated':
      return each((i) => at(of, i) * at(made.cos, i) + at(of, at(made.partner, i)) * at(made.sin, i));
    case 'part':
      return each((i) => at(of, made.from + i));
    case 'concatenated':
      return Float64Array.from([...of, ...other(made.with)]);
    case 'dots':
      expect(made.rows.length).toBe(n * of.length);
      return each((k) => of.reduce((sum, value, i) => sum + value * at(made.rows, k * of.length + i), 0));
    case 'capped':
      return each((i) => made.limit * Math.tanh(at(of, i) / made.limit));
    case 'biased':
      return each((i) => at(of, i) + at(made.bias, i));
    case 'masked':
      return each((i) => (i < made.first || i > made.last || made.cut.includes(i) ? -Infinity : at(of, i)));
    case 'softmax': {
      const largest = of.reduce((max, value) => Math.max(max, value), made.sink ?? -Infinity);
      expect(made.max).toBe(largest);
      const terms = of.reduce((sum, value) => sum + Math.exp(value - largest), made.sink === null ? 0 : Math.exp(made.sink - largest));
      if (stage.name === 'probabilities') expect(made.sum).toBeGreaterThanOrEqual(terms - 1e-9);
      else expect(made.sum).toBeCloseTo(terms, 9);
      return each((i) => Math.exp(at(of, i) - made.max) / made.sum);
    }
    case 'softmaxEach':
      return each((i) => Math.exp(at(of, i) - at(made.max, i)) / at(made.sum, i));
    case 'convolved': {
      const size = made.kernel.length / n;
      expect(Array.from(made.window.subarray((size - 1) * n))).toEqual(Array.from(of));
      return each((i) => {
        let sum = made.bias === null ? 0 : at(made.bias, i);
        for (let token = 0; token < size; token++) sum += at(made.kernel, i * size + token) * at(made.window, token * n + i);
        return sum;
      });
    }
    case 'above': {
      const mean = of.reduce((sum, value) => sum + value, 0) / of.length;
      const deviation = Math.sqrt(of.reduce((sum, value) => sum + (value - mean) ** 2, 0) / of.length);
      expect([made.mean, made.deviation]).toEqual([expect.closeTo(mean, 9), expect.closeTo(deviation, 9)]);
      return each((i) => Math.max(0, at(of, i) - mean - made.deviations * deviation));
    }
    case 'unit': {
      const length = Math.sqrt(of.reduce((sum, value) => sum + value ** 2, made.epsilon));
      expect(made.length).toBeCloseTo(length, 9);
      return each((i) => (at(of, i) / length) * made.factor);
    }
    case 'softplus':
      return each((i) => Math.log1p(Math.exp(at(of, i))));
    case 'decay':
      return each((i) => Math.exp(-made.rate * at(of, i)));
    case 'outer': {
      const [left, right] = [other(made.left), other(made.right)];
      return each((i) => at(of, i) + at(left, Math.floor(i / right.length)) * at(right, i % right.length));
    }
    case 'xielu':
      return each((i) => xielu(at(of, i), made));
    case 'weighted':
      return each((i) => rowsTimes(made.rows, i));
    case 'activation':
      return each((i) => activate(made.activation, at(of, i)));
    case 'product':
      return each((i) => at(of, i) * (at(other(made.with), i) + made.plus));
    case 'chosen':
      return each((i) => at(of, at(stage.ids ?? [], i)));
    case 'shares':
      return each((i) => (at(of, i) / made.sum) * made.factor);
    case 'mixture': {
      const gate = made.gate === null ? 1 : at(other(made.gate), 0);
      const sum = (i: number): number => of.reduce((total, _, k) => total + at(made.rows, k * n + i), 0);
      return each(
        (i) => (made.unweighted === true ? sum(i) : rowsTimes(made.rows, i)) + (made.shared === null ? 0 : gate * at(made.shared, i)),
      );
    }
  }
}
