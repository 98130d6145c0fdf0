import { carriedWidth, type DecoderSpec } from '../families/spec.ts';
import { mergedStreams } from './altUpGraph.ts';
import { cap, normalize, project, scaleBy } from './norm.ts';
import { DATA_TYPE, OnnxGraph } from './onnx.ts';

/** Of stream i what its matrix makes of it, and the factor that brings that to the first stream's size. */
type StreamOutput = `streamOut.${number}` | `streamFactor.${number}`;

/** Outputs that a run of the unembedding may return. */
export type UnembedOutput =
  | 'merged'
  | StreamOutput
  | 'normed'
  | 'narrowed'
  | 'logits'
  | 'uncapped'
  | 'topLogits'
  | 'topIds'
  | 'exponentials'
  | 'exponentialSum'
  | 'logSumExp'
  | 'entropyBits'
  | 'targetLogit'
  | 'targetRank'
  | 'klBits';

/** Numbers summed in one stage, which bounds the rounding error of a float32 sum over the vocabulary. */
const SUM_BLOCK = 128;

/**
 * Residual rows to next-token statistics, over the whole vocabulary V.
 * In: `rows` [N, D], before the final norm, or all streams [N, n * D] where there are several; `targets` int64 [N, 1];
 * `topK` int64 [1]; and of the final distribution at the first M rows, where M is N, or 1 if `klBits` is not requested: `finalExponentials`
 * [M, V], `finalSum` [M, 1], `finalEntropyBits` [M, 1], as an earlier run returned them. Out: of several streams `merged` [N, D], and of
 * each but the first `streamOut.i` [N, D] and `streamFactor.i` [N, 1]; `normed` [N, D] where there is a final norm, and `narrowed` [N, E]
 * where a projection follows it; `logits` [N, V], and `uncapped` [N, V] where a soft cap made them; `topLogits`, `topIds` [N, K];
 * `exponentials` [N, V] of the logits less the row's largest; `klBits` [M, 1]; the others [N, 1]. `targetRank` counts the larger logits,
 * plus 1.
 */
export function unembedGraph(spec: DecoderSpec): OnnxGraph {
  const { float32, int32, int64 } = DATA_TYPE;
  const { vocab } = spec;
  const graph = new OnnxGraph();
  graph.input('rows', float32, ['N', carriedWidth(spec)]);
  graph.input('targets', int64, ['N', 1]);
  graph.input('topK', int64, [1]);
  graph.input('finalExponentials', float32, ['M', vocab]);
  graph.input('finalSum', float32, ['M', 1]);
  graph.input('finalEntropyBits', float32, ['M', 1]);

  const merged = mergedStreams(graph, 'rows', spec);
  if (spec.streams !== null) {
    graph.output('merged', merged, float32, ['N', spec.dim]);
    for (const [name, value] of graph.namedValues) if (/^stream(?:Out|Factor)\./.test(name)) graph.output(name, value, float32, null);
  }
  const logits = logitsOf(graph, merged, spec);
  graph.output('logits', logits, float32, ['N', vocab]);
  const [topLogits = '', topIds = ''] = graph.ops('TopK', [logits, 'topK'], 2, { axis: { int: -1 } });
  graph.output('topLogits', topLogits, float32, ['N', 'K']);
  graph.output('topIds', topIds, int64, ['N', 'K']);

  // Softmax in three steps, each of which is an output: minus the largest, exponentials, their sum.
  const largest = graph.op('ReduceMax', [logits, graph.ints(-1)], { keepdims: { int: 1 } });
  const shifted = graph.op('Sub', [logits, largest]);
  const exponentials = graph.op('Exp', [shifted]);
  const sum = total(graph, exponentials, vocab);
  const logSum = graph.op('Log', [sum]);
  graph.output('exponentials', exponentials, float32, ['N', vocab]);
  graph.output('exponentialSum', sum, float32, ['N', 1]);
  graph.output('logSumExp', graph.op('Add', [largest, logSum]), float32, ['N', 1]);

  // H = -sum p log p, with log p = shifted - logSum.
  const meanShifted = graph.op('Div', [total(graph, graph.op('Mul', [exponentials, shifted]), vocab), sum]);
  graph.output('entropyBits', bits(graph, graph.op('Sub', [logSum, meanShifted])), float32, ['N', 1]);

  const targetLogit = graph.op('GatherElements', [logits, 'targets'], { axis: { int: 1 } });
  graph.output('targetLogit', targetLogit, float32, ['N', 1]);
  const better = graph.op('Cast', [graph.op('Greater', [logits, targetLogit])], { to: { int: int32 } });
  const one = graph.op('Cast', [graph.ints(1)], { to: { int: int32 } });
  graph.output('targetRank', graph.op('Add', [sumLast(graph, better, 1), one]), int32, ['N', 1]);

  // KL(final || rows) = -H(final) - sum p_final log p_rows.
  const finalRows = graph.op('Shape', ['finalSum'], { start: { int: 0 }, end: { int: 1 } });
  const first = (x: string): string => graph.op('Slice', [x, graph.ints(0), finalRows, graph.ints(0)]);
  const meanFinal = graph.op('Div', [total(graph, graph.op('Mul', ['finalExponentials', first(shifted)]), vocab), 'finalSum']);
  const crossEntropy = bits(graph, graph.op('Sub', [first(logSum), meanFinal]));
  graph.output('klBits', graph.op('Sub', [crossEntropy, 'finalEntropyBits']), float32, ['M', 1]);
  return graph;
}

/** Residual rows [N, D] to logits [N, V]. */
function logitsOf(graph: OnnxGraph, rows: string, spec: DecoderSpec): string {
  const normed = spec.finalNorm === null ? rows : normalize(graph, rows, spec.finalNorm);
  if (normed !== rows) graph.output('normed', normed, DATA_TYPE.float32, ['N', spec.dim]);
  const narrowed = spec.finalProjection === null ? normed : project(graph, normed, spec.finalProjection);
  if (narrowed !== normed) graph.output('narrowed', narrowed, DATA_TYPE.float32, ['N', spec.finalProjection?.weight.shape[0] ?? spec.dim]);
  const scaled = scaleBy(graph, project(graph, narrowed, spec.unembed), spec.logitScale);
  if (spec.logitCap !== null) graph.output('uncapped', scaled, DATA_TYPE.float32, ['N', spec.vocab]);
  return cap(graph, scaled, spec.logitCap);
}

/**
 * Sum of [N, V] to [N, 1], in two stages: WASM adds numbers one after another, which over a whole vocabulary loses the
 * fifth digit of a log-probability.
 */
function total(graph: OnnxGraph, x: string, vocab: number): string {
  const missing = (SUM_BLOCK - (vocab % SUM_BLOCK)) % SUM_BLOCK;
  const padded = missing === 0 ? x : graph.op('Pad', [x, graph.ints(0, 0, 0, missing)]);
  const blocks = graph.op('Reshape', [padded, graph.ints(0, (vocab + missing) / SUM_BLOCK, SUM_BLOCK)]);
  return sumLast(graph, sumLast(graph, blocks, 0), 1);
}

function sumLast(graph: OnnxGraph, x: string, keepdims: 0 | 1): string {
  return graph.op('ReduceSum', [x, graph.ints(-1)], { keepdims: { int: keepdims } });
}

function bits(graph: OnnxGraph, nats: string): string {
  return graph.op('Mul', [nats, graph.float(Math.LOG2E)]);
}
