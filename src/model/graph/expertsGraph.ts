import type { Experts } from '../families/spec.ts';
import { runMlp } from './mlp.ts';
import { normalize, project, scaleBy } from './norm.ts';
import { DATA_TYPE, type OnnxGraph } from './onnx.ts';

/** Prevents division by zero where every chosen score is 0, as in the reference. */
const TINY = 1e-20;
const LOWEST = -3.4028234663852886e38;

/** Values of one layer of experts in a graph. */
export interface Routed {
  /** [T, chosen] int64, by descending score for choosing. */
  readonly ids: string;
  /** [T, chosen] */
  readonly weights: string;
  /** [T, D], what the layer adds to the residual. */
  readonly output: string;
}

/**
 * A layer of experts. x [T, D], normed, and `stream` [T, D], before that norm. Every expert runs on all tokens, and those not routed to it
 * get weight 0: exact, and without
 * data-dependent shapes.
 */
export function runExperts(graph: OnnxGraph, x: string, layer: Experts, stream: string): Routed {
  const { norms } = layer;
  const named = (name: string, value: string): string => graph.name(name, value);
  const routed =
    norms === undefined
      ? x
      : named('routerInput', scaleBy(graph, named('routerNormed', normalize(graph, stream, norms.router)), norms.routerScale));
  const wide = norms === undefined ? x : named('expertsNormed', normalize(graph, stream, norms.experts));
  const read = layer.latent === undefined ? wide : named('expertsLatent', project(graph, wide, layer.latent.down));
  const { ids, weights } = route(graph, routed, layer);
  const tokens = graph.op('Shape', [weights], { start: { int: 0 }, end: { int: 1 } });
  const zeros = graph.op('Expand', [graph.float(0), graph.op('Concat', [tokens, graph.ints(layer.experts.length)], { axis: { int: 0 } })]);
  const byExpert = graph.op('ScatterElements', [zeros, ids, weights], { axis: { int: 1 } });
  const columns = graph.ops('Split', [byExpert, graph.ints(...layer.experts.map(() => 1))], layer.experts.length, { axis: { int: 1 } });
  const byExperts = layer.experts.map((expert, index) => {
    const column = columns[index] ?? '';
    if (layer.scalesInput !== true) return graph.op('Mul', [runMlp(graph, read, expert, null, `expert.${index}.`), column]);
    return runMlp(graph, graph.name(`expert.${index}.expertInput`, graph.op('Mul', [read, column])), expert, null, `expert.${index}.`);
  });
  if (norms !== undefined && layer.shared !== null) {
    const chosen = named('mixture', graph.op('Sum', byExperts));
    const shared = runMlp(graph, x, layer.shared.mlp, null, 'shared.');
    const output = graph.op('Add', [
      named('mixtureNormed', normalize(graph, chosen, norms.behindExperts)),
      named('sharedNormed', normalize(graph, shared, norms.behindShared)),
    ]);
    return { ids, weights, output: named('mlpOutput', output) };
  }
  const parts = layer.latent === undefined ? byExperts : [named('mixture', project(graph, graph.op('Sum', byExperts), layer.latent.up))];
  if (layer.shared !== null) {
    const shared = runMlp(graph, x, layer.shared.mlp, null, 'shared.');
    const { gate } = layer.shared;
    parts.push(
      gate === null
        ? shared
        : graph.op('Mul', [
            shared,
            graph.name('sharedGate', graph.op('Sigmoid', [graph.name('sharedGateLogit', project(graph, x, gate))])),
          ]),
    );
  }
  return { ids, weights, output: graph.name('mlpOutput', graph.op('Sum', parts)) };
}

