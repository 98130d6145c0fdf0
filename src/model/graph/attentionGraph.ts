import type { Attention, DecoderSpec, FusedLayout, HeadNorm, LatentProjections, Linear } from '../families/spec.ts';
import { attentionsOf } from '../families/mixers.ts';
import { maskName, type LayerInputs } from './inputs.ts';
import { changed, cutInput, type Interventions } from './interventionInputs.ts';
import { cap, normalize, normalizeHeads, project } from './norm.ts';
import { DATA_TYPE, OnnxGraph } from './onnx.ts';
import { rotate } from './positionsGraph.ts';

/** Values of one layer's attention in a graph. */
export interface AttentionValues {
  /** [heads, T, headDim], after positions. */
  readonly q: string;
  /** [kvHeads, T, headDim], after positions. */
  readonly k: string;
  /** [kvHeads, T, valueDim] */
  readonly v: string;
  /** [T, D], what the layer adds to the residual. */
  readonly output: string;
  /**
   * With latent attention: [T, rank], from which the keys and values of all heads are computed, and [1, T, rotated], the part of the
   * key that they share.
   */
  readonly latent: { readonly compressed: string; readonly sharedKey: string } | null;
}

/** So far below every score that after the softmax nothing is left. */
export const FAR = 1e30;

/** `gate` [heads, T, valueDim]: what each head's output is multiplied by the sigmoid of; null: by nothing. */
type Heads = Omit<AttentionValues, 'output'> & { readonly gate: string | null };

/**
 * What one layer alone is given besides the residual: keys and values that queries attend to, those of earlier tokens or of the whole
 * text including their own, [kvHeads, P or S, headDim or valueDim]; and what a recipe does to it.
 */
export interface LayerGiven extends Interventions {
  readonly of: 'past' | 'whole';
  readonly k: string;
  readonly v: string;
  /** These tokens' own keys and values, where another layer made them; null: this layer does. */
  readonly own: { readonly k: string; readonly v: string } | null;
}

/** Attention of one layer. x [T, D], normed; `inputs` names the graph's mask [T, S] and rope tables. */
export function attend(
  graph: OnnxGraph,
  x: string,
  given: LayerGiven,
  attention: Attention,
  spec: DecoderSpec,
  inputs: LayerInputs,
): AttentionValues {
  const { heads, kvHeads, valueDim } = spec;
  const made =
    attention.projections.kind === 'latent'
      ? latentHeads(graph, x, attention, attention.projections, spec, inputs)
      : plainHeads(graph, x, attention, given.own, spec, inputs);
  const grouped = heads !== kvHeads;
  const mask = maskName(attention.window);
  const sinks = attention.sinks === null ? null : graph.weight(attention.sinks);
  const all = (other: string, own: string): string =>
    given.of === 'whole' ? other : graph.op('Concat', [other, own], { axis: { int: 1 } });
  const { weights } = attentionWeights(
    graph,
    { q: made.q, k: all(given.k, made.k), mask, cut: given.cut, scale: given.scoreScales, own: given.ownScores, sinks },
    spec,
  );
  // The query heads of a group lie one after another, so [heads, T, S] read as [kvHeads, heads / kvHeads * T, S] meets its group's values.
  const size = graph.op('Shape', [mask], { start: { int: 1 } });
  const shared = grouped
    ? graph.op('Reshape', [weights, graph.op('Concat', [graph.ints(kvHeads, -1), size], { axis: { int: 0 } })])
    : weights;
  const mixed = graph.op('MatMul', [shared, all(given.v, made.v)]);
  const perHead = graph.name('z', grouped ? graph.op('Reshape', [mixed, graph.ints(heads, -1, valueDim)]) : mixed);
  const gateOf = (logits: string): string => graph.name('headGates', graph.op('Sigmoid', [graph.name('headGateLogits', logits)]));
  const gated = made.gate === null ? perHead : graph.name('zGated', graph.op('Mul', [perHead, gateOf(made.gate)]));
  const kept = changed(graph, gated, given.heads);
  const joined = graph.name(
    'concatenatedHeads',
    graph.op('Reshape', [graph.op('Transpose', [kept], { perm: { ints: [1, 0, 2] } }), graph.ints(-1, heads * valueDim)]),
  );
  return { ...made, output: graph.name('attentionOutput', project(graph, joined, attention.output)) };
}

