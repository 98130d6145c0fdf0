import { HEAD_ROWS } from '../../core/headMetrics.ts';
import type { DecoderSpec } from '../families/spec.ts';
import { attentionInputs, attentionWeights } from './attentionGraph.ts';
import { DATA_TYPE, OnnxGraph } from './onnx.ts';

/** Rows whose largest weights are taken at once. */
export const POOLED_ROWS = 8;

/** Names of a graph's outputs that are read off the weights. */
export const READING_OUTPUTS = ['sums', 'largest', ...HEAD_ROWS.map(([name]) => name)] as const;

/**
 * Numbers and pictures of a layer's heads, computed where their attention weights are, so that no table of T x S leaves the graph;
 * the same graph for all layers. In: `attentionInputs` and those of `readWeights`. Out: `READING_OUTPUTS`.
 */
export function headReadingGraph(spec: DecoderSpec): OnnxGraph {
  const graph = new OnnxGraph();
  const { weights, logs } = attentionWeights(graph, attentionInputs(graph, spec), spec);
  readWeights(graph, weights, logs());
  return graph;
}

/**
 * Reads weights [h, T, S], whose natural logs are `logs`.
 * In: `places` int32 [N], query * S + key of each weight that a sum takes, and `parts` [N, M], 1 where it is part of the sum, else 0;
 * `queryCells` int32 [A, .] and `keyCells` int32 [B, .], rows and columns of the weights in each cell of a picture's sides, of rows a
 * multiple of `POOLED_ROWS`.
 * Out: `sums` [h, M]; `largest` [h, A, B], the largest weight of each cell; and each of `HEAD_ROWS` [h, T].
 */
export function readWeights(graph: OnnxGraph, weights: string, logs: string): void {
  const { float32, int32 } = DATA_TYPE;
  const places = graph.input('places', int32, ['N']);
  const taken = graph.op('Gather', [graph.op('Reshape', [weights, graph.ints(0, -1)]), places], { axis: { int: 1 } });
  graph.output('sums', graph.op('MatMul', [taken, graph.input('parts', float32, ['N', 'M'])]), float32, null);
  const ofQueries = largestOfQueries(graph, weights, graph.input('queryCells', int32, ['A', 'C']));
  const ofCells = graph.op('Gather', [ofQueries, graph.input('keyCells', int32, ['B', 'D'])], { axis: { int: 2 } });
  graph.output('largest', graph.op('ReduceMax', [ofCells, graph.ints(3)], { keepdims: { int: 0 } }), float32, null);
  const sumOfProducts = (a: string, b: string): string =>
    graph.op('ReduceSum', [graph.op('Mul', [a, b]), graph.ints(-1)], { keepdims: { int: 0 } });
  for (const [name, numberOf] of HEAD_ROWS) graph.output(name, numberOf({ graph, weights, logs, sumOfProducts }), float32, null);
}

/** [h, A, S], the largest weight of each column among the rows of each cell [A, n]: pooled first, as the runtime reduces slowly. */
function largestOfQueries(graph: OnnxGraph, weights: string, cells: string): string {
  const rows = graph.op('Gather', [weights, graph.op('Reshape', [cells, graph.ints(-1)])], { axis: { int: 1 } });
  const size = { ints: [POOLED_ROWS, 1] };
  const pooled = graph.op('MaxPool', [graph.op('Unsqueeze', [rows, graph.ints(0)])], { kernel_shape: size, strides: size });
  const length = (value: string, axis: number): string => graph.op('Shape', [value], { start: { int: axis }, end: { int: axis + 1 } });
  const shape = graph.op('Concat', [length(weights, 0), length(cells, 0), graph.ints(-1), length(weights, 2)], { axis: { int: 0 } });
  return graph.op('ReduceMax', [graph.op('Reshape', [pooled, shape]), graph.ints(2)], { keepdims: { int: 0 } });
}
