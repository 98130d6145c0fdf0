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
  /** [heads, T] the share of each row that a sink takes; null for a model without sinks. */
  sinkWeights(trace: Trace, layer: number): Promise<Tensor | null>;
  /** How scores come about at one query of a text of `tokens` tokens. */
  scoreSteps(layer: number, head: number, query: number, tokens: number): Promise<ScoreSteps>;
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
  const run = async ({ layer, q, k, mask, bias }: Queries): Promise<{ attention: Float32Array; sink: Float32Array | null }> => {
    const { scale, sinks } = attentionOf(layer);
    const feeds: Record<string, Feed> = {
      q,
      k,
      mask,
      scale: { dims: [], data: Float32Array.of(scale) },
      ...(bias === null ? {} : { bias: { dims: [heads, 1, at(k.dims, 1)], data: bias } }),
      ...(sinks === null ? {} : { sinks: { dims: [heads], data: await readVector(files, sinks) } }),
    };
    const session = await sessions.attention(() => attentionGraph(spec));
    const out = await session.run(feeds, sinks === null ? ['attention'] : ['attention', 'sink']);
    return { attention: floats(out['attention']), sink: sinks === null ? null : floats(out['sink']) };
  };
  const runWhole = (trace: Trace, layer: number): ReturnType<typeof run> => {
    const { length } = trace.ids;
    const mask = { dims: [length, length], data: causalMask(wholeText(length), attentionOf(layer).window) };
    const bias = positions.kind === 'alibi' ? alibiBias(positions.alibi, length) : null;
    return run({ layer, q: itemOf(trace.q, layer), k: itemOf(trace.k, layer), mask, bias });
  };
  return {
    attention: async (trace, layer) => {
      const { length } = trace.ids;
      return tensor([heads, length, length], (await runWhole(trace, layer)).attention);
    },
    sinkWeights: async (trace, layer) => {
      if (attentionOf(layer).sinks === null) return null;
      const { sink } = await runWhole(trace, layer);
      return sink === null ? null : tensor([heads, trace.ids.length], sink);
    },
    lastRow: async ({ layer, q, past }) => {
      const { tokens, room } = past;
      const mask = { dims: [1, room], data: lastMask(tokens, room, attentionOf(layer).window) };
      const bias = positions.kind === 'alibi' ? spanBias(positions.alibi, { past: tokens, room, tokens: 0 }) : null;
      const k = { dims: [kvHeads, room, headDim], data: itemOf(past.k, layer) };
      const { attention, sink } = await run({ layer, q: { dims: [heads, 1, headDim], data: q }, k, mask, bias });
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

/** The numbers of a small weight. */
async function readVector(files: ModelFiles, weight: Weight): Promise<Float32Array> {
  return widen(await files.read(weight.file, weight.offset, weight.length), weight.dtype);
}