function plainHeads(
  graph: OnnxGraph,
  x: string,
  attention: Attention,
  given: LayerGiven['own'],
  spec: DecoderSpec,
  { ropes }: LayerInputs,
): Heads {
  const { heads, kvHeads, headDim, valueDim } = spec;
  const { queryKeyNorm: norms, rope } = attention;
  const { q: wholeQ, keyValue } = projectHeads(graph, x, attention, spec);
  const { q: flatQ, gate } = separateGates(graph, x, wholeQ, attention.gates, spec);
  const clipped = (flat: string): string =>
    attention.clip === null ? flat : graph.op('Clip', [flat, graph.float(-attention.clip), graph.float(attention.clip)]);
  const place = (name: string, flat: string, count: number, norm: HeadNorm | null): string => {
    const joined =
      norm?.kind === 'joined' ? graph.name(`${name}Normed`, normalize(graph, graph.name(name, flat), norm.norm)) : graph.name(name, flat);
    const split = splitHeads(graph, clipped(joined), count, headDim);
    const normed =
      norm === null || norm.kind === 'joined'
        ? (value: string): string => value
        : (value: string): string => graph.name(`${name}Normed`, normalizeHeads(graph, value, norm));
    const turned = (value: string): string =>
      rope === null ? value : graph.name(`${name}Rotated`, rotate(graph, value, rope, ropes.indexOf(rope)));
    return norms?.when === 'afterRope' ? normed(turned(split)) : turned(normed(split));
  };
  const placed = place('query', flatQ, heads, norms?.query ?? null);
  const q = scaledByPosition(graph, placed, attention.queryScale);
  if (keyValue === null) {
    if (given === null) throw new Error('A layer with queries alone is given keys and values.');
    return { q, ...given, latent: null, gate };
  }
  const v = splitHeads(graph, clipped(graph.name('value', keyValue.v)), kvHeads, valueDim);
  return {
    q,
    k: place('key', keyValue.k, kvHeads, norms?.key ?? null),
    v: attention.valueNorm === null ? v : graph.name('valueNormed', normalize(graph, v, attention.valueNorm)),
    latent: null,
    gate,
  };
}

/** Queries times the graph's table of their positions' factors; queries themselves where there are none. */
function scaledByPosition(graph: OnnxGraph, q: string, queryScale: Attention['queryScale']): string {
  return queryScale === null ? q : graph.name('queryScaled', graph.op('Mul', [q, 'queryScale']));
}

function latentHeads(
  graph: OnnxGraph,
  x: string,
  { rope, queryScale }: Attention,
  projections: LatentProjections,
  spec: DecoderSpec,
  { ropes }: LayerInputs,
): Heads {
  const { heads, headDim, valueDim } = spec;
  const { query, down, norm, up, rank, plain, rotated } = projections;
  const turned = (value: string): string => (rope === null ? value : rotate(graph, value, rope, ropes.indexOf(rope)));
  const split = (value: string, first: number, second: number): readonly [string, string] => {
    const [a = '', b = ''] = graph.ops('Split', [value, graph.ints(first, second)], 2, { axis: { int: -1 } });
    return [a, b];
  };
  const narrowQ = (narrowing: Exclude<LatentProjections['query'], Linear>): string =>
    graph.name('queryDownNormed', normalize(graph, graph.name('queryDown', project(graph, x, narrowing.down)), narrowing.norm));
  const flatQ = graph.name('query', 'down' in query ? project(graph, narrowQ(query), query.up) : project(graph, x, query));
  const [plainQ, rotatedQ] = split(splitHeads(graph, flatQ, heads, headDim), plain, rotated);
  const [narrow, flatKey] = split(graph.name('latent', project(graph, x, down)), rank, rotated);
  const compressed = graph.name('latentNormed', normalize(graph, narrow, norm));
  const sharedKey = graph.name('sharedKeyRotated', turned(splitHeads(graph, flatKey, 1, rotated)));
  const [plainK, v] = split(
    splitHeads(graph, graph.name('keyValue', project(graph, compressed, up)), heads, plain + valueDim),
    plain,
    valueDim,
  );
  const placed = graph.name('queryRotated', graph.op('Concat', [plainQ, turned(rotatedQ)], { axis: { int: -1 } }));
  const q = scaledByPosition(graph, placed, queryScale);
  const k = graph.op('Concat', [plainK, graph.op('Expand', [sharedKey, graph.ints(heads, 1, 1)])], { axis: { int: -1 } });
  return { q, k, v, latent: { compressed, sharedKey }, gate: null };
}

/**
 * Queries [T, heads * headDim], and the gates before their sigmoid [heads, T, valueDim]; null: heads have none. `made`: what the query
 * matrix computes of x [T, D].
 */
