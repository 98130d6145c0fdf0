import type { DecoderSpec } from '../families/spec.ts';
import { itemOf } from '../run/outputs.ts';
import { addRow } from './decoder.ts';
import { addGradients } from './gradient.ts';
import { normalize, project, scaleBy } from './norm.ts';
import { DATA_TYPE, OnnxGraph } from './onnx.ts';

/** The layer's own values that reach the residual in a straight line; what lies before them is another story. */
const PARTS = ['concatenatedHeads', 'mlpScaled', 'perLayerOutput'] as const;
export type DirectPart = (typeof PARTS)[number];

/** Those of the parts that layer `layer` has. */
export function directParts(spec: DecoderSpec, layer: number): readonly DirectPart[] {
  const { perLayer, mlp } = itemOf(spec.blocks, layer);
  return PARTS.filter((name) => (name === 'perLayerOutput' ? perLayer !== null : name !== 'mlpScaled' || mlp.kind !== 'none'));
}

/**
 * How block `layer` reaches a direction of the residual behind it, for one token and with the scale of every norm held fixed. In:
 * as `rowGraph`; `direction` [1, D], at the layer's output. Out: `direction.resid` [1, D], the same at its input; `concatenatedHeads` [1,
 * heads * valueDim], `mlpScaled` [1, D] and of a layer with vectors of its own `perLayerOutput` [1, D], the direction of each, such as
 * `direction.mlpScaled`, of its shape; `weights` [heads,
 * 1, S]; `output` [1, D].
 */
export function directLayerGraph(spec: DecoderSpec, layer: number): OnnxGraph {
  const { float32 } = DATA_TYPE;
  const graph = new OnnxGraph('as float32');
  const { resid, output } = addRow(graph, spec, layer);
  const seed = graph.input('direction', float32, [1, spec.dim]);
  const named = graph.namedValues;
  const parts = directParts(spec, layer);
  const values = parts.map((name) => named.get(name) ?? missing(name));
  const directions = addGradients(graph, new Map([[output, seed]]), [resid], { ends: new Set(values) });
  const publish = (name: string, value: string): void => graph.output(name, graph.op('Identity', [value]), float32, null);
  for (const [index, name] of parts.entries()) {
    const value = values[index] ?? '';
    publish(name, value);
    publish(`direction.${name}`, directions.get(value) ?? missing(name));
  }
  publish('direction.resid', directions.get(resid) ?? missing('resid'));
  publish('weights', named.get('weights') ?? missing('weights'));
  publish('output', output);
  return graph;
}

/**
 * How the last residual reaches logits in a straight line, with the final norm's scale held fixed. In: `rows` [1, D]; `gradient`
 * [1, V], of the logits before a final soft cap. Out: `target` [1, 1], the logits times their gradient; `direction` [1, D];
 * `constant` [1, 1], of the target what biases of the final norm, projection and unembedding add.
 */
export function directEndGraph(spec: DecoderSpec): OnnxGraph {
  const { float32 } = DATA_TYPE;
  const { finalNorm, finalProjection, unembed, logitScale, dim, vocab } = spec;
  const graph = new OnnxGraph('as float32');
  const rows = graph.input('rows', float32, [1, dim]);
  const seed = graph.input('gradient', float32, [1, vocab]);
  const normed = finalNorm === null ? rows : normalize(graph, rows, finalNorm);
  const narrowed = finalProjection === null ? normed : project(graph, normed, finalProjection);
  const logits = scaleBy(graph, project(graph, narrowed, unembed), logitScale);
  const directions = addGradients(graph, new Map([[logits, seed]]), [rows], { ends: new Set() });
  const along = (value: string): string => dot(graph, value, directions.get(value) ?? missing('a row'));
  // By way of the direction: the logits themselves would take the whole unembedding a second time.
  const biased = (value: string): string =>
    unembed.bias === null ? value : graph.op('Add', [value, scaleBy(graph, dot(graph, seed, graph.weight(unembed.bias)), logitScale)]);
  const all = along(narrowed);
  graph.output('target', graph.op('Identity', [biased(all)]), float32, [1, 1]);
  graph.output('constant', graph.op('Identity', [biased(graph.op('Sub', [all, along(rows)]))]), float32, [1, 1]);
  graph.output('direction', graph.op('Identity', [directions.get(rows) ?? missing('rows')]), float32, [1, dim]);
  return graph;
}

/** [1, 1] */
function dot(graph: OnnxGraph, a: string, b: string): string {
  return graph.op('ReduceSum', [graph.op('Mul', [a, b]), graph.ints(-1)], { keepdims: { int: 1 } });
}

function missing(name: string): never {
  throw new Error(`Nothing flows in a straight line to ${name}.`);
}
