import type { Linear, Norm } from '../families/spec.ts';
import type { OnnxGraph } from './onnx.ts';

/** x [N, D] -> [N, D]. */
export function normalize(graph: OnnxGraph, x: string, norm: Norm): string {
  const attributes = { axis: { int: -1 }, epsilon: { float: norm.epsilon } };
  if (norm.kind === 'rms') return graph.op('SimplifiedLayerNormalization', [x, graph.weight(norm.weight)], attributes);
  return graph.op('LayerNormalization', [x, graph.weight(norm.weight), graph.weight(norm.bias)], attributes);
}

/** x [N, in] -> [N, out]. Gemm takes either layout as it is stored; the runtime packs it without a transposed copy. */
export function project(graph: OnnxGraph, x: string, linear: Linear): string {
  const bias = linear.bias === null ? [] : [graph.weight(linear.bias)];
  return graph.op('Gemm', [x, graph.weight(linear.weight), ...bias], { transB: { int: linear.layout === 'out-in' ? 1 : 0 } });
}