export function separateGates(
  graph: OnnxGraph,
  x: string,
  made: string,
  gates: Attention['gates'],
  spec: DecoderSpec,
): { readonly q: string; readonly gate: string | null } {
  if (gates === null) return { q: made, gate: null };
  if (gates !== 'behindQueries') return { q: made, gate: splitHeads(graph, project(graph, x, gates), spec.heads, spec.valueDim) };
  const [q, gate] = splitGate(graph, made, spec);
  return { q, gate };
}

/** Of [T, heads * 2 headDim], each head's query and gate, the queries [T, heads * headDim] and the gates [heads, T, headDim]. */
function splitGate(graph: OnnxGraph, both: string, { heads, headDim }: DecoderSpec): readonly [string, string] {
  const byHead = graph.op('Reshape', [both, graph.ints(-1, heads, 2 * headDim)]);
  const [q = '', gate = ''] = graph.ops('Split', [byHead, graph.ints(headDim, headDim)], 2, { axis: { int: -1 } });
  return [graph.op('Reshape', [q, graph.ints(-1, heads * headDim)]), graph.op('Transpose', [gate], { perm: { ints: [1, 0, 2] } })];
}

/** [T, count * width] -> [count, T, width]. */
function splitHeads(graph: OnnxGraph, flat: string, count: number, width: number): string {
  return graph.op('Transpose', [graph.op('Reshape', [flat, graph.ints(-1, count, width)])], { perm: { ints: [1, 0, 2] } });
}

/**
 * Names of the values that scores are computed from; `mask` [T, S], `cut` as in `Interventions`, `scale` [heads, 1, 1], `own` as
 * `ownScores` there (null: what is given is so already), `sinks` [heads] or null.
 */
export interface ScoreValues {
  readonly q: string;
  readonly k: string;
  readonly mask: string;
  readonly cut: string;
  readonly scale: string;
  readonly own: string | null;
  readonly sinks: string | null;
}

/** Attention weights in a graph. */
interface WeightValues {
  /** [heads, T, S] after softmax. */
  readonly weights: string;
  /** [heads, T, 1], a sink's share of each row; null without sinks. */
  readonly sink: string | null;
  /** Adds the weights' natural logs to the graph, [heads, T, S]: finite also of weights of 0. */
  readonly logs: () => string;
}

/**
 * softmax(cap(q k^T * scale) + bias + min(mask, cut)) over S keys (Vaswani et al. 2017, equation 1).
 * `bias` [heads, 1, S] is an input of the graph where positions are ALiBi.
 */
export function attentionWeights(
  graph: OnnxGraph,
  values: ScoreValues,
  { heads, kvHeads, headDim, scoreCap, positions }: DecoderSpec,
): WeightValues {
  const { q, k, mask, cut, scale, own, sinks } = values;
  const grouped = heads !== kvHeads;
  const queries = grouped ? graph.op('Reshape', [q, graph.ints(kvHeads, -1, headDim)]) : q;
  const dots = graph.contrib('FusedMatMul', [queries, k], { transB: { int: 1 } });
  const size = graph.op('Shape', [mask]);
  const perHead = graph.name(
    'dots',
    grouped ? graph.op('Reshape', [dots, graph.op('Concat', [graph.ints(heads), size], { axis: { int: 0 } })]) : dots,
  );
  const scaled = graph.name('scaledScores', graph.op('Mul', [perHead, scale]));
  const capped = scoreCap === null ? scaled : graph.name('cappedScores', cap(graph, scaled, scoreCap));
  const bias = (given: string | null): string => (given === null ? 'bias' : graph.narrow(graph.op('Mul', ['bias', given])));
  const biased = positions.kind === 'alibi' ? graph.name('biasedScores', graph.op('Add', [capped, bias(own)])) : capped;
  const scores = graph.op('Add', [biased, graph.op('Min', [mask, cut])]);
  const last = { axis: { int: -1 } };
  if (sinks === null)
    return {
      weights: graph.name('weights', graph.op('Softmax', [scores], last)),
      sink: null,
      logs: () => graph.op('LogSoftmax', [scores], last),
    };
  const queryCount = graph.op('Shape', [mask], { start: { int: 0 }, end: { int: 1 } });
  const keyCount = graph.op('Shape', [mask], { start: { int: 1 } });
  const stored = graph.op('Reshape', [sinks, graph.ints(heads, 1, 1)]);
  const column = graph.op('Expand', [
    own === null ? stored : graph.op('Add', [stored, graph.op('Mul', [graph.op('Sub', [own, graph.float(1)]), graph.float(FAR)])]),
    graph.op('Concat', [graph.ints(heads), queryCount, graph.ints(1)], { axis: { int: 0 } }),
  ]);
  const all = graph.op('Concat', [scores, column], last);
  const sizes = graph.op('Concat', [keyCount, graph.ints(1)], { axis: { int: 0 } });
  const apart = (both: string): readonly string[] => graph.ops('Split', [both, sizes], 2, last);
  const [weights = '', sink = ''] = apart(graph.op('Softmax', [all], last));
  return { weights: graph.name('weights', weights), sink, logs: () => apart(graph.op('LogSoftmax', [all], last))[0] ?? '' };
}

