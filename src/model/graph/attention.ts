import type { Attention, DecoderSpec } from '../families/spec.ts';
import { project } from './norm.ts';
import { DATA_TYPE, OnnxGraph } from './onnx.ts';
import { rotate } from './positions.ts';

/** Values of one layer's attention in a graph. */
export interface AttentionValues {
  /** [heads, T, headDim], after positions. */
  readonly q: string;
  /** [kvHeads, T, headDim], after positions. */
  readonly k: string;
  /** [kvHeads, T, headDim] */
  readonly v: string;
  /** [T, D], what the layer adds to the residual. */
  readonly output: string;
}

/** x [T, D], normed; the graph's input `mask` [T, T] is added to the scores. */
export function attend(graph: OnnxGraph, x: string, attention: Attention, spec: DecoderSpec): AttentionValues {
  const { heads, kvHeads, headDim, positions } = spec;
  const [flatQ, flatK, flatV] = projectHeads(graph, x, attention, spec);
  const byHead = (flat: string, count: number): string =>
    graph.op('Transpose', [graph.op('Reshape', [flat, graph.ints(-1, count, headDim)])], { perm: { ints: [1, 0, 2] } });
  const place = (value: string): string => (positions.kind === 'rotary' ? rotate(graph, value, positions.rope) : value);
  const q = place(byHead(flatQ, heads));
  const k = place(byHead(flatK, kvHeads));
  const v = byHead(flatV, kvHeads);
  const grouped = heads !== kvHeads;
  const weights = attentionWeights(graph, q, k, graph.float(attention.scale), spec);
  // The query heads of a group lie one after another, so [heads, T, T] read as [kvHeads, heads / kvHeads * T, T] meets its group's values.
  const size = graph.op('Shape', ['mask'], { start: { int: 1 } });
  const shared = grouped ? graph.op('Reshape', [weights, graph.op('Concat', [graph.ints(kvHeads, -1), size], { axis: { int: 0 } })]) : weights;
  const mixed = graph.op('MatMul', [shared, v]);
  const perHead = grouped ? graph.op('Reshape', [mixed, graph.ints(heads, -1, headDim)]) : mixed;
  const joined = graph.op('Reshape', [graph.op('Transpose', [perHead], { perm: { ints: [1, 0, 2] } }), graph.ints(-1, heads * headDim)]);
  return { q, k, v, output: project(graph, joined, attention.output) };
}

/** softmax(q k^T * scale + mask): [heads, T, T]. Vaswani et al. 2017, equation 1. */
function attentionWeights(graph: OnnxGraph, q: string, k: string, scale: string, { heads, kvHeads, headDim }: DecoderSpec): string {
  const grouped = heads !== kvHeads;
  const queries = grouped ? graph.op('Reshape', [q, graph.ints(kvHeads, -1, headDim)]) : q;
  const dots = graph.contrib('FusedMatMul', [queries, k], { transB: { int: 1 } });
  const size = graph.op('Shape', ['mask']);
  const perHead = grouped ? graph.op('Reshape', [dots, graph.op('Concat', [graph.ints(heads), size], { axis: { int: 0 } })]) : dots;
  const scores = graph.op('Add', [graph.op('Mul', [perHead, scale]), 'mask']);
  return graph.op('Softmax', [scores], { axis: { int: -1 } });
}

/** [T, heads * headDim] and twice [T, kvHeads * headDim]. */
function projectHeads(graph: OnnxGraph, x: string, { projections }: Attention, { heads, kvHeads, headDim }: DecoderSpec): readonly [string, string, string] {
  if (projections.kind === 'separate') {
    return [project(graph, x, projections.q), project(graph, x, projections.k), project(graph, x, projections.v)];
  }
  const sizes = graph.ints(heads * headDim, kvHeads * headDim, kvHeads * headDim);
  const [q = '', k = '', v = ''] = graph.ops('Split', [project(graph, x, projections.qkv), sizes], 3, { axis: { int: -1 } });
  return [q, k, v];
}

/**
 * The attention of one layer from its stored queries and keys, for any layer.
 * In: `q` [heads, T, headDim], `k` [kvHeads, T, headDim], `mask` [T, T], `scale` []. Out: `attention` [heads, T, T].
 */
export function attentionGraph(spec: DecoderSpec): OnnxGraph {
  const graph = new OnnxGraph();
  graph.input('q', DATA_TYPE.float32, [spec.heads, 'T', spec.headDim]);
  graph.input('k', DATA_TYPE.float32, [spec.kvHeads, 'T', spec.headDim]);
  graph.input('mask', DATA_TYPE.float32, ['T', 'T']);
  graph.input('scale', DATA_TYPE.float32, []);
  graph.output('attention', attentionWeights(graph, 'q', 'k', 'scale', spec), DATA_TYPE.float32, [spec.heads, 'T', 'T']);
  return graph;
}
