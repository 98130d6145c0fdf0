import { carriedWidth, ofLayer, type DecoderSpec, type Streams } from '../families/spec.ts';
import { mergedStreams, startStreams } from './altUpGraph.ts';
import { addAnyLayer } from './decoder.ts';
import { addGradients } from './gradient.ts';
import { normalize, project, scaleBy } from './norm.ts';
import { DATA_TYPE, OnnxGraph } from './onnx.ts';

/**
 * The gradient of the layer's input, and of what is inside the layer, by the names that its parts give: the outputs each is found
 * under.
 */
export interface LayerGradientGraph {
  readonly graph: OnnxGraph;
  readonly inside: ReadonlyMap<string, string>;
}

/**
 * Block `layer` again, and its gradients, for tokens of a text, the last first: tokens after them read their keys and values.
 * In: as the trunk graph of this one layer; `gradient` [T, D], of `resid.l+1`, of n streams [T, n * D], also at the input; `gradient.k`
 * [kvHeads, T, headDim] and `gradient.v` [kvHeads, T, valueDim], of these tokens' keys and values by way of the tokens after them and of
 * layers that read them too. A layer that reads another one's has instead, among what it puts out, `gradient.ownK` and `gradient.ownV` of
 * these shapes. Out: `gradient.resid` [T, D], of `resid.l`; `gradient.pastK` [kvHeads, P, headDim] and `gradient.pastV` [kvHeads, P,
 * valueDim], of the tokens before by way of these; of each named value of the layer, of its shape, such as `concatenatedHeads` [T, heads *
 * valueDim], the heads' outputs before the projection, `weights` [heads, T, S], `mlpOutput` [T, D] and `hidden`, the MLP's neurons
 * (`expert.i.hidden` of expert i). A layer that keeps a state is computed for a whole text, and one without attention has no keys and
 * values.
 */
export function layerGradientGraph(spec: DecoderSpec, layer: number): LayerGradientGraph {
  const { float32 } = DATA_TYPE;
  const graph = new OnnxGraph('as float32');
  const { resid, given, attended, output } = addAnyLayer(graph, spec, layer);
  const { kvHeads, headDim, valueDim } = ofLayer(spec, layer);
  const seeds = new Map([[output, graph.input('gradient', float32, ['T', carriedWidth(spec)])]]);
  const ends: Record<string, string> = { resid };
  if (given.of !== 'state' && attended !== null) {
    Object.assign(ends, { pastK: given.k, pastV: given.v });
    if (given.own !== null) Object.assign(ends, { ownK: given.own.k, ownV: given.own.v });
    else {
      seeds.set(attended.k, graph.input('gradient.k', float32, [kvHeads, 'T', headDim]));
      seeds.set(attended.v, graph.input('gradient.v', float32, [kvHeads, 'T', valueDim]));
    }
  }
  const named = [...graph.namedValues];
  const gradients = addGradients(graph, seeds, Object.values(ends));
  // The same value may be the gradient of several: each output is a value of its own.
  const publish = (name: string, gradient: string): void => graph.output(name, graph.op('Identity', [gradient]), float32, null);
  for (const [name, value] of Object.entries(ends)) publish(`gradient.${name}`, gradients.get(value) ?? missing(name));
  const inside = new Map<string, string>();
  for (const [name, value] of named) {
    const gradient = gradients.get(value);
    if (gradient === undefined) continue;
    inside.set(name, `gradient of ${name}`);
    publish(`gradient of ${name}`, gradient);
  }
  return { graph, inside };
}

/**
 * What follows the last block. In: `rows` [N, D], residuals before the final norm, or all streams [N, n * D]; `gradient`
 * [N, V], of the logits before a final soft cap. Out: `gradient.rows`, of the shape of `rows`.
 */
export function endGradientGraph(spec: DecoderSpec): OnnxGraph {
  const { float32 } = DATA_TYPE;
  const { finalNorm, finalProjection, unembed, logitScale, vocab } = spec;
  const width = carriedWidth(spec);
  const graph = new OnnxGraph('as float32');
  const rows = graph.input('rows', float32, ['N', width]);
  const seed = graph.input('gradient', float32, ['N', vocab]);
  const merged = mergedStreams(graph, rows, spec);
  const normed = finalNorm === null ? merged : normalize(graph, merged, finalNorm);
  const narrowed = finalProjection === null ? normed : project(graph, normed, finalProjection);
  const logits = scaleBy(graph, project(graph, narrowed, unembed), logitScale);
  const gradient = addGradients(graph, new Map([[logits, seed]]), [rows]).get(rows) ?? missing('rows');
  graph.output('gradient.rows', graph.op('Identity', [gradient]), float32, ['N', width]);
  return graph;
}

/** How streams follow from the first residual. In: `resid` [T, D]; `gradient` [T, n * D], of all streams. Out: `gradient.resid` [T, D]. */
export function startGradientGraph({ dim }: DecoderSpec, streams: Streams): OnnxGraph {
  const { float32 } = DATA_TYPE;
  const graph = new OnnxGraph('as float32');
  const resid = graph.input('resid', float32, ['T', dim]);
  const seed = graph.input('gradient', float32, ['T', streams.count * dim]);
  const gradients = addGradients(graph, new Map([[startStreams(graph, resid, streams, dim), seed]]), [resid]);
  graph.output('gradient.resid', graph.op('Identity', [gradients.get(resid) ?? missing('the first residual')]), float32, ['T', dim]);
  return graph;
}

function missing(name: string): never {
  throw new Error(`No gradient flows to ${name}.`);
}
