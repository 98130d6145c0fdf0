import { oneOutput, requireForm, sumTo, wholeAttribute, type Rule, type Step } from './gradientRules.ts';
import type { OnnxGraph } from './onnx.ts';

/** [1], the length of one axis. */
function lengthOf(graph: OnnxGraph, value: string, axis: number): string {
  return graph.op('Shape', [value], axis === -1 ? { start: { int: -1 } } : { start: { int: axis }, end: { int: axis + 1 } });
}

/** 0s in the shape of a value. */
function zerosLike(graph: OnnxGraph, value: string): string {
  return graph.op('Expand', [graph.float(0), graph.op('Shape', [value])]);
}

function concat({ graph, node: { inputs, attributes }, outputs: [dy] }: Step): readonly string[] {
  const axis = wholeAttribute(attributes, 'axis', 0);
  const lengths = graph.op(
    'Concat',
    inputs.map((input) => lengthOf(graph, input, axis)),
    { axis: { int: 0 } },
  );
  return graph.ops('Split', [dy ?? '', lengths], inputs.length, { axis: { int: axis } });
}

function split({ graph, node, outputs }: Step): readonly string[] {
  const parts = outputs.map((gradient, index) => gradient ?? zerosLike(graph, node.outputs[index] ?? ''));
  return [graph.op('Concat', parts, { axis: { int: wholeAttribute(node.attributes, 'axis', 0) } })];
}

/** The values that are best go back to where they were; which they are is a constant. */
function topK({ graph, node, outputs: [dy = null] }: Step): readonly (string | null)[] {
  if (dy === null) return [null, null];
  const [x = ''] = node.inputs;
  const [, ids = ''] = node.outputs;
  return [
    graph.op('ScatterElements', [zerosLike(graph, x), ids, dy], { axis: { int: wholeAttribute(node.attributes, 'axis', -1) } }),
    null,
  ];
}

/** Where each place of a permutation came from; null for a list that is none. */
function inverseOf(permutation: readonly number[] | null): readonly number[] | null {
  if (permutation === null) return null;
  const inverse = permutation.map((_, place) => permutation.indexOf(place));
  return inverse.includes(-1) ? null : inverse;
}

/** Every `step`th number of the last axis from `first` on: the others get 0. */
function slice({ graph, node: { inputs }, outputs: [dy] }: Step): readonly (string | null)[] {
  const [x = '', ...bounds] = inputs;
  const [[first = 0] = [], [end = 0] = [], [axis] = [], [step = 0] = []] = bounds.map((name) => graph.wholeNumbers(name) ?? []);
  requireForm(axis === -1 && first < step && end >= 2 ** 31 - 1, 'Slice', 'where it takes every so many numbers of the last axis');
  const places = graph.floats(...Array.from({ length: step }, (_, place) => (place === first ? 1 : 0)));
  const spread = graph.op('Mul', [graph.op('Unsqueeze', [dy ?? '', graph.ints(-1)]), places]);
  return [graph.op('Reshape', [spread, graph.op('Shape', [x])])];
}

export const shapeRules = {
  Identity: oneOutput(({ dy }) => [dy]),
  Reshape: oneOutput(({ graph, x, dy }) => [graph.op('Reshape', [dy, graph.op('Shape', [x])]), null]),
  Unsqueeze: oneOutput(({ graph, second: axes, dy }) => [graph.op('Squeeze', [dy, axes]), null]),
  Squeeze: oneOutput(({ graph, second: axes, dy }) => [graph.op('Unsqueeze', [dy, axes]), null]),
  Expand: oneOutput(({ graph, x, dy }) => [sumTo(graph, dy, x), null]),
  Transpose: oneOutput(({ graph, dy, attributes: { perm } }) => {
    const back = inverseOf(perm !== undefined && 'ints' in perm ? perm.ints : null);
    requireForm(back !== null, 'Transpose', 'with a permutation');
    return [graph.op('Transpose', [dy], { perm: { ints: back ?? [] } })];
  }),
  Concat: concat,
  Split: split,
  Slice: slice,
  TopK: topK,
  /** Numbers in another order, as rotary positions pair them. */
  Gather: oneOutput(({ graph, second, dy, attributes, needed }) => {
    if (needed[0] !== true) return [null, null];
    const back = inverseOf(graph.wholeNumbers(second));
    requireForm(back !== null, 'Gather', 'where it puts numbers in another order');
    return [graph.op('Gather', [dy, graph.ints(...(back ?? []))], { axis: { int: wholeAttribute(attributes, 'axis', 0) } }), null];
  }),
  /** The places are those of the best experts, all different. */
  GatherElements: oneOutput(({ graph, x, second: ids, dy, attributes }) => {
    const axis = { int: wholeAttribute(attributes, 'axis', 0) };
    return [graph.op('ScatterElements', [zerosLike(graph, x), ids, dy], { axis }), null];
  }),
  ScatterElements: oneOutput(({ graph, second: ids, dy, attributes, needed }) => {
    requireForm(needed[0] !== true, 'ScatterElements', 'into constants');
    return [null, null, graph.op('GatherElements', [dy, ids], { axis: { int: wholeAttribute(attributes, 'axis', 0) } })];
  }),
} as const satisfies Readonly<Record<string, Rule>>;