function route(graph: OnnxGraph, x: string, layer: Experts): { readonly ids: string; readonly weights: string } {
  const { score, correction, groups, chosen, normalised, scale, scales } = layer;
  const logits = graph.name('routerLogits', project(graph, x, layer.router));
  if (score === 'softmaxOfChosen') {
    const [best = '', ids = ''] = graph.ops('TopK', [logits, graph.ints(chosen)], 2, { axis: { int: -1 } });
    return { ids, weights: graph.op('Softmax', [best], { axis: { int: -1 } }) };
  }
  if (score === 'sparseMixer') return sparseMixer(graph, logits, layer);
  const scores = graph.name(
    'routerScores',
    score === 'softmax' ? graph.op('Softmax', [logits], { axis: { int: -1 } }) : graph.op('Sigmoid', [logits]),
  );
  const corrected = correction === null ? scores : graph.op('Add', [scores, graph.weight(correction)]);
  const allowed = groups === null ? corrected : keepGroups(graph, corrected, groups, layer.experts.length);
  const [, ids = ''] = graph.ops('TopK', [allowed, graph.ints(chosen)], 2, { axis: { int: -1 } });
  const picked = graph.op('GatherElements', [scores, ids], { axis: { int: 1 } });
  const shares = normalised ? graph.op('Div', [picked, divisor(graph, graph.op('ReduceSum', [picked, graph.ints(-1)]), layer)]) : picked;
  const scaled = scaleBy(graph, shares, scale);
  return { ids, weights: scales === undefined ? scaled : graph.op('Mul', [scaled, graph.op('Gather', [graph.weight(scales), ids])]) };
}

/**
 * SparseMixer, as at inference: the best expert's weight is its softmax among those whose logits s are near it, (best - s) / max(|s|, best)
 * <= 2 jitter; the second's is the same without the best. Which are near is a constant.
 */
function sparseMixer(
  graph: OnnxGraph,
  logits: string,
  { experts, jitter = 0 }: Experts,
): { readonly ids: string; readonly weights: string } {
  const size = graph.op('Abs', [logits]);
  const best = (of: string): { readonly id: string; readonly weight: string } => {
    const [most = '', id = ''] = graph.ops('TopK', [of, graph.ints(1)], 2, { axis: { int: -1 } });
    const distance = graph.op('Div', [graph.op('Sub', [most, logits]), graph.op('Max', [size, most])]);
    const near = graph.op('Where', [graph.op('Greater', [distance, graph.float(2 * jitter)]), graph.float(LOWEST), of]);
    const shares = graph.op('Softmax', [near], { axis: { int: -1 } });
    return { id, weight: graph.op('GatherElements', [shares, id], { axis: { int: 1 } }) };
  };
  const first = best(logits);
  const chosen = graph.op('Reshape', [
    graph.op('OneHot', [first.id, graph.ints(experts.length), graph.floats(0, 1)]),
    graph.ints(-1, experts.length),
  ]);
  const others = graph.op('Where', [graph.op('Cast', [chosen], { to: { int: DATA_TYPE.bool } }), graph.float(LOWEST), logits]);
  const second = best(others);
  const pair = { axis: { int: 1 } };
  return { ids: graph.op('Concat', [first.id, second.id], pair), weights: graph.op('Concat', [first.weight, second.weight], pair) };
}

/** What the chosen weights are divided by: their sum, kept from being 0 as the family's reference does it. */
function divisor(graph: OnnxGraph, sum: string, { leastSum, addedToSum = TINY }: Experts): string {
  if (leastSum === undefined) return graph.op('Add', [sum, graph.float(addedToSum)]);
  return graph.op('Clip', [sum, graph.float(leastSum), graph.float(-LOWEST)]);
}

/** [T, experts] with the scores outside the best groups lowered, so that none of them is chosen. */
function keepGroups(graph: OnnxGraph, scores: string, { count, kept, by }: NonNullable<Experts['groups']>, experts: number): string {
  const grouped = graph.op('Reshape', [scores, graph.ints(-1, count, experts / count)]);
  const [best = ''] = graph.ops('TopK', [grouped, graph.ints(by === 'best' ? 1 : 2)], 2, { axis: { int: -1 } });
  const quality = graph.op('ReduceSum', [best, graph.ints(-1)], { keepdims: { int: 0 } });
  const [, keptGroups = ''] = graph.ops('TopK', [quality, graph.ints(kept)], 2, { axis: { int: -1 } });
  // One row of 0 and 1 for each kept group, then their sum: [T, kept, count] -> [T, count, 1].
  const oneHot = graph.op('OneHot', [keptGroups, graph.ints(count), graph.floats(0, 1)]);
  const keep = graph.op('ReduceSum', [oneHot, graph.ints(1)], { keepdims: { int: 0 } });
  const chosen = graph.op('Cast', [graph.op('Unsqueeze', [keep, graph.ints(-1)])], { to: { int: DATA_TYPE.bool } });
  return graph.op('Reshape', [graph.op('Where', [chosen, grouped, graph.float(LOWEST)]), graph.ints(-1, experts)]);
}
