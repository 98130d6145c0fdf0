import { topIndices } from '../core/probability.ts';
import { principalComponents } from '../core/projection.ts';
import { at, dot, owned, row, tensor, type Tensor } from '../core/tensor.ts';
import type { AttentionCell, AttentionMap, Distribution, LensLayer, Projection } from '../core/trace.ts';
import type { LanguageModel, Trace } from '../model/languageModel.ts';
import { nextIds, rowsBetween } from './predictions.ts';

/** Candidates of a distribution that are named: more than a list on screen shows. */
const NAMED_CANDIDATES = 200;

/** Readings of every id in `ids`, once. */
export function piecesOf(ids: Int32Array, piece: (id: number) => string): Record<number, string> {
  const pieces: Record<number, string> = {};
  for (const id of ids) pieces[id] ??= piece(id);
  return pieces;
}

/** One head of a layer's attention [H, T, T]. */
export function attentionMap(weights: Tensor, layer: number, head: number): AttentionMap {
  const size = at(weights.dims, 1) ** 2;
  return { layer, head, weights: weights.data.slice(head * size, (head + 1) * size) };
}

/** How one weight came about, recomputed in float64 from the model's own queries and keys. */
export function attentionCell(model: LanguageModel, trace: Trace, layer: number, head: number, query: number, key: number): AttentionCell {
  const { heads, kvHeads } = model.info;
  const kvHead = Math.floor(head / (heads / kvHeads));
  const vector = (tensors: readonly Tensor[], owner: number, token: number): Float32Array => headRow(layerOf(tensors, layer), owner, token);
  const q = vector(trace.q, head, query);
  const scale = model.attentionScale(layer);
  const scores = Array.from({ length: query + 1 }, (_, token) => dot(q, vector(trace.k, kvHead, token)) * scale);
  const rowMax = scores.reduce((max, score) => Math.max(max, score), -Infinity);
  const rowSum = scores.reduce((sum, score) => sum + Math.exp(score - rowMax), 0);
  const k = vector(trace.k, kvHead, key);
  const product = dot(q, k);
  const masked = key > query;
  return {
    layer, head, query, key, q, k,
    v: vector(trace.v, kvHead, key),
    dot: product,
    scale,
    scaled: product * scale,
    masked,
    rowScores: Float32Array.from(scores),
    rowMax,
    rowSum,
    weight: masked ? 0 : Math.exp(product * scale - rowMax) / rowSum,
  };
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

/** Logits over the whole vocabulary after one position. */
export async function distribution(model: LanguageModel, trace: Trace, position: number, piece: (id: number) => string): Promise<Distribution> {
  const final = layerOf(trace.resid, model.info.layers);
  const logits = owned((await model.logits(rowsBetween(final, position, position + 1))).data);
  const topIds = new Int32Array(topIndices(logits, Math.min(NAMED_CANDIDATES, logits.length)));
  return { position, logits, topIds, pieces: piecesOf(topIds, piece) };
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
