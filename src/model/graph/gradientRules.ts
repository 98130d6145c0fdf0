import type { Attribute, GraphNode, OnnxGraph } from './onnx.ts';

/** One operator, the gradients of its outputs (null: none flows there), and which of its inputs need theirs. */
export interface Step {
  readonly graph: OnnxGraph;
  readonly node: GraphNode;
  readonly outputs: readonly (string | null)[];
  readonly needed: readonly boolean[];
}

/** Adds what makes the gradients of an operator's inputs, in their order; null: none flows there. */
export type Rule = (step: Step) => readonly (string | null)[];

/** The parts that rules of operators with one output read. */
export interface OneOutput {
  readonly graph: OnnxGraph;
  /** The inputs that every one of these operators has; '' where it has fewer. */
  readonly x: string;
  readonly second: string;
  readonly third: string;
  readonly y: string;
  /** The gradient of `y`. */
  readonly dy: string;
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly needed: readonly boolean[];
}

export function oneOutput(rule: (step: OneOutput) => readonly (string | null)[]): Rule {
  return ({ graph, node: { inputs, outputs, attributes }, outputs: gradients, needed }) => {
    const [x = '', second = '', third = ''] = inputs;
    return rule({ graph, x, second, third, y: outputs[0] ?? '', dy: gradients[0] ?? '', attributes, needed });
  };
}

/** A whole number among an operator's attributes. */
export function wholeAttribute(attributes: Readonly<Record<string, Attribute>>, name: string, otherwise: number): number {
  const attribute = attributes[name];
  return attribute !== undefined && 'int' in attribute ? attribute.int : otherwise;
}

export function floatAttribute(attributes: Readonly<Record<string, Attribute>>, name: string, otherwise: number): number {
  const attribute = attributes[name];
  return attribute !== undefined && 'float' in attribute ? attribute.float : otherwise;
}

/** Refuses a form of an operator that the builder does not emit today. */
export function requireForm(holds: boolean, operator: string, form: string): void {
  if (!holds) throw new Error(`The operator ${operator} has a rule for its gradient only ${form}.`);
}

/**
 * The gradient with the shape of `value`, which was stretched along axes where it has length 1: summed over those. Both have as
 * many axes.
 */
export function sumTo(graph: OnnxGraph, gradient: string, value: string): string {
  const [wide, narrow] = [graph.op('Shape', [gradient]), graph.op('Shape', [value])];
  const stretched = graph.op('Not', [graph.op('Equal', [wide, narrow])]);
  const axes = graph.op('Reshape', [graph.op('NonZero', [stretched]), graph.ints(-1)]);
  return graph.op('ReduceSum', [gradient, axes], { keepdims: { int: 1 }, noop_with_empty_axes: { int: 1 } });
}

/** Over the last axis, which stays with length 1. */
export function sumLast(graph: OnnxGraph, x: string): string {
  return graph.op('ReduceSum', [x, graph.ints(-1)], { keepdims: { int: 1 } });
}

function meanLast(graph: OnnxGraph, x: string): string {
  return graph.op('ReduceMean', [x, graph.ints(-1)], { keepdims: { int: 1 } });
}

/** Beside what stretches to it an input has the output's shape. */
function fitted({ graph, x, second }: OneOutput, index: 0 | 1, gradient: string): string {
  const [own, other] = index === 0 ? [x, second] : [second, x];
  return graph.isNarrow(other) ? gradient : sumTo(graph, gradient, own);
}

/** Both inputs' gradients, each made only where it is needed. */
function both(step: OneOutput, first: () => string, second: () => string): readonly (string | null)[] {
  return [step.needed[0] === true ? fitted(step, 0, first()) : null, step.needed[1] === true ? fitted(step, 1, second()) : null];
}

/** y = x^ weight (+ bias), x^ = x / sqrt(mean x^2 + epsilon): dx = (g - x^ mean(g x^)) / sqrt(...), with g = dy weight. */
function rmsNorm({ graph, x, second: weight, dy, attributes }: OneOutput): readonly string[] {
  return [throughScale(graph, x, graph.op('Mul', [dy, weight]), floatAttribute(attributes, 'epsilon', 1e-5))];
}

/** The same of the centred x; its gradient is centred too. */
function layerNorm({ graph, x, second: weight, dy, attributes }: OneOutput): readonly string[] {
  const g = graph.op('Mul', [dy, weight]);
  return [centred(graph, throughScale(graph, centred(graph, x), g, floatAttribute(attributes, 'epsilon', 1e-5)))];
}

