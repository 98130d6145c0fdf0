import type { AltUp, DecoderSpec, Laurel, Linear, PerLayerStep, Streams } from '../families/spec.ts';
import { changed, type Changes } from './interventionInputs.ts';
import { normalize, project, rowMean, scaleBy } from './norm.ts';
import { DATA_TYPE, OnnxGraph } from './onnx.ts';
import { perLayerOutput } from './perLayerGraph.ts';

// Several residual streams (AltUp), carried side by side as [T, n * D]: stream i is columns i * D to (i + 1) * D - 1.

/** Mean square below which a stream counts as one of this mean square when it is brought to another's size. */
const LEAST_SQUARE = 1e-5;

/**
 * Values that depend on the residual and that a straight line through a layer holds as they are: the coefficients that mix streams, and
 * the factors that bring streams to one size. Names begin with these.
 */
const HELD = ['predictionCoefficients', 'correctionCoefficients', 'streamFactor.'] as const;

/** The values of a graph that a straight line holds. */
export function heldValues({ namedValues }: OnnxGraph): readonly string[] {
  return [...namedValues].flatMap(([name, value]) => (HELD.some((start) => name.startsWith(start)) ? [value] : []));
}

/** The streams that AltUp expects before a layer: all of them [T, n, D], and the one that the layer reads [T, D]. */
export interface PredictedStreams {
  readonly all: string;
  readonly active: string;
}

/** Predicts the streams before a layer, of those carried [T, n * D]. */
export function predictStreams(graph: OnnxGraph, carried: string, altUp: AltUp, streams: Streams, dim: number): PredictedStreams {
  const { count, active } = streams;
  const modes = routed(graph, partsOf(graph, carried, count)[active] ?? '', altUp, dim, 'stream');
  const coefficients = graph.name('predictionCoefficients', project(graph, modes, altUp.prediction));
  const known = graph.op('Reshape', [carried, graph.ints(-1, count, dim)]);
  const mixed = graph.op('MatMul', [graph.op('Reshape', [coefficients, graph.ints(-1, count, count)]), known]);
  const all = graph.op('Add', [known, mixed]);
  const parts = partsOf(graph, graph.op('Reshape', [all, graph.ints(-1, count * dim)]), count);
  return { all, active: graph.name('predicted', parts[active] ?? '') };
}

/** What corrects the predicted streams behind a layer. */
export interface Correction {
  readonly predicted: PredictedStreams;
  /** [T, D], what the layer makes of the active one. */
  readonly made: string;
  /** What the layer adds last to all streams but the first, of the token's vector `vectors` [T, width]. */
  readonly perLayer: { readonly step: PerLayerStep; readonly vectors: string } | null;
  /** What a recipe does to the active stream behind the layer. */
  readonly residual: Changes;
}

/** The streams behind a layer, [T, n * D]. */
export function correctStreams(
  graph: OnnxGraph,
  { predicted, made, perLayer, residual }: Correction,
  altUp: AltUp,
  { count, active }: Streams,
  dim: number,
): string {
  const weights = graph.name('correctionCoefficients', project(graph, routed(graph, made, altUp, dim, 'made'), altUp.correction));
  const factors = graph.op('Add', [weights, graph.float(1)]);
  const surprise = graph.name('innovation', graph.op('Sub', [made, predicted.active]));
  const change = graph.op('Mul', [graph.op('Unsqueeze', [factors, graph.ints(2)]), graph.op('Unsqueeze', [surprise, graph.ints(1)])]);
  const all = graph.op('Reshape', [graph.op('Add', [predicted.all, change]), graph.ints(-1, count * dim)]);
  const corrected = partsOf(graph, all, count);
  const own = graph.name('corrected', corrected[active] ?? '');
  const read = altUp.outputScale === null ? own : graph.name('correctedScaled', graph.op('Mul', [own, graph.weight(altUp.outputScale)]));
  const added = perLayer === null ? null : perLayerOutput(graph, read, perLayer.vectors, perLayer.step);
  const parts = corrected.map((part, index) => (added === null || index === 0 ? part : graph.op('Add', [part, added])));
  return joined(
    graph,
    parts.map((part, index) => (index === active ? graph.name('residualChanged', changed(graph, part, residual)) : part)),
  );
}

