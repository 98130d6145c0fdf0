import type { DecoderSpec } from '../families/spec.ts';
import { attend } from './attention.ts';
import { runMlp } from './mlp.ts';
import { normalize } from './norm.ts';
import { DATA_TYPE, OnnxGraph } from './onnx.ts';

/**
 * The blocks from layer `from` up to, not including, `to`.
 * In: `resid` [T, D], the residual before block `from`; `mask` [T, T]; `cos` and `sin` [T, headDim] where positions are rotary.
 * Out, for each layer l: `q.l` [heads, T, headDim], `k.l` and `v.l` [kvHeads, T, headDim], `resid.l+1` [T, D].
 */
export function trunkGraph(spec: DecoderSpec, from: number, to: number): OnnxGraph {
  const { heads, kvHeads, headDim, dim } = spec;
  const { float32 } = DATA_TYPE;
  const graph = new OnnxGraph();
  let resid = graph.input('resid', float32, ['T', dim]);
  graph.input('mask', float32, ['T', 'T']);
  if (spec.positions.kind === 'rotary') {
    graph.input('cos', float32, ['T', spec.positions.rope.dim]);
    graph.input('sin', float32, ['T', spec.positions.rope.dim]);
  }
  for (const [index, block] of spec.blocks.slice(from, to).entries()) {
    const layer = from + index;
    const { q, k, v, output } = attend(graph, normalize(graph, resid, block.attentionNorm), block.attention, spec);
    graph.output(`q.${layer}`, q, float32, [heads, 'T', headDim]);
    graph.output(`k.${layer}`, k, float32, [kvHeads, 'T', headDim]);
    graph.output(`v.${layer}`, v, float32, [kvHeads, 'T', headDim]);
    const attended = graph.op('Add', [resid, output]);
    resid = graph.op('Add', [attended, runMlp(graph, normalize(graph, attended, block.mlpNorm), block.mlp)]);
    graph.output(`resid.${layer + 1}`, resid, float32, ['T', dim]);
  }
  return graph;
}
