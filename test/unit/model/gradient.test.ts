import { runOf, UNCHANGED } from '../../../src/core/run.ts';
import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { at, dot } from '../../../src/core/tensor.ts';
import { addGradients } from '../../../src/model/graph/gradient.ts';
import { DATA_TYPE, OnnxGraph } from '../../../src/model/graph/onnx.ts';
import { openLanguageModel } from '../../../src/model/languageModel.ts';
import { wasmRuntime, type Runtime } from '../../../src/model/run/runtime.ts';
import { filesOf, folder } from './folder.ts';

const DIMS = [2, 3, 4];
const SIZE = 24;
/** Away from the bends at -3, -1, 0, 1, 3 and 5, and from ties. */
const X = Float32Array.from({ length: SIZE }, (_, i) => ((i * 7) % SIZE) * 0.61 - 6.83);
const SEED = Float32Array.from({ length: SIZE }, (_, i) => Math.cos(i * 1.7));
const STEP = 1 / 64;

type Build = (graph: OnnxGraph, x: string) => string;

const last = { axis: { int: -1 } };
const OPERATORS: Readonly<Record<string, Build>> = {
  Gelu: (graph, x) => graph.contrib('Gelu', [x]),
  FastGelu: (graph, x) => graph.contrib('FastGelu', [x]),
  QuickGelu: (graph, x) => graph.contrib('QuickGelu', [x], { alpha: { float: 1.702 } }),
  SiLU: (graph, x) => graph.contrib('QuickGelu', [x], { alpha: { float: 1 } }),
  Tanh: (graph, x) => graph.op('Tanh', [x]),
  Sigmoid: (graph, x) => graph.op('Sigmoid', [x]),
  Softplus: (graph, x) => graph.op('Softplus', [x]),
  'Sqrt of Softplus': (graph, x) => graph.op('Sqrt', [graph.op('Softplus', [x])]),
  Erf: (graph, x) => graph.op('Erf', [x]),
  LeakyRelu: (graph, x) => graph.op('LeakyRelu', [x], { alpha: { float: 0.01 } }),
  HardSigmoid: (graph, x) => graph.op('HardSigmoid', [x], { alpha: { float: 1 / 6 }, beta: { float: 0.5 } }),
  'Mul by HardSigmoid': (graph, x) => graph.op('Mul', [x, graph.op('HardSigmoid', [x], { alpha: { float: 1 / 6 }, beta: { float: 0.5 } })]),
  'Relu squared': (graph, x) => {
    const positive = graph.op('Relu', [x]);
    return graph.op('Mul', [positive, positive]);
  },
  Clip: (graph, x) => graph.op('Clip', [x, graph.float(-1), graph.float(5)]),
  Min: (graph, x) => graph.op('Min', [x, graph.float(1)]),
  Softmax: (graph, x) => graph.op('Softmax', [x], last),
  SimplifiedLayerNormalization: (graph, x) =>
    graph.op('SimplifiedLayerNormalization', [x, graph.floats(1, -2, 0.5, 3)], { ...last, epsilon: { float: 0.25 } }),
  LayerNormalization: (graph, x) =>
    graph.op('LayerNormalization', [x, graph.floats(1, -2, 0.5, 3), graph.floats(1, 2, 3, 4)], { ...last, epsilon: { float: 0.25 } }),
  'Div by a sum': (graph, x) => {
    const positive = graph.op('Softplus', [x]);
    return graph.op('Div', [positive, graph.op('ReduceSum', [positive, graph.ints(-1)])]);
  },
  'Sub of a sum without its axis': (graph, x) => {
    const sum = graph.op('ReduceSum', [x, graph.ints(-1)], { keepdims: { int: 0 } });
    return graph.op('Sub', [x, graph.op('Reshape', [sum, graph.ints(2, 3, 1)])]);
  },
  'MatMul with itself turned': (graph, x) =>
    graph.op('MatMul', [graph.contrib('FusedMatMul', [x, x], { transB: { int: 1 } }), graph.op('Tanh', [x])]),
  'Transpose, Split, Concat': (graph, x) => {
    const turned = graph.op('Transpose', [x], { perm: { ints: [2, 0, 1] } });
    const [first = '', , third = ''] = graph.ops('Split', [turned, graph.ints(1, 1, 2)], 3, { axis: { int: 0 } });
    const joined = graph.op('Concat', [third, third, first], { axis: { int: 0 } });
    const cut = graph.op('Concat', [graph.op('Mul', [first, first]), graph.op('Reshape', [third, graph.ints(2, 2, 3)])], {
      axis: { int: 0 },
    });
    return graph.op('Sum', [
      graph.op('Reshape', [graph.ops('Split', [joined, graph.ints(4, 1)], 2, { axis: { int: 0 } })[0] ?? '', graph.ints(...DIMS)]),
      graph.op('Mul', [x, graph.op('Reshape', [graph.op('Concat', [cut, first], { axis: { int: 0 } }), graph.ints(...DIMS)])]),
    ]);
  },
  Gather: (graph, x) => graph.op('Gather', [graph.op('Mul', [x, x]), graph.ints(2, 3, 1, 0)], last),
  'Slice of every second': (graph, x) => {
    const every2nd = (first: number): string =>
      graph.op('Slice', [x, graph.ints(first), graph.ints(2 ** 31 - 1), graph.ints(-1), graph.ints(2)]);
    return graph.op('Concat', [graph.op('Mul', [every2nd(0), every2nd(1)]), every2nd(1)], last);
  },
  'Expand of one': (graph, x) => {
    const [one = ''] = graph.ops('Split', [x, graph.ints(1, 1)], 2, { axis: { int: 0 } });
    return graph.op('Expand', [one, graph.ints(...DIMS)]);
  },
  'TopK, spread and picked': (graph, x) => {
    const [best = '', ids = ''] = graph.ops('TopK', [x, graph.ints(2)], 2, last);
    const zeros = graph.op('Expand', [graph.float(0), graph.ints(...DIMS)]);
    const picked = graph.op('GatherElements', [graph.op('Tanh', [x]), ids], last);
    return graph.op('ScatterElements', [zeros, ids, graph.op('Mul', [best, picked])], last);
  },
};

