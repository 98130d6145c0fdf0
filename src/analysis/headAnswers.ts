import { firstSeen } from '../core/keyWindow.ts';
import { headShades } from '../core/headMetrics.ts';
import { cutsIn, isCut, patternOf } from '../core/interventions.ts';
import type { Run } from '../core/run.ts';
import { at, dot, row, tensor, type Tensor } from '../core/tensor.ts';
import type { AttentionCell, ModelInfo } from '../core/trace.ts';
import type { HeadAttention } from '../model/run/headAttention.ts';
import type { LanguageModel } from '../model/languageModel.ts';
import type { Trace } from '../model/run/forwardTrace.ts';
import { checkHead, checkIndex, traceOf, type AnswerContext, type Answers } from './answering.ts';
import { layerOf } from './traceRows.ts';

/** Most cells on each side of a thumbnail. */
const MAX_THUMBNAIL_SIDE = 48;
/** Most bytes of all thumbnails together, which travel in the message of the explanation. */
const MAX_THUMBNAIL_BYTES = 400 * 1024;

/** Cells on each side of every head's thumbnail, for a text of `tokens` tokens. */
export function thumbnailSide({ layers, heads }: Pick<ModelInfo, 'layers' | 'heads'>, tokens: number): number {
  return Math.max(1, Math.min(tokens, MAX_THUMBNAIL_SIDE, Math.floor(Math.sqrt(MAX_THUMBNAIL_BYTES / (layers * heads)))));
}

/**
 * Answers about the attention of one head: all weights, a picture of them, one row, or one weight with its computation; and the
 * vectors that latent attention caches for a token.
 */
export const headAnswers: Pick<Answers, 'attention' | 'attentionPicture' | 'attentionRow' | 'attentionCell' | 'latent'> = {
  attention: async (context, run, { layer, head }) => {
    const { weights, sink } = await headOf(context, run, layer, head);
    return { layer, head, weights: weights.data, ...(sink === null ? {} : { sink }) };
  },
  attentionPicture: async (context, run, { layer, head }) => {
    const { weights, sink } = await headOf(context, run, layer, head);
    return { layer, head, ...headShades(weights.data, at(weights.dims, 0)), ...(sink === null ? {} : { sink }) };
  },
  attentionRow: async (context, run, { layer, head, query }) => {
    checkIndex('query', query, run.ids.length);
    const { weights, sink } = await headOf(context, run, layer, head);
    return { layer, head, query, weights: row(weights, query).subarray(0, query + 1), ...(sink === null ? {} : { sink: at(sink, query) }) };
  },
  attentionCell: async (context, run, { layer, head, query, key }) => {
    const { model } = context.open;
    checkHead(model, layer, head);
    checkIndex('query', query, run.ids.length);
    checkIndex('key', key, run.ids.length);
    return attentionCell(model, await traceOf(context, run), layer, head, query, key);
  },
  latent: async (context, run, { layer, token }) => {
    const { heads, headDim, layers } = context.open.model.info;
    checkIndex('layer', layer, layers);
    checkIndex('token', token, run.ids.length);
    const trace = await traceOf(context, run);
    const latent = trace.latent?.[layer];
    if (latent === undefined) throw new RangeError(`Layer ${layer} has no latent attention.`);
    const valueDim = at(layerOf(trace.v, layer).dims, 2);
    return {
      layer,
      token,
      compressed: row(latent.compressed, token),
      sharedKey: row(latent.sharedKey, token),
      full: heads * (headDim + valueDim),
    };
  },
};

async function headOf(context: AnswerContext, run: Run, layer: number, head: number): Promise<HeadAttention> {
  checkHead(context.open.model, layer, head);
  return context.cache.head(await traceOf(context, run), layer, head);
}

/** The computation of one attention weight, redone in float64 from the model's own queries and keys. */
export async function attentionCell(
  model: LanguageModel,
  trace: Trace,
  layer: number,
  head: number,
  query: number,
  key: number,
): Promise<AttentionCell> {
  const kvHeads = at(layerOf(trace.k, layer).dims, 0);
  const kvHead = Math.floor(head / (model.info.heads / kvHeads));
  const vector = (tensors: readonly Tensor[], owner: number, token: number): Float32Array => headRow(layerOf(tensors, layer), owner, token);
  const q = vector(trace.q, head, query);
  const k = vector(trace.k, kvHead, key);
  const steps = await model.scoreSteps(layer, head, Math.max(query, key), trace.run.ids.length);
  const { softCap, window } = steps;
  // A head that is told what to attend to has no scores of its own.
  const own = patternOf(trace.run.recipe, layer, head) === 'own';
  const [scale, bias, sink] = own ? [steps.scale, steps.bias, steps.sink] : [0, null, null];
  const capped = (scaled: number): number => (softCap === null ? scaled : softCap * Math.tanh(scaled / softCap));
  const biasOf = (token: number): number => (bias === null ? 0 : at(bias, token));
  const firstKey = firstSeen(window, query);
  const cuts = cutsIn(trace.run.recipe, layer, window);
  const scores = Array.from({ length: query - firstKey + 1 }, (_, i) => firstKey + i)
    .filter((seen) => !isCut(cuts, head, query, seen))
    .map((seen) => capped(dot(q, vector(trace.k, kvHead, seen)) * scale) + biasOf(seen));
  const rowMax = scores.reduce((max, score) => Math.max(max, score), sink ?? -Infinity);
  const sinkShare = sink === null ? 0 : Math.exp(sink - rowMax);
  const rowSum = scores.reduce((sum, score) => sum + Math.exp(score - rowMax), sinkShare);
  const product = dot(q, k);
  const scaled = product * scale;
  const score = capped(scaled) + biasOf(key);
  const cut = isCut(cuts, head, query, key);
  const masked = key > query || key < firstKey || cut;
  return {
    layer,
    head,
    query,
    key,
    q,
    k,
    v: vector(trace.v, kvHead, key),
    dot: product,
    scale,
    scaled,
    ...(softCap === null ? {} : { softCap, capped: capped(scaled) }),
    ...(bias === null ? {} : { bias: biasOf(key) }),
    ...(softCap === null && bias === null ? {} : { score }),
    ...(window === null ? {} : { window: typeof window === 'number' ? window : window.chunk, firstKey }),
    ...(sink === null ? {} : { sink: { score: sink, weight: sinkShare / rowSum } }),
    masked,
    ...(cut ? { cut } : {}),
    rowScores: Float32Array.from(scores),
    rowMax,
    rowSum,
    weight: masked ? 0 : Math.exp(score - rowMax) / rowSum,
  };
}

/** The vector of one token and head in a [heads, T, dh] tensor, as a view. */
function headRow(t: Tensor, head: number, token: number): Float32Array {
  const tokens = at(t.dims, 1);
  const flat = tensor([at(t.dims, 0) * tokens, at(t.dims, 2)], t.data);
  return row(flat, head * tokens + token);
}
