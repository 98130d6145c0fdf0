import { floatAttribute, oneOutput, type OneOutput, type Rule } from './gradientRules.ts';
import type { OnnxGraph } from './onnx.ts';

/** An operator of each number by itself: `slope` adds dy/dx. */
function elementwise(slope: (step: OneOutput) => string): Rule {
  return oneOutput((step) => [step.graph.op('Mul', [step.dy, slope(step)])]);
}

/** The gradient where the condition holds, and 0 elsewhere. */
function where(condition: (step: OneOutput) => string): Rule {
  return oneOutput((step) => [step.graph.op('Where', [condition(step), step.dy, step.graph.float(0)]), null, null]);
}

/** 1 - x^2 */
function lessSquare(graph: OnnxGraph, x: string): string {
  return graph.op('Sub', [graph.float(1), graph.op('Mul', [x, x])]);
}

function times(graph: OnnxGraph, x: string, factor: number): string {
  return graph.op('Mul', [x, graph.float(factor)]);
}

/** y = x P(X <= x), X standard normal: P(X <= x) + x exp(-x^2 / 2) / sqrt(2 pi). */
function geluSlope({ graph, x }: OneOutput): string {
  const below = graph.op('Add', [graph.op('Erf', [times(graph, x, Math.SQRT1_2)]), graph.float(1)]);
  const density = times(graph, graph.op('Exp', [times(graph, graph.op('Mul', [x, x]), -0.5)]), 1 / Math.sqrt(2 * Math.PI));
  return graph.op('Add', [times(graph, below, 0.5), graph.op('Mul', [x, density])]);
}

/** y = x (1 + tanh u) / 2, u = sqrt(2 / pi) (x + 0.044715 x^3): (1 + tanh u) / 2 + x (1 - tanh^2 u) u' / 2. */
function geluTanhSlope({ graph, x }: OneOutput): string {
  const scale = Math.sqrt(2 / Math.PI);
  const square = graph.op('Mul', [x, x]);
  const polynomial = (cubic: number): string => graph.op('Add', [times(graph, square, scale * cubic), graph.float(scale)]);
  const tanh = graph.op('Tanh', [graph.op('Mul', [x, polynomial(0.044715)])]);
  const bent = graph.op('Mul', [graph.op('Mul', [x, lessSquare(graph, tanh)]), polynomial(3 * 0.044715)]);
  return times(graph, graph.op('Add', [graph.op('Add', [tanh, graph.float(1)]), bent]), 0.5);
}

/** y = x s, s = sigmoid(alpha x): s + alpha x s (1 - s) = s + alpha y (1 - s). */
function quickGeluSlope({ graph, x, y, attributes }: OneOutput): string {
  const alpha = floatAttribute(attributes, 'alpha', 1.702);
  const share = graph.op('Sigmoid', [alpha === 1 ? x : times(graph, x, alpha)]);
  const bent = graph.op('Mul', [y, graph.op('Sub', [graph.float(1), share])]);
  return graph.op('Add', [share, alpha === 1 ? bent : times(graph, bent, alpha)]);
}

/** At a bend the slope is PyTorch's: 0 of Relu at 0, 1 of Clip and Min at their bounds. */
export const activationRules = {
  Gelu: elementwise(geluSlope),
  FastGelu: elementwise(geluTanhSlope),
  QuickGelu: elementwise(quickGeluSlope),
  Tanh: elementwise(({ graph, y }) => lessSquare(graph, y)),
  Sigmoid: elementwise(({ graph, y }) => graph.op('Mul', [y, graph.op('Sub', [graph.float(1), y])])),
  Softplus: elementwise(({ graph, x }) => graph.op('Sigmoid', [x])),
  Sqrt: elementwise(({ graph, y }) => graph.op('Div', [graph.float(0.5), y])),
  Erf: elementwise(({ graph, x }) => times(graph, graph.op('Exp', [graph.op('Neg', [graph.op('Mul', [x, x])])]), 2 / Math.sqrt(Math.PI))),
  LeakyRelu: elementwise(({ graph, x, attributes }) => {
    const rising = graph.op('Greater', [x, graph.float(0)]);
    return graph.op('Where', [rising, graph.float(1), graph.float(floatAttribute(attributes, 'alpha', 0.01))]);
  }),
  HardSigmoid: elementwise(({ graph, y, attributes }) => {
    const inside = graph.op('And', [graph.op('Greater', [y, graph.float(0)]), graph.op('Less', [y, graph.float(1)])]);
    return graph.op('Where', [inside, graph.float(floatAttribute(attributes, 'alpha', 0.2)), graph.float(0)]);
  }),
  Relu: where(({ graph, x }) => graph.op('Greater', [x, graph.float(0)])),
  Clip: where(({ graph, x, second: least, third: most }) =>
    graph.op('And', [graph.op('GreaterOrEqual', [x, least]), graph.op('LessOrEqual', [x, most])]),
  ),
  Exp: elementwise(({ y }) => y),
  /** Either of two values of one shape, or numbers; which of them is a constant. */
  Where: oneOutput(({ graph, x: condition, dy, needed }) => [
    null,
    needed[1] === true ? graph.op('Where', [condition, dy, graph.float(0)]) : null,
    needed[2] === true ? graph.op('Where', [condition, graph.float(0), dy]) : null,
  ]),
  Max: where(({ graph, x, second: least }) => graph.op('GreaterOrEqual', [x, least])),
  Min: where(({ graph, x, second: most }) => graph.op('LessOrEqual', [x, most])),
} as const satisfies Readonly<Record<string, Rule>>;
