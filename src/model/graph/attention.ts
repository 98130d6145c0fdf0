import type { Attention, DecoderSpec, FusedLayout, LatentProjections, Linear, QueryKeyNorm } from '../families/spec.ts';
import { maskName, type LayerInputs } from './inputs.ts';
import { cap, normalize, normalizeHeads, project } from './norm.ts';
import { DATA_TYPE, OnnxGraph } from './onnx.ts';
import { rotate } from './positions.ts';

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
  /** With latent attention [T, rank], what the keys and values of all heads are made from, and [1, T, rotated], the part of the key that they share. */
  readonly latent: { readonly compressed: string; readonly sharedKey: string } | null;
}

type Heads = Omit<AttentionValues, 'output'>;

/** Keys and values that tokens look at: those of the tokens before them, or of the whole text with their own among them. [kvHeads, P or S, headDim or valueDim] */
export interface SeenValues {
  readonly of: 'past' | 'whole';
  readonly k: string;
  readonly v: string;
}

/** x [T, D], normed; `inputs` names the graph's mask [T, S] and rope tables. */
export function attend(graph: OnnxGraph, x: string, seen: SeenValues, attention: Attention, spec: DecoderSpec, inputs: LayerInputs): AttentionValues {
  const { heads, kvHeads, valueDim } = spec;
  const made = attention.projections.kind === 'latent'
    ? latentHeads(graph, x, attention, attention.projections, spec, inputs)
    : plainHeads(graph, x, attention, spec, inputs);
  const grouped = heads !== kvHeads;
  const mask = maskName(attention.window);
  const sinks = attention.sinks === null ? null : graph.weight(attention.sinks);
  const all = (other: string, own: string): string => (seen.of === 'whole' ? other : graph.op('Concat', [other, own], { axis: { int: 1 } }));
  const { weights } = attentionWeights(graph, { q: made.q, k: all(seen.k, made.k), mask, scale: graph.float(attention.scale), sinks }, spec);
  // The query heads of a group lie one after another, so [heads, T, S] read as [kvHeads, heads / kvHeads * T, S] meets its group's values.
  const size = graph.op('Shape', [mask], { start: { int: 1 } });
  const shared = grouped ? graph.op('Reshape', [weights, graph.op('Concat', [graph.ints(kvHeads, -1), size], { axis: { int: 0 } })]) : weights;
  const mixed = graph.op('MatMul', [shared, all(seen.v, made.v)]);
  const perHead = grouped ? graph.op('Reshape', [mixed, graph.ints(heads, -1, valueDim)]) : mixed;
  const joined = graph.name('joined', graph.op('Reshape', [graph.op('Transpose', [perHead], { perm: { ints: [1, 0, 2] } }), graph.ints(-1, heads * valueDim)]));
  return { ...made, output: graph.name('attentionOutput', project(graph, joined, attention.output)) };
}

function plainHeads(graph: OnnxGraph, x: string, attention: Attention, spec: DecoderSpec, { ropes }: LayerInputs): Heads {
  const { heads, kvHeads, headDim } = spec;
  const { queryKeyNorm: norms, rope } = attention;
  const [flatQ, flatK, flatV] = projectHeads(graph, x, attention, spec);
  const clipped = (flat: string): string => (attention.clip === null ? flat : graph.op('Clip', [flat, graph.float(-attention.clip), graph.float(attention.clip)]));
  const place = (name: string, flat: string, count: number, norm: QueryKeyNorm['query'] | undefined): string => {
    const joined = norm?.kind === 'joined' ? graph.name(`${name}Normed`, normalize(graph, graph.name(name, flat), norm.norm)) : graph.name(name, flat);
    const split = splitHeads(graph, clipped(joined), count, headDim);
    const normed = norm === undefined || norm.kind === 'joined' ? (value: string): string => value : (value: string): string => graph.name(`${name}Normed`, normalizeHeads(graph, value, norm));
    const turned = (value: string): string => (rope === null ? value : graph.name(`${name}Turned`, rotate(graph, value, rope, ropes.indexOf(rope))));
    return norms?.when === 'afterRope' ? normed(turned(split)) : turned(normed(split));
  };
  const v = splitHeads(graph, clipped(graph.name('value', flatV)), kvHeads, headDim);
  return { q: place('query', flatQ, heads, norms?.query), k: place('key', flatK, kvHeads, norms?.key), v, latent: null };
}

