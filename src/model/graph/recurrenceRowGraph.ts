import { recurrenceIn } from '../families/mixers.ts';
import type { DecoderSpec } from '../families/spec.ts';
import { itemOf } from '../run/outputs.ts';
import { normalize } from './norm.ts';
import { DATA_TYPE, OnnxGraph } from './onnx.ts';
import { recur, stateInputs } from './recurrenceGraph.ts';

/**
 * What layer `layer`, which keeps a state, makes of one token, with every named value inside it as an output: one row of each. In: `resid`
 * [1, D], the token's residual before the block; `pastWindow.l` and `pastState.l` of `stateSizes`, what the layer keeps of the tokens
 * before. Out: `recurred` [1, D], and `state` of `stateSizes` where there is one, behind the token.
 */
export function recurrenceRowGraph(
  spec: DecoderSpec,
  layer: number,
): { readonly graph: OnnxGraph; readonly outputs: ReadonlyMap<string, string> } {
  const { float32 } = DATA_TYPE;
  const block = itemOf(spec.blocks, layer);
  const mixer = recurrenceIn(block);
  if (mixer === null) throw new Error(`Layer ${layer} keeps no state.`);
  const graph = new OnnxGraph();
  const resid = graph.input('resid', float32, [1, spec.dim]);
  const { pre } = block.attentionNorms;
  const { output, own } = recur(graph, pre === null ? resid : normalize(graph, resid, pre), stateInputs(graph, layer, mixer), mixer);
  graph.output('recurred', output, float32, [1, spec.dim]);
  if (own.state !== null) graph.output('state', own.state, float32, null);
  return { graph, outputs: graph.outputNamed() };
}