/** What joins the stream beside attention, of y [T, D], which attention reads: y itself, and what a narrow pair of matrices makes of it. */
export function laurelOf(graph: OnnxGraph, y: string, { down, up, norm }: Laurel): string {
  const narrow = graph.name('laurelDown', project(graph, y, down));
  const wide = graph.name('laurelUp', project(graph, narrow, up));
  return graph.name('laurelAdded', graph.op('Add', [y, graph.name('laurelNormed', normalize(graph, wide, norm))]));
}

/** All streams [T, n * D] before the first layer, of the first one [T, D]. */
export function startStreams(graph: OnnxGraph, first: string, { projections }: Streams, dim: number): string {
  const size = sizeOf(graph, first, dim);
  return joined(graph, [first, ...projections.map((matrix, index) => sizedAs(graph, first, size, matrix, index + 1, dim))]);
}

/** What the final norm reads [N, D], of all streams behind the last layer [N, n * D]; of one stream that itself. */
export function mergedStreams(graph: OnnxGraph, carried: string, { streams, dim }: Pick<DecoderSpec, 'streams' | 'dim'>): string {
  if (streams === null) return carried;
  const [first = '', ...others] = partsOf(graph, carried, streams.count);
  const size = sizeOf(graph, first, dim);
  const all = others.map((part, index) => {
    const matrix = streams.unembedProjections[index];
    if (matrix === undefined) throw new Error(`Stream ${index + 1} has no matrix at the end.`);
    return sizedAs(graph, part, size, matrix, index + 1, dim);
  });
  return graph.op('Mul', [graph.op('Sum', [first, ...all]), graph.float(1 / streams.count)]);
}

/** In: `resid` [T, D], the first residual; for a decoder with streams. Out: `streams` [T, n * D]. */
export function startStreamsGraph({ dim }: DecoderSpec, streams: Streams): OnnxGraph {
  const { float32 } = DATA_TYPE;
  const graph = new OnnxGraph();
  const resid = graph.input('resid', float32, ['T', dim]);
  graph.output('streams', startStreams(graph, resid, streams, dim), float32, ['T', streams.count * dim]);
  return graph;
}

/** tanh(router(norm(y) / D)) [T, n] of y [T, D]; `of` begins the names of the values between. */
function routed(graph: OnnxGraph, y: string, { norm, router }: AltUp, dim: number, of: 'stream' | 'made'): string {
  const scaled = graph.name(`${of}Scaled`, scaleBy(graph, graph.name(`${of}Normed`, normalize(graph, y, norm)), 1 / dim));
  return graph.name(`${of}Modes`, graph.op('Tanh', [graph.name(`${of}Routed`, project(graph, scaled, router))]));
}

/** A matrix times `part` [T, D], brought to the root mean square `size` [T, 1]. */
function sizedAs(graph: OnnxGraph, part: string, size: string, matrix: Linear, index: number, dim: number): string {
  const own = graph.name(`streamOut.${index}`, project(graph, part, matrix));
  const square = graph.op('Max', [meanSquare(graph, own, dim), graph.float(LEAST_SQUARE)]);
  return graph.op('Mul', [own, graph.name(`streamFactor.${index}`, graph.op('Div', [size, graph.op('Sqrt', [square])]))]);
}

/** [T, 1], the root mean square of each row. */
function sizeOf(graph: OnnxGraph, x: string, dim: number): string {
  return graph.op('Sqrt', [meanSquare(graph, x, dim)]);
}

function meanSquare(graph: OnnxGraph, x: string, dim: number): string {
  return rowMean(graph, graph.op('Mul', [x, x]), dim);
}

/** The streams, each [T, D]. */
function partsOf(graph: OnnxGraph, carried: string, count: number): readonly string[] {
  return graph.ops('Split', [carried], count, { axis: { int: 1 }, num_outputs: { int: count } });
}

function joined(graph: OnnxGraph, parts: readonly string[]): string {
  return graph.op('Concat', parts, { axis: { int: 1 } });
}
