import { attentionAt } from '../families/mixers.ts';
import { ofLayer, type DecoderSpec } from '../families/spec.ts';
import { project } from './norm.ts';
import { DATA_TYPE, OnnxGraph } from './onnx.ts';

/**
 * How long vectors are behind the output projection of layer `layer`, its bias left out. In: `rows` [N, heads * valueDim], values of all
 * heads side by side. Out: `lengths` [N, 1].
 */
export function projectedValuesGraph(spec: DecoderSpec, layer: number): OnnxGraph {
  const { float32 } = DATA_TYPE;
  const graph = new OnnxGraph();
  const rows = graph.input('rows', float32, ['N', spec.heads * ofLayer(spec, layer).valueDim]);
  const projected = project(graph, rows, { ...attentionAt(spec, layer).output, bias: null });
  graph.output('lengths', graph.op('ReduceL2', [projected, graph.ints(-1)], { keepdims: { int: 1 } }), float32, ['N', 1]);
  return graph;
}