function latentHeads(graph: OnnxGraph, x: string, { rope }: Attention, projections: LatentProjections, spec: DecoderSpec, { ropes }: LayerInputs): Heads {
  const { heads, headDim, valueDim } = spec;
  const { query, down, norm, up, rank, plain, rotated } = projections;
  const turned = (value: string): string => (rope === null ? value : rotate(graph, value, rope, ropes.indexOf(rope)));
  const split = (value: string, first: number, second: number): readonly [string, string] => {
    const [a = '', b = ''] = graph.ops('Split', [value, graph.ints(first, second)], 2, { axis: { int: -1 } });
    return [a, b];
  };
  const narrowQ = (narrowing: Exclude<LatentProjections['query'], Linear>): string => graph.name('queryNarrowNormed', normalize(graph, graph.name('queryNarrow', project(graph, x, narrowing.down)), narrowing.norm));
  const flatQ = graph.name('query', 'down' in query ? project(graph, narrowQ(query), query.up) : project(graph, x, query));
  const [plainQ, rotatedQ] = split(splitHeads(graph, flatQ, heads, headDim), plain, rotated);
  const [narrow, flatKey] = split(graph.name('latent', project(graph, x, down)), rank, rotated);
  const compressed = graph.name('latentNormed', normalize(graph, narrow, norm));
  const sharedKey = graph.name('sharedKeyTurned', turned(splitHeads(graph, flatKey, 1, rotated)));
  const [plainK, v] = split(splitHeads(graph, graph.name('keyValue', project(graph, compressed, up)), heads, plain + valueDim), plain, valueDim);
  const q = graph.name('queryTurned', graph.op('Concat', [plainQ, turned(rotatedQ)], { axis: { int: -1 } }));
  const k = graph.op('Concat', [plainK, graph.op('Expand', [sharedKey, graph.ints(heads, 1, 1)])], { axis: { int: -1 } });
  return { q, k, v, latent: { compressed, sharedKey } };
}

/** [T, count * width] -> [count, T, width]. */
function splitHeads(graph: OnnxGraph, flat: string, count: number, width: number): string {
  return graph.op('Transpose', [graph.op('Reshape', [flat, graph.ints(-1, count, width)])], { perm: { ints: [1, 0, 2] } });
}

/** Names of the values that scores are made from; `sinks` [heads] or null. */
interface ScoreValues {
  readonly q: string;
  readonly k: string;
  readonly mask: string;
  readonly scale: string;
  readonly sinks: string | null;
}

/**
 * softmax(cap(q k^T * scale) + bias + mask): [heads, T, S] over S keys (Vaswani et al. 2017, equation 1), and with a sink [heads, T, 1] its share of each row.
 * `bias` [heads, 1, S] is an input of the graph where positions are ALiBi.
 */
