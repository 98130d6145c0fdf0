import { attentionAt } from '../families/mixers.ts';
import { ofLayer, type DecoderSpec } from '../families/spec.ts';
import { DATA_TYPE, OnnxGraph } from './onnx.ts';

/**
 * How long each value of a head is at each query that gates it, behind the output projection of layer `layer`, its bias left out. A vector
 * x is as long behind the head's rows W of that matrix as x W W' x' has it. In: `head` int32 [1]; `gates` [Q, valueDim], of the queries;
 * `values` [S, valueDim]. Out: `lengths` [Q, S].
 */
export function gatedValuesGraph(spec: DecoderSpec, layer: number): OnnxGraph {
  const { float32, int32 } = DATA_TYPE;
  const { heads, valueDim, dim } = ofLayer(spec, layer);
  const { weight, layout } = attentionAt(spec, layer).output;
  const graph = new OnnxGraph('as float32');
  const head = graph.input('head', int32, [1]);
  const gates = graph.input('gates', float32, ['Q', valueDim]);
  const values = graph.input('values', float32, ['S', valueDim]);
  const matrix = graph.weight(weight);
  const rows = layout === 'in-out' ? matrix : graph.op('Transpose', [matrix], { perm: { ints: [1, 0] } });
  const byHead = graph.op('Reshape', [rows, graph.ints(heads, valueDim, dim)]);
  const own = graph.op('Reshape', [graph.op('Gather', [byHead, head], { axis: { int: 0 } }), graph.ints(valueDim, dim)]);
  const squares = graph.op('MatMul', [own, graph.op('Transpose', [own], { perm: { ints: [1, 0] } })]);
  const gated = graph.op('Mul', [graph.op('Unsqueeze', [gates, graph.ints(1)]), values]);
  const products = graph.op('Mul', [graph.op('MatMul', [gated, squares]), gated]);
  const sums = graph.op('ReduceSum', [products, graph.ints(-1)], { keepdims: { int: 0 } });
  graph.output('lengths', graph.op('Sqrt', [graph.op('Max', [sums, graph.float(0)])]), float32, ['Q', 'S']);
  return graph;
}
