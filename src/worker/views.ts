import { headShades } from '../core/attention.ts';
import type { ForwardPath } from '../core/forwardPath.ts';
import { topIndices } from '../core/probability.ts';
import { principalComponents } from '../core/projection.ts';
import { at, dot, owned, row, tensor, type Tensor } from '../core/tensor.ts';
import type { AttentionCell, AttentionMap, AttentionPicture, AttentionRow, Distribution, ExpertRouting, LatentVector, LensLayer, Projection } from '../core/trace.ts';
import type { PathRequest } from '../model/forwardPath.ts';
import type { HeadAttention } from '../model/attention.ts';
import type { LanguageModel, Trace } from '../model/languageModel.ts';
import { nextIds } from './predictions.ts';

/** Candidates of a distribution that are named: more than a list on screen shows. */
const NAMED_CANDIDATES = 200;

/** Readings of every id in `ids`, once. */
export function piecesOf(ids: Int32Array, piece: (id: number) => string): Record<number, string> {
  const pieces: Record<number, string> = {};
  for (const id of ids) pieces[id] ??= piece(id);
  return pieces;
}

/** One head's weights; copies, as what is answered is moved to the other thread. */
export function attentionMap({ weights, sink }: HeadAttention, layer: number, head: number): AttentionMap {
  return { layer, head, weights: weights.data.slice(), ...(sink === null ? {} : { sink: sink.slice() }) };
}

/** The same head as a picture. */
export function attentionPicture({ weights, sink }: HeadAttention, layer: number, head: number): AttentionPicture {
  return { layer, head, ...headShades(weights.data, at(weights.dims, 0)), ...(sink === null ? {} : { sink: sink.slice() }) };
}

/** One query's weights in one head. */
export function attentionRow({ weights, sink }: HeadAttention, layer: number, head: number, query: number): AttentionRow {
  return { layer, head, query, weights: row(weights, query).slice(0, query + 1), ...(sink === null ? {} : { sink: at(sink, query) }) };
}

/** How one weight came about, recomputed in float64 from the model's own queries and keys. */
export async function attentionCell(model: LanguageModel, trace: Trace, layer: number, head: number, query: number, key: number): Promise<AttentionCell> {
  const { heads, kvHeads } = model.info;
  const kvHead = Math.floor(head / (heads / kvHeads));
  const vector = (tensors: readonly Tensor[], owner: number, token: number): Float32Array => headRow(layerOf(tensors, layer), owner, token);
  const q = vector(trace.q, head, query);
  const k = vector(trace.k, kvHead, key);
  const { scale, softCap, bias, window, sink } = await model.scoreSteps(layer, head, Math.max(query, key), trace.ids.length);
  const capped = (scaled: number): number => (softCap === null ? scaled : softCap * Math.tanh(scaled / softCap));
  const biasOf = (token: number): number => (bias === null ? 0 : at(bias, token));
  const firstKey = window === null ? 0 : Math.max(0, query - window + 1);
  const scores = Array.from({ length: query - firstKey + 1 }, (_, i) => capped(dot(q, vector(trace.k, kvHead, firstKey + i)) * scale) + biasOf(firstKey + i));
  const rowMax = scores.reduce((max, score) => Math.max(max, score), sink ?? -Infinity);
  const sinkShare = sink === null ? 0 : Math.exp(sink - rowMax);
  const rowSum = scores.reduce((sum, score) => sum + Math.exp(score - rowMax), sinkShare);
  const product = dot(q, k);
  const scaled = product * scale;
  const score = capped(scaled) + biasOf(key);
  const masked = key > query || key < firstKey;
  return {
    layer, head, query, key, q, k,
    v: vector(trace.v, kvHead, key),
    dot: product,
    scale,
    scaled,
    ...(softCap === null ? {} : { softCap, capped: capped(scaled) }),
    ...(bias === null ? {} : { bias: biasOf(key) }),
    ...(softCap === null && bias === null ? {} : { score }),
    ...(window === null ? {} : { window, firstKey }),
    ...(sink === null ? {} : { sink: { score: sink, weight: sinkShare / rowSum } }),
    masked,
    rowScores: Float32Array.from(scores),
    rowMax,
    rowSum,
    weight: masked ? 0 : Math.exp(score - rowMax) / rowSum,
  };
}

