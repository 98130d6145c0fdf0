import type { DecoderSpec } from '../families/spec.ts';
import { normalize, project } from './norm.ts';
import { DATA_TYPE, OnnxGraph } from './onnx.ts';

/** What one run of the unembedding may return. */
export type UnembedOutput = 'logits' | 'topLogits' | 'topIds' | 'logSumExp' | 'entropyBits' | 'targetLogit' | 'targetRank' | 'klBits';

/**
 * Residual rows to next-token statistics, over the whole vocabulary.
 * In: `rows` [N, D] and `final` [M, D], before the final norm; M is N for `klBits`, 1 otherwise. `targets` int64 [N, 1]; `topK` int64 [1].
 * Out: `logits` [N, V]; `topLogits`, `topIds` [N, K]; the others [N, 1]. `targetRank` counts the larger logits, plus 1.
 * One Gemm serves rows and final rows, so that its weights are held once.
 */
export function unembedGraph(spec: DecoderSpec): OnnxGraph {
  const { float32, int32, int64 } = DATA_TYPE;
  const graph = new OnnxGraph();
  graph.input('rows', float32, ['N', spec.dim]);
  graph.input('final', float32, ['M', spec.dim]);
  graph.input('targets', int64, ['N', 1]);
  graph.input('topK', int64, [1]);

  const all = graph.op('Concat', ['rows', 'final'], { axis: { int: 0 } });
  const sizes = graph.op('Concat', [rowCount(graph, 'rows'), rowCount(graph, 'final')], { axis: { int: 0 } });
  const logitsOfAll = project(graph, normalize(graph, all, spec.finalNorm), spec.unembed);
  const [logits = '', finalLogits = ''] = graph.ops('Split', [logitsOfAll, sizes], 2, { axis: { int: 0 } });
  graph.output('logits', logits, float32, ['N', spec.vocab]);

  const [topLogits = '', topIds = ''] = graph.ops('TopK', [logits, 'topK'], 2, { axis: { int: -1 } });
  graph.output('topLogits', topLogits, float32, ['N', 'K']);
  graph.output('topIds', topIds, int64, ['N', 'K']);

  const { shifted, exponentials, sum, logSum, logSumExp } = softmaxParts(graph, logits);
  graph.output('logSumExp', logSumExp, float32, ['N', 1]);
  // H = -sum p log p, with log p = shifted - logSum.
  const meanShifted = graph.op('Div', [total(graph, graph.op('Mul', [exponentials, shifted])), sum]);
  graph.output('entropyBits', bits(graph, graph.op('Sub', [logSum, meanShifted])), float32, ['N', 1]);

  const targetLogit = graph.op('GatherElements', [logits, 'targets'], { axis: { int: 1 } });
  graph.output('targetLogit', targetLogit, float32, ['N', 1]);
  const better = sumRows(graph, graph.op('Cast', [graph.op('Greater', [logits, targetLogit])], { to: { int: int32 } }));
  const one = graph.op('Cast', [graph.ints(1)], { to: { int: int32 } });
  graph.output('targetRank', graph.op('Add', [better, one]), int32, ['N', 1]);

  // KL(final || rows) = sum p_final (log p_final - log p_rows).
  const final = softmaxParts(graph, finalLogits);
  const gap = graph.op('Sub', [graph.op('Sub', [final.shifted, final.logSum]), graph.op('Sub', [shifted, logSum])]);
  const divergence = graph.op('Div', [total(graph, graph.op('Mul', [final.exponentials, gap])), final.sum]);
  graph.output('klBits', bits(graph, divergence), float32, ['N', 1]);
  return graph;
}

interface SoftmaxParts {
  /** [N, V] logits less the row's largest. */
  readonly shifted: string;
  /** [N, V] exp(shifted) */
  readonly exponentials: string;
  /** [N, 1] sum of `exponentials` */
  readonly sum: string;
  readonly logSum: string;
  readonly logSumExp: string;
}

function softmaxParts(graph: OnnxGraph, logits: string): SoftmaxParts {
  const largest = graph.op('ReduceMax', [logits, graph.ints(-1)], { keepdims: { int: 1 } });
  const shifted = graph.op('Sub', [logits, largest]);
  const exponentials = graph.op('Exp', [shifted]);
  const sum = total(graph, exponentials);
  const logSum = graph.op('Log', [sum]);
  return { shifted, exponentials, sum, logSum, logSumExp: graph.op('Add', [largest, logSum]) };
}

/**
 * [N, V] -> [N, 1], summed in float64: WASM adds one number after the other, which over a vocabulary loses the fifth digit
 * of a log-probability in float32.
 */
function total(graph: OnnxGraph, x: string): string {
  const wide = graph.op('Cast', [x], { to: { int: DATA_TYPE.float64 } });
  return graph.op('Cast', [sumRows(graph, wide)], { to: { int: DATA_TYPE.float32 } });
}

function sumRows(graph: OnnxGraph, x: string): string {
  return graph.op('ReduceSum', [x, graph.ints(-1)], { keepdims: { int: 1 } });
}

function bits(graph: OnnxGraph, nats: string): string {
  return graph.op('Mul', [nats, graph.float(Math.LOG2E)]);
}

function rowCount(graph: OnnxGraph, x: string): string {
  return graph.op('Shape', [x], { start: { int: 0 }, end: { int: 1 } });
}
