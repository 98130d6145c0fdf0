import type { DecoderSpec, Recurrence } from '../families/spec.ts';
import { itemOf } from '../run/outputs.ts';
import { normalize } from './norm.ts';
import { DATA_TYPE, OnnxGraph } from './onnx.ts';
import { deltaParts, linearAttention, shortParts, stateSizes } from './recurrenceGraph.ts';

/** Outputs of `effectiveGraph`, by kind of layer. */
export const EFFECTIVE_OUTPUTS: Readonly<Record<Recurrence['kind'], readonly string[]>> = {
  shortConvolution: ['before', 'after'],
  deltaNet: ['map'],
};

/**
 * What the effective attention of layer `layer`, which has none of its own, is made of. In: `resid` [T, D], the residual before the block;
 * `window` and `state` of `stateSizes`, all 0. Of a gated delta net also `basis` [1, T, T], the unit matrix; out: `map` [heads, T, T], the
 * share of each token's value in what a head reads at each query: the recurrence is linear in the values, so with unit vectors in their
 * place its output is that share. Of a short convolution out: `before` and `after` [T, D], its gates.
 */
export function effectiveGraph(spec: DecoderSpec, layer: number): OnnxGraph {
  const { float32 } = DATA_TYPE;
  const { attention: mixer, attentionNorms } = itemOf(spec.blocks, layer);
  if (mixer.kind === 'attention') throw new Error(`Layer ${layer} has attention weights of its own.`);
  const graph = new OnnxGraph();
  const resid = graph.input('resid', float32, ['T', spec.dim]);
  const x = attentionNorms.pre === null ? resid : normalize(graph, resid, attentionNorms.pre);
  if (mixer.kind === 'shortConvolution') {
    const { before, after } = shortParts(graph, x, mixer.input);
    graph.output('before', before, float32, ['T', spec.dim]);
    graph.output('after', after, float32, ['T', spec.dim]);
    return graph;
  }
  const { valueHeads, keyDim } = mixer;
  const window = graph.input('window', float32, stateSizes(mixer).window);
  const state = graph.input('state', float32, [1, valueHeads, keyDim, 'T']);
  const basis = graph.input('basis', float32, [1, 'T', 'T']);
  const parts = deltaParts(graph, x, window, mixer);
  const v = graph.op('Tile', [basis, graph.ints(1, 1, valueHeads)]);
  const [shares = ''] = linearAttention(graph, { ...parts, v, state }, mixer);
  const byToken = graph.op('Reshape', [
    shares,
    graph.op('Concat', [graph.op('Shape', [resid], { start: { int: 0 }, end: { int: 1 } }), graph.ints(valueHeads, -1)], {
      axis: { int: 0 },
    }),
  ]);
  graph.output('map', graph.op('Transpose', [byToken], { perm: { ints: [1, 0, 2] } }), float32, [valueHeads, 'T', 'T']);
  return graph;
}