describe('the rule of each operator', () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = wasmRuntime({ wasmBinary: await readFile('node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm'), threads: 1 });
  });

  test.each(Object.entries(OPERATORS))('%s: the gradient is what a small step changes', async (_, build) => {
    const graph = new OnnxGraph();
    const x = graph.input('x', DATA_TYPE.float32, DIMS);
    const seed = graph.input('seed', DATA_TYPE.float32, DIMS);
    const y = build(graph, x);
    const gradient = addGradients(graph, new Map([[y, seed]]), [x]).get(x) ?? '';
    graph.output('y', y, DATA_TYPE.float32, null);
    graph.output('gradient', graph.op('Identity', [gradient]), DATA_TYPE.float32, null);
    const session = await runtime.openSession(graph, filesOf({}));
    const run = (data: Float32Array) => session.run({ x: { dims: DIMS, data }, seed: { dims: DIMS, data: SEED } }, ['y', 'gradient']);
    const found = (await run(X)).gradient;
    expect(found).toHaveLength(SIZE);
    const slopes: number[] = [];
    for (let i = 0; i < SIZE; i++) {
      const moved = async (by: number): Promise<number> =>
        dot((await run(X.map((value, place) => (place === i ? value + by : value)))).y, SEED);
      // Four points: the error is of the fourth power of the step.
      slopes.push(((await moved(-2 * STEP)) - (await moved(2 * STEP)) + 8 * ((await moved(STEP)) - (await moved(-STEP)))) / (12 * STEP));
    }
    await session.release();
    const largest = Math.max(1, ...slopes.map(Math.abs));
    for (const [i, slope] of slopes.entries()) expect(Math.abs(slope - at(found, i)) / largest).toBeLessThan(1e-3);
  });
});

test('an operator without a rule is refused by its name', () => {
  const graph = new OnnxGraph();
  const x = graph.input('x', DATA_TYPE.float32, DIMS);
  expect(() => addGradients(graph, new Map([[graph.op('Round', [x]), 'seed']]), [x])).toThrow(
    'The operator Round has no rule for its gradient.',
  );
});

describe('a model', () => {
  const open = async () =>
    openLanguageModel(
      folder('test/fixtures/models/llama'),
      wasmRuntime({ wasmBinary: await readFile('node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm'), threads: 1 }),
    );

  test('says how far a gradient has come, and stops where its listener throws', async () => {
    const model = await open();
    const trace = await model.run(runOf(Int32Array.of(1, 2, 3), UNCHANGED));
    const target = { kind: 'logit', position: 1, token: 4 } as const;
    const seen: number[] = [];
    const whole = await model.gradient(trace, target, ({ done, total }) => seen.push(done / total));
    expect(seen).toEqual([0, 1 / 3, 2 / 3, 1]);
    expect(whole.inside.every((names) => names.size === 0)).toBe(true);
    const stopped = model.gradient(trace, target, ({ done }) => {
      if (done === 1) throw new Error('stopped');
    });
    await expect(stopped).rejects.toThrow('stopped');
    // What comes after the target does not change it.
    for (const { data } of whole.resid) expect(data.slice(2 * model.info.dim).every((number) => number === 0)).toBe(true);
    expect(await model.gradient(trace, target)).toEqual(whole);
    await model.dispose();
  });

  test('gives no gradient of a value under a shape that is not its own', async () => {
    const model = await open();
    const trace = await model.run(runOf(Int32Array.of(1, 2, 3), UNCHANGED));
    const { inside } = await model.gradient(trace, { kind: 'logit', position: 1, token: 4 }, undefined, () => true);
    const shapes = [...(inside[0] ?? [])].map(([name, { dims }]) => [name, ...dims]);
    const { heads, dim } = model.info;
    expect(shapes).toContainEqual(['weights', heads, 3, 3]);
    expect(shapes).toContainEqual(['mlpOutput', 3, dim]);
    // Rotated queries and scores are of every head: their rows are no tokens.
    expect(shapes.flatMap(([name]) => (/query|key|value|score/i.test(String(name)) ? [name] : []))).toEqual([]);
    await model.dispose();
  });

  test('refuses a target that it does not have', async () => {
    const model = await open();
    const trace = await model.run(runOf(Int32Array.of(1, 2, 3), UNCHANGED));
    await expect(model.gradient(trace, { kind: 'logit', position: 0, token: 300 })).rejects.toThrow(
      "Token 300 is outside the model's vocabulary of 300.",
    );
    await expect(model.gradient(trace, { kind: 'logit', position: 0, token: 1, rival: -1 })).rejects.toThrow('Token -1 is outside');
    await expect(model.gradient(trace, { kind: 'logprob', position: 3, token: 1 })).rejects.toThrow('Position 3 is outside a text of 3');
    await model.dispose();
  });
});
