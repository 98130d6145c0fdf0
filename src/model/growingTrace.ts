import { tensor, type Tensor } from '../core/tensor.ts';
import type { DecoderSpec } from './families/spec.ts';
import type { Past } from './forward.ts';
import type { Trace } from './languageModel.ts';
import { itemOf } from './outputs.ts';
import { growingIds, growingRows } from './rows.ts';

/** What a forward pass keeps, of tokens that come one after another; the keys and values lie as the next pass reads them. */
export interface GrowingTrace {
  /** Tokens held. */
  readonly length: number;
  /** Adds the trace of the next tokens. */
  append(next: Trace): void;
  /** Forgets all tokens from position `length` on. */
  cut(length: number): void;
  /** The trace of tokens from..to, in buffers of its own. */
  slice(from: number, to: number): Trace;
  readonly past: Past;
  ids(from: number, to: number): Int32Array;
  /** [1, D], the last residual at a position. */
  final(position: number): Tensor;
  /** [heads, headDim] of the last token. */
  lastQuery(layer: number): Float32Array;
}

export function growingTrace(spec: DecoderSpec): GrowingTrace {
  const { heads, kvHeads, headDim, valueDim, dim, blocks } = spec;
  const embeddingDim = spec.embedding.shape[1] ?? dim;
  const ids = growingIds(1);
  const embedding = growingRows(1, embeddingDim);
  const resid = Array.from({ length: blocks.length + 1 }, () => growingRows(1, dim));
  const q = blocks.map(() => growingRows(heads, headDim));
  const k = blocks.map(() => growingRows(kvHeads, headDim));
  const v = blocks.map(() => growingRows(kvHeads, valueDim));
  const experts = blocks.map(({ mlp }) => (mlp.kind === 'experts' ? { chosen: mlp.chosen, ids: growingIds(mlp.chosen), weights: growingRows(1, mlp.chosen) } : null));
  const latent = blocks.flatMap(({ attention: { projections } }) => (projections.kind === 'latent'
    ? [{ rank: projections.rank, rotated: projections.rotated, compressed: growingRows(1, projections.rank), sharedKey: growingRows(1, projections.rotated) }]
    : []));
  const all = [ids, embedding, ...resid, ...q, ...k, ...v, ...experts.flatMap((layer) => (layer === null ? [] : [layer.ids, layer.weights])), ...latent.flatMap((layer) => [layer.compressed, layer.sharedKey])];
  let length = 0;
  return {
    get length() {
      return length;
    },
    append: (next) => {
      const count = next.ids.length;
      ids.append(next.ids, count);
      embedding.append(next.embedding.data, count);
      for (const [place, rows] of resid.entries()) rows.append(itemOf(next.resid, place).data, count);
      for (const layer of blocks.keys()) {
        itemOf(q, layer).append(itemOf(next.q, layer).data, count);
        itemOf(k, layer).append(itemOf(next.k, layer).data, count);
        itemOf(v, layer).append(itemOf(next.v, layer).data, count);
        const [held, chosen] = [itemOf(experts, layer), next.experts?.[layer]];
        if (held === null || chosen === null || chosen === undefined) continue;
        held.ids.append(chosen.ids, count);
        held.weights.append(chosen.weights.data, count);
      }
      for (const [layer, held] of latent.entries()) {
        const { compressed, sharedKey } = itemOf(next.latent ?? [], layer);
        held.compressed.append(compressed.data, count);
        held.sharedKey.append(sharedKey.data, count);
      }
      length += count;
    },
    cut: (tokens) => {
      for (const rows of all) rows.cut(tokens);
      length = Math.min(length, tokens);
    },
    slice: (from, to) => {
      const count = to - from;
      return {
        ids: ids.slice(from, to),
        embedding: tensor([count, embeddingDim], embedding.slice(from, to)),
        resid: resid.map((rows) => tensor([count, dim], rows.slice(from, to))),
        q: q.map((rows) => tensor([heads, count, headDim], rows.slice(from, to))),
        k: k.map((rows) => tensor([kvHeads, count, headDim], rows.slice(from, to))),
        v: v.map((rows) => tensor([kvHeads, count, valueDim], rows.slice(from, to))),
        ...(experts.some((layer) => layer !== null)
          ? { experts: experts.map((layer) => (layer === null ? null : { ids: layer.ids.slice(from, to), weights: tensor([count, layer.chosen], layer.weights.slice(from, to)) })) }
          : {}),
        ...(latent.length > 0
          ? { latent: latent.map((layer) => ({ compressed: tensor([count, layer.rank], layer.compressed.slice(from, to)), sharedKey: tensor([count, layer.rotated], layer.sharedKey.slice(from, to)) })) }
          : {}),
      };
    },
    get past() {
      return { tokens: length, room: k[0]?.room ?? 0, k: k.map(({ padded }) => padded), v: v.map(({ padded }) => padded) };
    },
    ids: (from, to) => ids.slice(from, to),
    final: (position) => tensor([1, dim], itemOf(resid, blocks.length).slice(position, position + 1)),
    lastQuery: (layer) => itemOf(q, layer).slice(length - 1, length),
  };
}