/** The experts of a layer that each token was sent to. Throws RangeError for a layer without experts. */
export function expertRouting(model: LanguageModel, trace: Trace, layer: number): ExpertRouting {
  const experts = model.info.special?.layers[layer]?.experts ?? null;
  const choice = trace.experts?.[layer] ?? null;
  if (experts === null || choice === null) throw new RangeError(`Layer ${layer} has no experts.`);
  // Copies: what is answered is moved to the other thread, and the trace stays.
  return { layer, count: experts.count, chosen: experts.chosen, ids: choice.ids.slice(), weights: choice.weights.data.slice() };
}

/** What latent attention keeps of a token. Throws RangeError for a model without. */
export function latentVector(model: LanguageModel, trace: Trace, layer: number, token: number): LatentVector {
  const latent = trace.latent?.[layer];
  if (latent === undefined) throw new RangeError(`Layer ${layer} has no latent attention.`);
  const { heads, headDim } = model.info;
  const valueDim = at(layerOf(trace.v, layer).dims, 2);
  return { layer, token, compressed: row(latent.compressed, token).slice(), sharedKey: row(latent.sharedKey, token).slice(), full: heads * (headDim + valueDim) };
}

/** Principal components of the token vectors; layer -1 is the static embedding. */
export function projection(trace: Trace, layer: number, skipFirst: boolean): Projection {
  const rows = layer === -1 ? trace.embedding : layerOf(trace.resid, layer);
  return { layer, ...principalComponents(rows, skipFirst), leftOut: skipFirst && trace.ids.length > 1 ? 1 : 0 };
}

/** The logit lens of one layer. */
export async function lensLayer(model: LanguageModel, trace: Trace, layer: number, piece: (id: number) => string): Promise<LensLayer> {
  const stats = await model.lens(layerOf(trace.resid, layer), layerOf(trace.resid, model.info.layers), 1, nextIds(trace.ids));
  const count = trace.ids.length;
  const nextRank = new Int32Array(stats.targetRank);
  const nextProb = Float32Array.from(stats.targetLogit, (logit, i) => Math.exp(logit - at(stats.logSumExp, i)));
  nextRank[count - 1] = 0;
  nextProb[count - 1] = NaN;
  return {
    layer,
    topIds: new Int32Array(stats.topIds),
    topProbs: Float32Array.from(stats.topLogits, (logit, i) => Math.exp(logit - at(stats.logSumExp, i))),
    nextRank,
    nextProb,
    entropy: owned(stats.entropyBits),
    kl: owned(stats.klBits),
    pieces: piecesOf(stats.topIds, piece),
  };
}

/** Logits over the whole vocabulary after one position, whose last residual is `final` [1, D]. */
export async function distribution(model: LanguageModel, final: Tensor, position: number, piece: (id: number) => string): Promise<Distribution> {
  const logits = owned((await model.logits(final)).data);
  const topIds = new Int32Array(topIndices(logits, Math.min(NAMED_CANDIDATES, logits.length)));
  return { position, logits, topIds, pieces: piecesOf(topIds, piece) };
}

/** The way of one token through the model. */
export async function forwardPath(model: LanguageModel, trace: Trace, request: PathRequest, piece: (id: number) => string): Promise<ForwardPath> {
  const { candidates, ...path } = await model.forwardPath(trace, request);
  return { ...path, pieces: piecesOf(candidates, piece) };
}

function layerOf(tensors: readonly Tensor[], layer: number): Tensor {
  const found = tensors[layer];
  if (found === undefined) throw new RangeError(`There is no layer ${layer}.`);
  return found;
}

/** Vector of one token in one head of a [heads, T, dh] tensor, in a buffer of its own. */
function headRow(t: Tensor, head: number, token: number): Float32Array {
  const tokens = at(t.dims, 1);
  const flat = tensor([at(t.dims, 0) * tokens, at(t.dims, 2)], t.data);
  return row(flat, head * tokens + token).slice();
}
