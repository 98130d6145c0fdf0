import type { HeadNorm, Linear, Norm } from '../families/spec.ts';
import type { OnnxGraph } from './onnx.ts';

/** x [..., width] -> the same shape. */
export function normalize(graph: OnnxGraph, x: string, norm: Norm): string {
  const attributes = { axis: { int: -1 }, epsilon: { float: norm.epsilon } };
  const stored = norm.weight === null ? graph.ones(norm.width) : graph.weight(norm.weight);
  const weight = norm.offset === 0 ? stored : graph.op('Add', [stored, graph.float(norm.offset)]);
  if (norm.kind === 'rms') return graph.op('SimplifiedLayerNormalization', [x, weight], attributes);
  return graph.op('LayerNormalization', norm.bias === null ? [x, weight] : [x, weight, graph.weight(norm.bias)], attributes);
}

/** x [heads, T, headDim] -> the same shape, by each head's own weights where it has them. */
export function normalizeHeads(graph: OnnxGraph, x: string, own: HeadNorm): string {
  const normed = normalize(graph, x, own.norm);
  if (own.kind !== 'perHead') return normed;
  const rows = own.weights.map((weight) => graph.op('Reshape', [graph.weight(weight), graph.ints(-1, 1, own.norm.width)]));
  const [only = ''] = rows;
  return graph.op('Mul', [normed, rows.length === 1 ? only : graph.op('Concat', rows, { axis: { int: 0 } })]);
}

/** x within `limit` of 0, smoothly: limit * tanh(x / limit). */
export function cap(graph: OnnxGraph, x: string, limit: number | null): string {
  if (limit === null) return x;
  return graph.op('Mul', [graph.op('Tanh', [graph.op('Div', [x, graph.float(limit)])]), graph.float(limit)]);
}

export function scaleBy(graph: OnnxGraph, x: string, factor: number): string {
  return factor === 1 ? x : graph.op('Mul', [x, graph.float(factor)]);
}

/** x [N, in] -> [N, out]. Gemm takes either layout as it is stored; the runtime packs it without a transposed copy. */
export function project(graph: OnnxGraph, x: string, linear: Linear): string {
  const bias = linear.bias === null ? [] : [graph.weight(linear.bias)];
  return graph.op('Gemm', [x, graph.weight(linear.weight), ...bias], { transB: { int: linear.layout === 'out-in' ? 1 : 0 } });
}