/** dy weight / size, size being what the norm divides x by. */
function overSize({ graph, second: weight, dy, attributes }: OneOutput, x: string): string {
  return graph.op('Div', [graph.op('Mul', [dy, weight]), sizeOf(graph, x, floatAttribute(attributes, 'epsilon', 1e-5))]);
}

function centred(graph: OnnxGraph, x: string): string {
  return graph.op('Sub', [x, meanLast(graph, x)]);
}

function sizeOf(graph: OnnxGraph, x: string, epsilon: number): string {
  return graph.op('Sqrt', [graph.op('Add', [meanLast(graph, graph.op('Mul', [x, x])), graph.float(epsilon)])]);
}

/** Norms as linear maps: what they divide by is a constant. */
export const heldScaleRules = {
  SimplifiedLayerNormalization: oneOutput((step) => [overSize(step, step.x)]),
  LayerNormalization: oneOutput((step) => [centred(step.graph, overSize(step, centred(step.graph, step.x)))]),
} as const satisfies Readonly<Record<string, Rule>>;

function throughScale(graph: OnnxGraph, x: string, g: string, epsilon: number): string {
  const size = sizeOf(graph, x, epsilon);
  const unit = graph.op('Div', [x, size]);
  const along = graph.op('Mul', [unit, meanLast(graph, graph.op('Mul', [g, unit]))]);
  return graph.op('Div', [graph.op('Sub', [g, along]), size]);
}

/** y = a b, of stacks of as many matrices; `transB`: y = a b^T. */
function product({ graph, x: a, second: b, dy, attributes, needed }: OneOutput): readonly (string | null)[] {
  const transposed = wholeAttribute(attributes, 'transB', 0) === 1;
  requireForm(
    wholeAttribute(attributes, 'transA', 0) === 0 && floatAttribute(attributes, 'alpha', 1) === 1,
    'FusedMatMul',
    'without transA and alpha',
  );
  const da = (): string => graph.contrib('FusedMatMul', [dy, b], { transB: { int: transposed ? 0 : 1 } });
  const db = (): string => graph.contrib('FusedMatMul', transposed ? [dy, a] : [a, dy], { transA: { int: 1 } });
  return [needed[0] === true ? da() : null, needed[1] === true ? db() : null];
}

/** y = x W (+ c), W a constant: dx = dy W^T. */
function gemm({ graph, second: weight, dy, attributes, needed }: OneOutput): readonly (string | null)[] {
  requireForm(needed[1] !== true, 'Gemm', 'by a constant matrix');
  requireForm(needed[2] !== true, 'Gemm', 'with a constant term');
  const transB = { int: 1 - wholeAttribute(attributes, 'transB', 0) };
  return [graph.op('Gemm', [dy, weight], { transB }), null, null];
}

export const arithmeticRules = {
  Add: oneOutput((step) =>
    both(
      step,
      () => step.dy,
      () => step.dy,
    ),
  ),
  Sub: oneOutput((step) =>
    both(
      step,
      () => step.dy,
      () => step.graph.op('Neg', [step.dy]),
    ),
  ),
  Mul: oneOutput((step) => {
    const by = (value: string) => (): string => step.graph.op('Mul', [step.dy, value]);
    return both(step, by(step.second), by(step.x));
  }),
  Div: oneOutput((step) => {
    const { graph, second, y, dy } = step;
    const first = (): string => graph.op('Div', [dy, second]);
    return both(step, first, () => graph.op('Neg', [graph.op('Div', [graph.op('Mul', [dy, y]), second])]));
  }),
  /** The builder sums values of one shape. */
  Sum: ({ node, outputs: [dy = null] }) => node.inputs.map(() => dy),
  MatMul: oneOutput(product),
  FusedMatMul: oneOutput(product),
  Gemm: oneOutput(gemm),
  ReduceSum: oneOutput(({ graph, x, second: axes, dy, attributes }) => {
    const kept = wholeAttribute(attributes, 'keepdims', 1) === 1 ? dy : graph.op('Unsqueeze', [dy, axes]);
    return [graph.op('Expand', [kept, graph.op('Shape', [x])]), null];
  }),
  /** dx = y (dy - sum(dy y)). */
  Softmax: oneOutput(({ graph, y, dy, attributes }) => {
    requireForm(wholeAttribute(attributes, 'axis', -1) === -1, 'Softmax', 'over the last axis');
    return [graph.op('Mul', [y, graph.op('Sub', [dy, sumLast(graph, graph.op('Mul', [dy, y]))])])];
  }),
  SimplifiedLayerNormalization: oneOutput(rmsNorm),
  LayerNormalization: oneOutput(layerNorm),
} as const satisfies Readonly<Record<string, Rule>>;
