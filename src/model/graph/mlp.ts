import type { Activation } from '../families/activations.ts';
import type { DenseMlp } from '../families/spec.ts';
import { project } from './norm.ts';
import type { OnnxGraph } from './onnx.ts';

/** x [T, D], normed -> what the MLP adds to the residual [T, D]. */
export function runMlp(graph: OnnxGraph, x: string, mlp: DenseMlp): string {
  switch (mlp.kind) {
    case 'plain':
      return project(graph, ACTIVATIONS[mlp.activation](graph, project(graph, x, mlp.up)), mlp.down);
    case 'gated': {
      const gate = ACTIVATIONS[mlp.activation](graph, project(graph, x, mlp.gate));
      return project(graph, graph.op('Mul', [gate, project(graph, x, mlp.up)]), mlp.down);
    }
    case 'gatedFused': {
      const [gate = '', up = ''] = graph.ops('Split', [project(graph, x, mlp.gateUp)], 2, { axis: { int: -1 }, num_outputs: { int: 2 } });
      return project(graph, graph.op('Mul', [ACTIVATIONS[mlp.activation](graph, gate), up]), mlp.down);
    }
    default:
      mlp.kind satisfies 'clamped';
      return runClamped(graph, x, mlp);
  }
}

function runClamped(graph: OnnxGraph, x: string, { gateUp, down, limit }: DenseMlp & { readonly kind: 'clamped' }): string {
  const both = project(graph, x, gateUp);
  const every2nd = (first: number): string => graph.op('Slice', [both, graph.ints(first), graph.ints(2 ** 31 - 1), graph.ints(-1), graph.ints(2)]);
  const gate = graph.contrib('QuickGelu', [graph.op('Min', [every2nd(0), graph.float(limit)])], { alpha: { float: 1.702 } });
  const up = graph.op('Clip', [every2nd(1), graph.float(-limit), graph.float(limit)]);
  return project(graph, graph.op('Mul', [graph.op('Add', [up, graph.float(1)]), gate]), down);
}

type Elementwise = (graph: OnnxGraph, x: string) => string;

/** Each as in transformers' `activations.py`. */
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

function relu2(graph: OnnxGraph, x: string): string {
  const positive = graph.op('Relu', [x]);
  return graph.op('Mul', [positive, positive]);
}