function attentionWeights(graph: OnnxGraph, values: ScoreValues, { heads, kvHeads, headDim, scoreCap, positions }: DecoderSpec): { weights: string; sink: string | null } {
  const { q, k, mask, scale, sinks } = values;
  const grouped = heads !== kvHeads;
  const queries = grouped ? graph.op('Reshape', [q, graph.ints(kvHeads, -1, headDim)]) : q;
  const dots = graph.contrib('FusedMatMul', [queries, k], { transB: { int: 1 } });
  const size = graph.op('Shape', [mask]);
  const perHead = graph.name('dots', grouped ? graph.op('Reshape', [dots, graph.op('Concat', [graph.ints(heads), size], { axis: { int: 0 } })]) : dots);
  const scaled = graph.name('scaledScores', graph.op('Mul', [perHead, scale]));
  const capped = scoreCap === null ? scaled : graph.name('cappedScores', cap(graph, scaled, scoreCap));
  const biased = positions.kind === 'alibi' ? graph.name('biasedScores', graph.op('Add', [capped, 'bias'])) : capped;
  const scores = graph.op('Add', [biased, mask]);
  if (sinks === null) return { weights: graph.name('weights', graph.op('Softmax', [scores], { axis: { int: -1 } })), sink: null };
  const queryCount = graph.op('Shape', [mask], { start: { int: 0 }, end: { int: 1 } });
  const keyCount = graph.op('Shape', [mask], { start: { int: 1 } });
  const column = graph.op('Expand', [graph.op('Reshape', [sinks, graph.ints(heads, 1, 1)]), graph.op('Concat', [graph.ints(heads), queryCount, graph.ints(1)], { axis: { int: 0 } })]);
  const all = graph.op('Softmax', [graph.op('Concat', [scores, column], { axis: { int: -1 } })], { axis: { int: -1 } });
  const [weights = '', sink = ''] = graph.ops('Split', [all, graph.op('Concat', [keyCount, graph.ints(1)], { axis: { int: 0 } })], 2, { axis: { int: -1 } });
  return { weights: graph.name('weights', weights), sink };
}

/** [T, heads * headDim] and twice [T, kvHeads * headDim]. */
function projectHeads(graph: OnnxGraph, x: string, { projections }: Attention, spec: DecoderSpec): readonly [string, string, string] {
  if (projections.kind === 'separate') return [project(graph, x, projections.q), project(graph, x, projections.k), project(graph, x, projections.v)];
  if (projections.kind === 'fused') return splitFused(graph, project(graph, x, projections.qkv), projections.layout, spec);
  throw new Error('Latent attention makes its heads itself.');
}

function splitFused(graph: OnnxGraph, fused: string, { groups, order }: FusedLayout, { heads, kvHeads, headDim }: DecoderSpec): readonly [string, string, string] {
  const [queries, keys] = [(heads / groups) * headDim, (kvHeads / groups) * headDim];
  const grouped = groups === 1 ? fused : graph.op('Reshape', [fused, graph.ints(-1, groups, queries + 2 * keys)]);
  const [q = '', second = '', third = ''] = graph.ops('Split', [grouped, graph.ints(queries, keys, keys)], 3, { axis: { int: -1 } });
  const flat = (value: string, count: number): string => (groups === 1 ? value : graph.op('Reshape', [value, graph.ints(-1, count * headDim)]));
  const [k, v] = order === 'qkv' ? [second, third] : [third, second];
  return [flat(q, heads), flat(k, kvHeads), flat(v, kvHeads)];
}

/**
 * The attention of one layer from its stored queries and keys, for any layer.
 * In: `q` [heads, T, headDim], `k` [kvHeads, S, headDim], `mask` [T, S], `scale` []; `bias` [heads, 1, S] with ALiBi; `sinks` [heads] with sinks.
 * Out: `attention` [heads, T, S]; `sink` [heads, T, 1] with sinks.
 */
export function attentionGraph(spec: DecoderSpec): OnnxGraph {
  const graph = new OnnxGraph();
  const { float32 } = DATA_TYPE;
  const { heads } = spec;
  graph.input('q', float32, [heads, 'T', spec.headDim]);
  graph.input('k', float32, [spec.kvHeads, 'S', spec.headDim]);
  graph.input('mask', float32, ['T', 'S']);
  graph.input('scale', float32, []);
  if (spec.positions.kind === 'alibi') graph.input('bias', float32, [heads, 1, 'S']);
  const sinks = spec.blocks.some(({ attention }) => attention.sinks !== null) ? graph.input('sinks', float32, [heads]) : null;
  const { weights, sink } = attentionWeights(graph, { q: 'q', k: 'k', mask: 'mask', scale: 'scale', sinks }, spec);
  graph.output('attention', weights, float32, [heads, 'T', 'S']);
  if (sink !== null) graph.output('sink', sink, float32, [heads, 'T', 1]);
  return graph;
}
