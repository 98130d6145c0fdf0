import { recurrenceIn } from '../families/mixers.ts';
import { carriedWidth, type DecoderSpec } from '../families/spec.ts';
import { itemOf } from '../run/outputs.ts';
import { heldValues, mergedStreams } from './altUpGraph.ts';
import { addRow } from './decoder.ts';
import { addGradients } from './gradient.ts';
import { normalize, project, scaleBy } from './norm.ts';
import { DATA_TYPE, OnnxGraph } from './onnx.ts';

/** The layer's own values that reach the residual in a straight line; what lies before them is another story. */
const PARTS = ['concatenatedHeads', 'recurred', 'mlpScaled', 'perLayerOutput'] as const;
export type DirectPart = (typeof PARTS)[number];

/** Those of the parts that layer `layer` has. */
export function directParts(spec: DecoderSpec, layer: number): readonly DirectPart[] {
  const block = itemOf(spec.blocks, layer);
  const has: Readonly<Record<DirectPart, boolean>> = {
    concatenatedHeads: block.attention.kind === 'attention',
    recurred: recurrenceIn(block) !== null,
    mlpScaled: block.mlp.kind !== 'none',
    perLayerOutput: block.perLayer !== null,
  };
  return PARTS.filter((name) => has[name]);
}

/**
 * How block `layer` reaches a direction of the residual behind it, for one token, with the scale of every norm held fixed, and where there
 * are several streams the coefficients that mix them. In: as `rowGraph`; `direction` [1, D], at the layer's output; of n streams that,
 * `direction.resid` and `output` are [1, n * D]. Out: `direction.resid` [1, D], the same at its input; of what the layer has
 * `concatenatedHeads` [1, heads * valueDim], `mlpScaled` [1, D], `perLayerOutput` [1, D] of one with vectors of its own, and the direction
 * of each and of `recurred`, such as `direction.mlpScaled`, of its shape; `weights` [heads, 1, S], and `headGates` [heads, 1, valueDim]
 * where the heads have gates; `output` [1, D].
 */
export function directLayerGraph(spec: DecoderSpec, layer: number): OnnxGraph {
  const { float32 } = DATA_TYPE;
  const graph = new OnnxGraph('as float32');
  const { resid, recurred, output } = addRow(graph, spec, layer);
  const seed = graph.input('direction', float32, [1, carriedWidth(spec)]);
  const named = graph.namedValues;
  const { attention } = itemOf(spec.blocks, layer);
  const parts = directParts(spec, layer);
  const values = parts.map((name) => (name === 'recurred' ? recurred : named.get(name)) ?? missing(name));
  const sources = recurred === null ? [resid] : [resid, recurred];
  const directions = addGradients(graph, new Map([[output, seed]]), sources, { ends: new Set([...values, ...heldValues(graph)]) });
  const publish = (name: string, value: string): void => graph.output(name, graph.op('Identity', [value]), float32, null);
  for (const [index, name] of parts.entries()) {
    const value = values[index] ?? '';
    if (name !== 'recurred') publish(name, value);
    publish(`direction.${name}`, directions.get(value) ?? missing(name));
  }
  publish('direction.resid', directions.get(resid) ?? missing('resid'));
  if (attention.kind === 'attention') publish('weights', named.get('weights') ?? missing('weights'));
  if (attention.kind === 'attention' && attention.gates !== null) publish('headGates', named.get('headGates') ?? missing('headGates'));
  publish('output', output);
  return graph;
}

/**
 * How the last residual reaches logits in a straight line, with the final norm's scale held fixed. In: `rows` [1, D], or of several
 * streams all; `gradient` [1, V], of the logits before a final soft cap. Out: `target` [1, 1], the logits times their gradient;
 * `direction`, of the shape of `rows`; `constant` [1, 1], of the target what biases of the final norm, projection and unembedding add.
 */
export function directEndGraph(spec: DecoderSpec): OnnxGraph {
  const { float32 } = DATA_TYPE;
  const { finalNorm, finalProjection, unembed, logitScale, vocab } = spec;
  const width = carriedWidth(spec);
  const graph = new OnnxGraph('as float32');
  const rows = graph.input('rows', float32, [1, width]);
  const seed = graph.input('gradient', float32, [1, vocab]);
  const merged = mergedStreams(graph, rows, spec);
  const normed = finalNorm === null ? merged : normalize(graph, merged, finalNorm);
  const narrowed = finalProjection === null ? normed : project(graph, normed, finalProjection);
  const logits = scaleBy(graph, project(graph, narrowed, unembed), logitScale);
  const directions = addGradients(graph, new Map([[logits, seed]]), [rows], { ends: new Set(heldValues(graph)) });
  const along = (value: string): string => dot(graph, value, directions.get(value) ?? missing('a row'));
  // By way of the direction: the logits themselves would take the whole unembedding a second time.
  const biased = (value: string): string =>
    unembed.bias === null ? value : graph.op('Add', [value, scaleBy(graph, dot(graph, seed, graph.weight(unembed.bias)), logitScale)]);
  const all = along(narrowed);
  graph.output('target', graph.op('Identity', [biased(all)]), float32, [1, 1]);
  graph.output('constant', graph.op('Identity', [biased(graph.op('Sub', [all, along(rows)]))]), float32, [1, 1]);
  graph.output('direction', graph.op('Identity', [directions.get(rows) ?? missing('rows')]), float32, [1, width]);
  return graph;
}

/** [1, 1] */
function dot(graph: OnnxGraph, a: string, b: string): string {
  return graph.op('ReduceSum', [graph.op('Mul', [a, b]), graph.ints(-1)], { keepdims: { int: 1 } });
}

function missing(name: string): never {
  throw new Error(`Nothing flows in a straight line to ${name}.`);
}
