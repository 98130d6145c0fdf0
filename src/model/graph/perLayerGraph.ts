import type { DecoderSpec, PerLayerInputs, PerLayerStep } from '../families/spec.ts';
import { activateIn } from './mlp.ts';
import { normalize, project, scaleBy } from './norm.ts';
import { DATA_TYPE, OnnxGraph } from './onnx.ts';

/** Adds what a layer makes of its vectors [T, width] to the residual x [T, D]. */
export function addPerLayer(graph: OnnxGraph, x: string, vectors: string, step: PerLayerStep): string {
  return graph.name('perLayerAdded', graph.op('Add', [x, perLayerOutput(graph, x, vectors, step)]));
}

/** What a layer makes of its vectors [T, width], gated by x [T, D]: [T, D]. */
export function perLayerOutput(graph: OnnxGraph, x: string, vectors: string, { gate, activation, projection, norm }: PerLayerStep): string {
  const opened = graph.name('perLayerActivated', activateIn(graph, graph.name('perLayerGate', project(graph, x, gate)), activation));
  const gated = graph.name('perLayerGated', graph.op('Mul', [opened, vectors]));
  const output = graph.name('perLayerOutput', project(graph, gated, projection));
  return graph.name('perLayerNormed', normalize(graph, output, norm));
}

/**
 * The vectors of all layers. In: `resid` [T, D], the first residual as the embedding makes it; `rows` [T, layers * width], rows of the
 * table, scaled. Out: `vectors` [T, layers * width].
 */
export function perLayerInputsGraph({ dim }: DecoderSpec, inputs: PerLayerInputs): OnnxGraph {
  const { projection, projectionScale, norm, width, scale, table } = inputs;
  const { float32 } = DATA_TYPE;
  const all = table.shape[1] ?? 0;
  const graph = new OnnxGraph();
  const resid = graph.input('resid', float32, ['T', dim]);
  const rows = graph.input('rows', float32, ['T', all]);
  const projected = scaleBy(graph, project(graph, resid, projection), projectionScale);
  const normed = normalize(graph, graph.op('Reshape', [projected, graph.ints(-1, all / width, width)]), norm);
  const sum = graph.op('Add', [graph.op('Reshape', [normed, graph.ints(-1, all)]), rows]);
  graph.output('vectors', graph.op('Mul', [sum, graph.float(scale)]), float32, ['T', all]);
  return graph;
}
