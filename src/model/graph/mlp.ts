import type { Activation } from '../../core/activationFunctions.ts';
import type { DenseMlp, Mlp, Weight, Xielu } from '../families/spec.ts';
import { project, rowMean } from './norm.ts';
import type { OnnxGraph } from './onnx.ts';

/** Neurons of a layer's MLP: 0 where it has none; null: it has experts, each with its own. */
export function neuronsOf(mlp: Mlp): number | null {
  if (mlp.kind === 'experts') return null;
  if (mlp.kind === 'none') return 0;
  const { weight, layout } = mlp.down;
  return weight.shape[layout === 'in-out' ? 0 : 1] ?? null;
}

/**
 * Output of an MLP [T, D] for x [T, D], normed. Named values begin with `owner`, such as "expert.0.". `factors` [1, 1 or neurons], of its
 * neurons; null: none.
 */
export function runMlp(graph: OnnxGraph, x: string, mlp: DenseMlp, factors: string | null, owner = ''): string {
  const name = (of: string, value: string): string => graph.name(owner + of, value);
  const close = (neurons: string): string => {
    const hidden = name('hidden', neurons);
    const kept = factors === null ? hidden : name('hiddenScaled', graph.op('Mul', [hidden, factors]));
    return name('mlpOutput', project(graph, kept, mlp.down));
  };
  switch (mlp.kind) {
    case 'plain':
      return close(ACTIVATIONS[mlp.activation](graph, name('up', project(graph, x, mlp.up))));
    case 'xielu':
      return close(xieluOf(graph, name('up', project(graph, x, mlp.up)), mlp.xielu));
    case 'gated': {
      const own = name('gate', project(graph, x, mlp.gate));
      const kept = mlp.deviations === undefined ? own : name('gateSparse', farAbove(graph, own, neuronsOf(mlp) ?? 1, mlp.deviations));
      const gate = name('activated', ACTIVATIONS[mlp.activation](graph, kept));
      return close(graph.op('Mul', [gate, name('up', project(graph, x, mlp.up))]));
    }
    case 'gatedFused': {
      const [gate = '', up = ''] = graph.ops('Split', [project(graph, x, mlp.gateUp)], 2, { axis: { int: -1 }, num_outputs: { int: 2 } });
      return close(graph.op('Mul', [name('activated', ACTIVATIONS[mlp.activation](graph, name('gate', gate))), name('up', up)]));
    }
    default: {
      mlp.kind satisfies 'clamped';
      const both = project(graph, x, mlp.gateUp);
      const every2nd = (first: number): string =>
        graph.op('Slice', [both, graph.ints(first), graph.ints(2 ** 31 - 1), graph.ints(-1), graph.ints(2)]);
      const clamped = graph.op('Min', [name('gate', every2nd(0)), graph.float(mlp.limit)]);
      const gate = name('activated', graph.contrib('QuickGelu', [clamped], { alpha: { float: 1.702 } }));
      const up = graph.op('Clip', [name('up', every2nd(1)), graph.float(-mlp.limit), graph.float(mlp.limit)]);
      return close(graph.op('Mul', [graph.op('Add', [up, graph.float(1)]), gate]));
    }
  }
}

/** An activation of each number of x by itself. */
export function activateIn(graph: OnnxGraph, x: string, activation: Activation): string {
  return ACTIVATIONS[activation](graph, x);
}

type Elementwise = (graph: OnnxGraph, x: string) => string;

/** Activation functions, each as in transformers' `activations.py`. */
const ACTIVATIONS: Readonly<Record<Activation, Elementwise>> = {
  gelu: (graph, x) => graph.contrib('Gelu', [x]),
  geluClipped: (graph, x) => graph.op('Clip', [graph.contrib('Gelu', [x]), graph.float(-10), graph.float(10)]),
  geluQuick: (graph, x) => graph.contrib('QuickGelu', [x], { alpha: { float: 1.702 } }),
  geluTanh: (graph, x) => graph.contrib('FastGelu', [x]),
  hardSwish: (graph, x) => graph.op('Mul', [x, graph.op('HardSigmoid', [x], { alpha: { float: 1 / 6 }, beta: { float: 0.5 } })]),
  laplace,
  leakyRelu: (graph, x) => graph.op('LeakyRelu', [x], { alpha: { float: 0.01 } }),
  linear: (_, x) => x,
  mish: (graph, x) => graph.op('Mul', [x, graph.op('Tanh', [graph.op('Softplus', [x])])]),
  relu: (graph, x) => graph.op('Relu', [x]),
  relu2,
  relu6: (graph, x) => graph.op('Clip', [x, graph.float(0), graph.float(6)]),
  sigmoid: (graph, x) => graph.op('Sigmoid', [x]),
  silu: (graph, x) => graph.contrib('QuickGelu', [x], { alpha: { float: 1 } }),
  sqrtSoftplus: (graph, x) => graph.op('Sqrt', [graph.op('Softplus', [x])]),
  tanh: (graph, x) => graph.op('Tanh', [x]),
};

/** 0.5 (1 + erf((x - mu) / (sigma sqrt 2))) with mu = sqrt(1 / 2) and sigma = sqrt(1 / (4 pi)): Ma et al. 2022, equation 16. */
function laplace(graph: OnnxGraph, x: string): string {
  const scaled = graph.op('Div', [graph.op('Sub', [x, graph.float(Math.SQRT1_2)]), graph.float(Math.sqrt(0.5 / Math.PI))]);
  return graph.op('Mul', [graph.op('Add', [graph.op('Erf', [scaled]), graph.float(1)]), graph.float(0.5)]);
}

/** Of each number of x [T, count] what is above its row's mean by more than so many standard deviations; 0 of those below. */
function farAbove(graph: OnnxGraph, x: string, count: number, deviations: number): string {
  const centred = graph.op('Sub', [x, rowMean(graph, x, count)]);
  const deviation = graph.op('Sqrt', [rowMean(graph, graph.op('Mul', [centred, centred]), count)]);
  return graph.op('Relu', [graph.op('Sub', [centred, graph.op('Mul', [deviation, graph.float(deviations)])])]);
}

/** xIELU of each number of x. */
function xieluOf(graph: OnnxGraph, x: string, { alphaP, alphaN, beta, epsilon }: Xielu): string {
  const number = (weight: Weight): string => graph.narrow(graph.weight(weight));
  const straight = graph.op('Mul', [x, number(beta)]);
  const rising = graph.narrow(graph.op('Softplus', [number(alphaP)]));
  const falling = graph.narrow(graph.op('Add', [number(beta), graph.op('Softplus', [number(alphaN)])]));
  const above = graph.op('Mul', [graph.op('Mul', [x, x]), rising]);
  const grown = graph.op('Sub', [graph.op('Exp', [graph.op('Min', [x, number(epsilon)])]), graph.float(1)]);
  const below = graph.op('Mul', [graph.op('Sub', [grown, x]), falling]);
  const bent = graph.op('Where', [graph.op('Greater', [x, graph.float(0)]), above, below]);
  return graph.op('Add', [bent, straight]);
}

function relu2(graph: OnnxGraph, x: string): string {
  const positive = graph.op('Relu', [x]);
  return graph.op('Mul', [positive, positive]);
}
