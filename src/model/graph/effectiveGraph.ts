import { recurrenceIn } from '../families/mixers.ts';
import type { DecoderSpec, Mamba, Recurrence } from '../families/spec.ts';
import { itemOf } from '../run/outputs.ts';
import { mambaParts, skipOf } from './mambaGraph.ts';
import { normalize } from './norm.ts';
import { DATA_TYPE, OnnxGraph } from './onnx.ts';
import { deltaParts, deltaReading, shortParts, stateSizes } from './recurrenceGraph.ts';
import { linearAttention } from './stateOperators.ts';

/** Outputs of `effectiveGraph`, by kind of layer. */
export const EFFECTIVE_OUTPUTS: Readonly<Record<Recurrence['kind'], readonly string[]>> = {
  shortConvolution: ['before', 'after'],
  deltaNet: ['map'],
  mamba: ['map'],
};

/**
 * What the effective attention of layer `layer`, which has none of its own, is made of. In: `resid` [T, D], the residual before the block;
 * `window` and `state` of `stateSizes`, all 0. Of a gated delta net or Mamba 2 also `basis` [1, T, T], the unit matrix; out: `map`
 * [heads, T, T], the
 * share of each token's value in what a head reads at each query: the recurrence is linear in the values, so with unit vectors in their
 * place its output is that share. Of a short convolution out: `before` and `after` [T, D], its gates.
 */
export function effectiveGraph(spec: DecoderSpec, layer: number): OnnxGraph {
  const { float32 } = DATA_TYPE;
  const block = itemOf(spec.blocks, layer);
  const { attentionNorms } = block;
  const mixer = recurrenceIn(block);
  if (mixer === null) throw new Error(`Layer ${layer} keeps no state.`);
  const graph = new OnnxGraph();
  const resid = graph.input('resid', float32, ['T', spec.dim]);
  const x = attentionNorms.pre === null ? resid : normalize(graph, resid, attentionNorms.pre);
  if (mixer.kind === 'shortConvolution') {
    const { before, after } = shortParts(graph, x, mixer.input);
    graph.output('before', before, float32, ['T', spec.dim]);
    graph.output('after', after, float32, ['T', spec.dim]);
    return graph;
  }
  const { heads, keyDim } = mapSizes(mixer);
  const window = graph.input('window', float32, stateSizes(mixer).window);
  const state = graph.input('state', float32, [1, heads, keyDim, 'T']);
  const basis = graph.input('basis', float32, [1, 'T', 'T']);
  const byToken = (shares: string): string => graph.op('Reshape', [shares, threeAxes(graph, resid, heads)]);
  const map = (): string => {
    if (mixer.kind === 'mamba') return mambaMap(graph, x, { window, state, basis, byToken }, mixer);
    const v = graph.op('Tile', [basis, graph.ints(1, 1, heads)]);
    return byToken(linearAttention(graph, { ...deltaParts(graph, x, window, mixer), v, state }, deltaReading(mixer))[0] ?? '');
  };
  graph.output('map', graph.op('Transpose', [map()], { perm: { ints: [1, 0, 2] } }), float32, [heads, 'T', 'T']);
  return graph;
}

/** Maps of a layer, and the width of its keys. */
export function mapSizes(mixer: Exclude<Recurrence, { readonly kind: 'shortConvolution' }>): {
  readonly heads: number;
  readonly keyDim: number;
} {
  return mixer.kind === 'mamba' ? { heads: mixer.heads, keyDim: mixer.stateDim } : { heads: mixer.valueHeads, keyDim: mixer.keyDim };
}

/** The shape [T, heads, T]. */
function threeAxes(graph: OnnxGraph, resid: string, heads: number): string {
  const rows = graph.op('Shape', [resid], { start: { int: 0 }, end: { int: 1 } });
  return graph.op('Concat', [rows, graph.ints(heads), rows], { axis: { int: 0 } });
}

/** [T, heads, T]: values times the length of their step are added, and each is added to the own output once more. */
function mambaMap(
  graph: OnnxGraph,
  x: string,
  given: { readonly window: string; readonly state: string; readonly basis: string; readonly byToken: (shares: string) => string },
  mixer: Mamba,
): string {
  const { heads } = mixer;
  const { values: _values, step, gate: _gate, window: _window, ...read } = mambaParts(graph, x, given.window, mixer);
  const units = graph.op('Transpose', [given.basis], { perm: { ints: [1, 0, 2] } });
  const stepped = graph.op('Mul', [units, step]);
  const flat = graph.op('Unsqueeze', [graph.op('Flatten', [stepped], { axis: { int: 1 } }), graph.ints(0)]);
  const [shares = ''] = linearAttention(graph, { ...read, v: flat, state: given.state }, { heads, scale: 1 });
  return graph.op('Add', [given.byToken(shares), graph.op('Mul', [units, skipOf(graph, mixer)])]);
}
