import { attentionAt } from '../families/mixers.ts';
import { ofLayer, type DecoderSpec } from '../families/spec.ts';
import { itemOf } from '../run/outputs.ts';
import { separateGates } from './attentionGraph.ts';
import { normalize, project } from './norm.ts';
import { DATA_TYPE, OnnxGraph } from './onnx.ts';

/**
 * What the output of each head of layer `layer` is multiplied by, in a layer whose heads have gates. In: `resid` [T, D], residuals before
 * the block. Out: `gates` [heads, T, valueDim], between 0 and 1.
 */
export function headGatesGraph(spec: DecoderSpec, layer: number): OnnxGraph {
  const { float32 } = DATA_TYPE;
  const own = ofLayer(spec, layer);
  const { projections, gates } = attentionAt(spec, layer);
  const { pre } = itemOf(spec.blocks, layer).attentionNorms;
  if (!('q' in projections)) throw new Error('Heads with gates have a matrix of queries.');
  const graph = new OnnxGraph();
  const resid = graph.input('resid', float32, ['T', own.dim]);
  const x = pre === null ? resid : normalize(graph, resid, pre);
  const { gate: logits } = separateGates(graph, x, gates === 'behindQueries' ? project(graph, x, projections.q) : x, gates, own);
  if (logits === null) throw new Error(`Layer ${layer} has no gates behind its heads.`);
  graph.output('gates', graph.op('Sigmoid', [logits]), float32, [own.heads, 'T', own.valueDim]);
  return graph;
}