/** Queries [T, heads * headDim], and keys and values [T, kvHeads * headDim] each; null: the layer makes none. */
function projectHeads(
  graph: OnnxGraph,
  x: string,
  { projections }: Attention,
  spec: DecoderSpec,
): { readonly q: string; readonly keyValue: { readonly k: string; readonly v: string } | null } {
  if (projections.kind === 'queryAlone') return { q: project(graph, x, projections.q), keyValue: null };
  if (projections.kind === 'separate') {
    const k = project(graph, x, projections.k);
    return { q: project(graph, x, projections.q), keyValue: { k, v: projections.v === null ? k : project(graph, x, projections.v) } };
  }
  if (projections.kind === 'fused') {
    const [q, k, v] = splitFused(graph, project(graph, x, projections.qkv), projections.layout, spec);
    return { q, keyValue: { k, v } };
  }
  throw new Error('Latent attention makes its heads itself.');
}

function splitFused(
  graph: OnnxGraph,
  fused: string,
  { groups, order }: FusedLayout,
  { heads, kvHeads, headDim }: DecoderSpec,
): readonly [string, string, string] {
  const [queries, keys] = [(heads / groups) * headDim, (kvHeads / groups) * headDim];
  const grouped = groups === 1 ? fused : graph.op('Reshape', [fused, graph.ints(-1, groups, queries + 2 * keys)]);
  const [q = '', second = '', third = ''] = graph.ops('Split', [grouped, graph.ints(queries, keys, keys)], 3, { axis: { int: -1 } });
  const flat = (value: string, count: number): string =>
    groups === 1 ? value : graph.op('Reshape', [value, graph.ints(-1, count * headDim)]);
  const [k, v] = order === 'qkv' ? [second, third] : [third, second];
  return [flat(q, heads), flat(k, kvHeads), flat(v, kvHeads)];
}

/**
 * The inputs of a graph that computes the attention weights of a layer from its stored queries and keys: `q` [heads, T, headDim], `k`
 * [kvHeads, S or more, headDim], of which the first S are seen; `mask` [T, S], `cut`, `scale` [heads, 1, 1]; `bias` [heads, 1, S] with
 * ALiBi; `sinks` [heads] with sinks.
 */
export function attentionInputs(graph: OnnxGraph, spec: DecoderSpec): ScoreValues {
  const { float32 } = DATA_TYPE;
  const { heads, kvHeads, headDim } = spec;
  if (spec.positions.kind === 'alibi') graph.input('bias', float32, [heads, 1, 'S']);
  const mask = graph.input('mask', float32, ['T', 'S']);
  const k = graph.input('k', float32, [kvHeads, 'K', headDim]);
  const seen = graph.op('Shape', [mask], { start: { int: 1 } });
  return {
    q: graph.input('q', float32, [heads, 'T', headDim]),
    // Cut here, where it takes a tenth of the time that an array of their own takes for each part of a long text.
    k: graph.op('Slice', [k, graph.ints(0), seen, graph.ints(1)]),
    mask,
    cut: cutInput(graph),
    scale: graph.input('scale', float32, [heads, 1, 1]),
    own: null,
    sinks: attentionsOf(spec.blocks).some(({ sinks }) => sinks !== null) ? graph.input('sinks', float32, [heads]) : null,
  };
}

/**
 * The attention weights of a layer; the same graph for all layers. In: `attentionInputs`.
 * Out: `attention` [heads, T, S]; `sink` [heads, T, 1] with sinks.
 */
export function attentionGraph(spec: DecoderSpec): OnnxGraph {
  const graph = new OnnxGraph();
  const { float32 } = DATA_TYPE;
  const { heads } = spec;
  const { weights, sink } = attentionWeights(graph, attentionInputs(graph, spec), spec);
  graph.output('attention', weights, float32, [heads, 'T', 'S']);
  if (sink !== null) graph.output('sink', sink, float32, [heads, 'T', 1]);
  return graph;
}
