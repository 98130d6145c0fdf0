import { attentionAt } from '../families/mixers.ts';
import { ofLayer, type DecoderSpec, type Norm } from '../families/spec.ts';
import { itemOf } from '../run/outputs.ts';
import { changed } from './interventionInputs.ts';
import { heldScale, linearPart, normalize, project, scaleBy } from './norm.ts';
import { DATA_TYPE, OnnxGraph } from './onnx.ts';

/**
 * How near each token that attention of layer `layer` reads brings the residual behind it to what it is (ALTI: Ferrando, Gállego and
 * Costa-jussà 2022). That residual y is a sum, the scale of every norm held at what it was: of what each token's values bring, of what the
 * token itself had before, and of biases. A part p is near by ||y|| - ||y - p||, sums of absolute values, or 0 where that is negative.
 *
 * In: `resid` [S, D], residuals before the block; `queries` int32 [Q], which of them attend; `own` [1, Q, S], 1 where the key is the query
 * itself, else 0; `weights` [heads, Q, S], attention; `v` [kvHeads, S, valueDim]; `headFactors` and `headShifts` of `interventionInputs`.
 * Out: `near` [Q, S].
 */
export function mixingGraph(spec: DecoderSpec, layer: number): OnnxGraph {
  const { float32, int32 } = DATA_TYPE;
  const { heads, kvHeads, valueDim, dim, residualScale } = ofLayer(spec, layer);
  const attention = attentionAt(spec, layer);
  const { attentionNorms, addTo } = itemOf(spec.blocks, layer);
  const { pre, post, stream } = attentionNorms;
  const graph = new OnnxGraph('as float32');
  const resid = graph.input('resid', float32, ['S', dim]);
  const queries = graph.input('queries', int32, ['Q']);
  const own = graph.input('own', float32, [1, 'Q', 'S']);
  const given = graph.input('weights', float32, [heads, 'Q', 'S']);
  const v = graph.input('v', float32, [kvHeads, 'S', valueDim]);
  const factors = graph.input('headFactors', float32, [heads, 'factor rows', 1]);
  const shifts = graph.input('headShifts', float32, ['shifted heads', 'shift rows', 'shift columns']);
  const base = addTo === 'stream' || pre === null ? resid : normalize(graph, resid, pre);
  const optional = (x: string, norm: Norm | null): string => (norm === null ? x : normalize(graph, x, norm));

  // The residual behind attention, as the layer computes it.
  const grouped = graph.op('Reshape', [given, graph.op('Concat', [graph.ints(kvHeads, -1), sizeOf(graph, resid)], { axis: { int: 0 } })]);
  const mixed = graph.op('Reshape', [graph.op('MatMul', [grouped, v]), graph.ints(heads, -1, valueDim)]);
  const kept = changed(graph, mixed, { factors, shifts });
  const joined = graph.op('Reshape', [graph.op('Transpose', [kept], { perm: { ints: [1, 0, 2] } }), graph.ints(-1, heads * valueDim)]);
  const output = project(graph, joined, attention.output);
  const added = graph.op('Add', [
    graph.op('Gather', [base, queries], { axis: { int: 0 } }),
    scaleBy(graph, optional(output, post), residualScale),
  ]);
  const whole = optional(added, stream);

  // The same of every key alone: [S, heads + 1, D], what each head brings of it, and what it had itself, times what a query makes of them.
  const matrix = graph.weight(attention.output.weight);
  const byHead = attention.output.layout === 'in-out' ? matrix : graph.op('Transpose', [matrix], { perm: { ints: [1, 0] } });
  const brought = graph.op('Reshape', [
    graph.op('MatMul', [
      graph.op('Unsqueeze', [v, graph.ints(1)]),
      graph.op('Reshape', [byHead, graph.ints(kvHeads, heads / kvHeads, valueDim, dim)]),
    ]),
    graph.ints(heads, -1, dim),
  ]);
  const through = scaleBy(graph, linearPart(graph, brought, post), residualScale);
  const terms = graph.op('Concat', [through, graph.op('Unsqueeze', [base, graph.ints(0)])], { axis: { int: 0 } });
  const times = (x: string, scale: string | null): string => (scale === null ? x : graph.op('Mul', [x, scale]));
  const weights = times(graph.op('Mul', [given, factors]), heldScale(graph, output, post));
  const shares = times(graph.op('Concat', [weights, own], { axis: { int: 0 } }), heldScale(graph, added, stream));
  const parts = graph.op('MatMul', [
    graph.op('Transpose', [shares], { perm: { ints: [2, 1, 0] } }),
    graph.op('Transpose', [linearPart(graph, terms, stream)], { perm: { ints: [1, 0, 2] } }),
  ]);
  const length = (x: string): string => graph.op('ReduceL1', [x, graph.ints(-1)], { keepdims: { int: 0 } });
  const nearer = graph.op('Sub', [length(whole), length(graph.op('Sub', [parts, whole]))]);
  const near = graph.op('Max', [graph.op('Transpose', [nearer], { perm: { ints: [1, 0] } }), graph.float(0)]);
  graph.output('near', near, float32, ['Q', 'S']);
  return graph;
}

/** The number of rows. */
function sizeOf(graph: OnnxGraph, x: string): string {
  return graph.op('Shape', [x], { end: { int: 1 } });
}
