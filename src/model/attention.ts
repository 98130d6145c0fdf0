import { at, tensor, type Tensor } from '../core/tensor.ts';
import type { DecoderSpec, Weight } from './families/spec.ts';
import type { ModelFiles } from './files.ts';
import { widen } from './formats/widen.ts';
import { attentionGraph } from './graph/attention.ts';
import { alibiBias, causalMask, lastMask, spanBias, wholeText } from './graph/positions.ts';
import type { Past } from './forward.ts';
import type { Trace } from './languageModel.ts';
import { floats, itemOf } from './outputs.ts';
import type { Feed } from './runtime.ts';
import type { Sessions } from './sessions.ts';

/** What lies between q . k and the softmax, for one query of one head. In the order of the steps. */
export interface ScoreSteps {
  /** What q . k is multiplied by. */
  readonly scale: number;
  /** The score is then softCap * tanh(score / softCap); null: as it is. */
  readonly softCap: number | null;
  /** [query + 1] added to the score of each key; null without ALiBi. */
  readonly bias: Float32Array | null;
  /** Keys the query sees, its own the last; null: all before it. */
  readonly window: number | null;
  /** The score of no token that takes part in the softmax; null: there is none. */
  readonly sink: number | null;
}

/** The calls of a model about attention. Each throws RangeError for a layer that the model does not have. */
export interface AttentionCalls {
  /** [heads, T, T] after softmax; row = query, column = key. A row and its sink, where there is one, sum to 1. */
  attention(trace: Trace, layer: number): Promise<Tensor>;
  /** One head by itself: equal to its part of the layer, at its part of the cost. */
  headAttention(trace: Trace, layer: number, head: number): Promise<HeadAttention>;
  /** How scores come about at one query of a text of `tokens` tokens. */
  scoreSteps(layer: number, head: number, query: number, tokens: number): Promise<ScoreSteps>;
}

/** One head after softmax. A row and its sink, where there is one, sum to 1. */
export interface HeadAttention {
  /** [T, T]; row = query, column = key. */
  readonly weights: Tensor;
  /** [T] the share of each row that a sink takes; null for a model without sinks. */
  readonly sink: Float32Array | null;
}

/** What the last of T tokens attended to in one layer. A row and its sink, where there is one, sum to 1. */
export interface AttentionRow {
  /** [heads, T] */
  readonly weights: Float32Array;
  /** [heads]; null for a model without sinks. */
  readonly sink: Float32Array | null;
}

export interface AttentionRows {
  /** `q` [heads, headDim] of the last token; `past` holds the keys of all, its own included. */
  lastRow(query: { readonly layer: number; readonly q: Float32Array; readonly past: Past }): Promise<AttentionRow>;
}

/** Queries and keys of a layer, and what is added to their scores. */
interface Queries {
  readonly layer: number;
  readonly q: Feed;
  readonly k: Feed;
  readonly mask: Feed;
  readonly bias: Float32Array | null;
}

export function openAttention(spec: DecoderSpec, files: ModelFiles, sessions: Sessions): AttentionCalls & AttentionRows {
  const { heads, kvHeads, headDim, positions } = spec;
  const attentionOf = (layer: number) => itemOf(spec.blocks, layer).attention;
  /** `head`: q and k are of this head alone; null: of all. */
  const run = async ({ layer, q, k, mask, bias }: Queries, head: number | null): Promise<{ attention: Float32Array; sink: Float32Array | null }> => {
    const { scale, sinks } = attentionOf(layer);
    const shares = sinks === null ? null : await readVector(files, sinks);
    const count = head === null ? heads : 1;
    const feeds: Record<string, Feed> = {
      q,
      k,
      mask,
      scale: { dims: [], data: Float32Array.of(scale) },
      ...(bias === null ? {} : { bias: { dims: [count, 1, at(k.dims, 1)], data: bias } }),
      ...(shares === null ? {} : { sinks: { dims: [count], data: head === null ? shares : shares.slice(head, head + 1) } }),
    };
    const session = await (head === null ? sessions.attention('all', () => attentionGraph(spec)) : sessions.attention('one', () => attentionGraph({ ...spec, heads: 1, kvHeads: 1 })));
    const out = await session.run(feeds, shares === null ? ['attention'] : ['attention', 'sink']);
    return { attention: floats(out['attention']), sink: shares === null ? null : floats(out['sink']) };
  };
  const maskOf = (layer: number, length: number): Feed => ({ dims: [length, length], data: causalMask(wholeText(length), attentionOf(layer).window) });
  return {
    attention: async (trace, layer) => {
      const { length } = trace.ids;
      const bias = positions.kind === 'alibi' ? alibiBias(positions.alibi, length) : null;
      const { attention } = await run({ layer, q: itemOf(trace.q, layer), k: itemOf(trace.k, layer), mask: maskOf(layer, length), bias }, null);
      return tensor([heads, length, length], attention);
    },
    headAttention: async (trace, layer, head) => {
      const { length } = trace.ids;
      const bias = positions.kind === 'alibi' ? alibiBias(positions.alibi, length).slice(head * length, (head + 1) * length) : null;
      const q = headOf(itemOf(trace.q, layer), head);
      const k = headOf(itemOf(trace.k, layer), Math.floor(head / (heads / kvHeads)));
      const { attention, sink } = await run({ layer, q, k, mask: maskOf(layer, length), bias }, head);
      return { weights: tensor([length, length], attention), sink };
    },
    lastRow: async ({ layer, q, past }) => {
      const { tokens, room } = past;
      const mask = { dims: [1, room], data: lastMask(tokens, room, attentionOf(layer).window) };
      const bias = positions.kind === 'alibi' ? spanBias(positions.alibi, { past: tokens, room, tokens: 0 }) : null;
      const k = { dims: [kvHeads, room, headDim], data: itemOf(past.k, layer) };
      const { attention, sink } = await run({ layer, q: { dims: [heads, 1, headDim], data: q }, k, mask, bias }, null);
      const weights = new Float32Array(heads * tokens);
      for (let head = 0; head < heads; head++) weights.set(attention.subarray(head * room, head * room + tokens), head * tokens);
      return { weights, sink };
    },
    scoreSteps: async (layer, head, query, tokens) => {
      const { scale, window, sinks } = attentionOf(layer);
      const bias = positions.kind === 'alibi' ? alibiBias(positions.alibi, tokens).slice(head * tokens, head * tokens + query + 1) : null;
      return { scale, softCap: spec.scoreCap, bias, window, sink: sinks === null ? null : at(await readVector(files, sinks), head) };
    },
  };
}

/** [1, T, dim], one head of [heads, T, dim]. */
function headOf({ dims, data }: Tensor, head: number): Feed {
  const [, length = 0, dim = 0] = dims;
  return { dims: [1, length, dim], data: data.slice(head * length * dim, (head + 1) * length * dim) };
}

/** The numbers of a small weight. */
async function readVector(files: ModelFiles, weight: Weight): Promise<Float32Array> {
  return widen(await files.read(weight.file, weight.offset, weight.length), weight.dtype);
}
