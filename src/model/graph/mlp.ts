import type { Activation } from '../families/activations.ts';
import type { Mlp } from '../families/spec.ts';
import { project } from './norm.ts';
import type { OnnxGraph } from './onnx.ts';

/** x [T, D], normed -> what the MLP adds to the residual [T, D]. */
export function runMlp(graph: OnnxGraph, x: string, mlp: Mlp): string {
  switch (mlp.kind) {
    case 'plain':
      return project(graph, activate(graph, project(graph, x, mlp.up), mlp.activation), mlp.down);
    case 'gated': {
      const gate = activate(graph, project(graph, x, mlp.gate), mlp.activation);
      return project(graph, graph.op('Mul', [gate, project(graph, x, mlp.up)]), mlp.down);
    }
  }
}

/** Elementwise, each as in transformers' `activations.py`. */
export function activate(graph: OnnxGraph, x: string, activation: Activation): string {
  switch (activation) {
    case 'gelu':
      return graph.contrib('Gelu', [x]);
    case 'geluTanh':
      return graph.contrib('FastGelu', [x]);
    case 'geluClipped':
      return graph.op('Clip', [graph.contrib('Gelu', [x]), graph.float(-10), graph.float(10)]);
    case 'geluQuick':
      return graph.contrib('QuickGelu', [x], { alpha: { float: 1.702 } });
    case 'silu':
      return graph.contrib('QuickGelu', [x], { alpha: { float: 1 } });
    case 'hardSwish':
      return graph.op('Mul', [x, graph.op('HardSigmoid', [x], { alpha: { float: 1 / 6 }, beta: { float: 0.5 } })]);
    case 'laplace': {
      // 0.5 (1 + erf((x - mu) / (sigma sqrt 2))), Ma et al. 2022, equation 16: mu = sqrt(1/2), sigma = sqrt(1 / (4 pi)).
      const centred = graph.op('Sub', [x, graph.float(Math.SQRT1_2)]);
      const scaled = graph.op('Div', [centred, graph.float(Math.sqrt(0.5 / Math.PI))]);
      return graph.op('Mul', [graph.op('Add', [graph.op('Erf', [scaled]), graph.float(1)]), graph.float(0.5)]);
    }
    case 'leakyRelu':
      return graph.op('LeakyRelu', [x], { alpha: { float: 0.01 } });
    case 'linear':
      return x;
    case 'mish':
      return graph.op('Mul', [x, graph.op('Tanh', [graph.op('Softplus', [x])])]);
    case 'relu':
      return graph.op('Relu', [x]);
    case 'relu2': {
      const positive = graph.op('Relu', [x]);
      return graph.op('Mul', [positive, positive]);
    }
    case 'relu6':
      return graph.op('Clip', [x, graph.float(0), graph.float(6)]);
    case 'sigmoid':
      return graph.op('Sigmoid', [x]);
    case 'sqrtSoftplus':
      return graph.op('Sqrt', [graph.op('Softplus', [x])]);
    case 'tanh':
      return graph.op('Tanh', [x]);
  }
}
