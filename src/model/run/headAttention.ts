import type { KeyWindow } from '../../core/keyWindow.ts';
import type { HeadReading, LayerHeads } from '../../core/headReading.ts';
import { cutsIn, patternOf } from '../../core/interventions.ts';
import type { Recipe } from '../../core/run.ts';
import { at, tensor, type Tensor } from '../../core/tensor.ts';
import { attentionAt, attentionsOf } from '../families/mixers.ts';
import { ofLayer, type DecoderSpec, type Weight } from '../families/spec.ts';
import type { ModelFiles } from '../formats/modelFiles.ts';
import { widen } from '../formats/widen.ts';
import { attentionGraph, FAR } from '../graph/attentionGraph.ts';
import { READING_OUTPUTS } from '../graph/headReadingGraph.ts';
import { cutTable, queryRow, spanRows, type MaskRows } from '../graph/interventionInputs.ts';
import { alibiBias, causalMask, lastMask, spanBias, wholeText, type Span } from '../graph/positionsGraph.ts';
import type { Past } from './forwardTrace.ts';
import type { Trace } from './forwardTrace.ts';
import { partReading, partsOf, unreadHeads, weightsOf, type PartReading } from './partReading.ts';
import { floats, itemOf } from './outputs.ts';
import type { Feed } from './runtime.ts';
import type { Sessions } from './sessions.ts';

/** Weights added up of which it is kept, for all layers, where they are. Of more, as in a repeated token, it is worked out anew. */
const MOST_PLANNED = 500_000;

/** Operations between q . k and the softmax, in order, for one query of one head. */
export interface ScoreSteps {
  /** Factor of q . k. */
  readonly scale: number;
  /** Soft cap of the scaled score: softCap * tanh(score / softCap); null: none. */
  readonly softCap: number | null;
  /** [query + 1] added to the score of each key; null without ALiBi. */
  readonly bias: Float32Array | null;
  /** Sliding window: number of keys a query sees, its own included; null: all up to its own. */
  readonly window: KeyWindow;
  /** Score of the attention sink, which takes part in the softmax; null: no sink. */
  readonly sink: number | null;
}

/** Calls about a model's attention. Each throws RangeError for a layer that the model does not have. */
export interface AttentionCalls {
  /** [heads, T, T] after softmax; row = query, column = key. A row and its sink, where there is one, sum to 1. */
  attention(trace: Trace, layer: number): Promise<Tensor>;
  /** One head alone: equal to its slice of `attention`, at that fraction of the cost. */
  headAttention(trace: Trace, layer: number, head: number): Promise<HeadAttention>;
  /**
   * What `reading` wants of a layer's heads, part by part of the text, without fetching their attention. `checkpoint` is awaited between
   * parts.
   */
  readHeads(trace: Trace, layer: number, reading: HeadReading, checkpoint?: () => Promise<void>): Promise<LayerHeads>;
  /** The score operations at one query of a text of `tokens` tokens. */
  scoreSteps(layer: number, head: number, query: number, tokens: number): Promise<ScoreSteps>;
}

/** Attention weights of one head. A row and its sink, where there is one, sum to 1. */
export interface HeadAttention {
  /** [T, T]; row = query, column = key. */
  readonly weights: Tensor;
  /** [T] weight of the sink in each row; null for a model without sinks. */
  readonly sink: Float32Array | null;
}

/** Attention weights of the last of T tokens in one layer. A row and its sink, where there is one, sum to 1. */
export interface AttentionRow {
  /** [heads, T] */
  readonly weights: Float32Array;
  /** [heads] weight of the sink; null for a model without sinks. */
  readonly sink: Float32Array | null;
}

/** The calls for the attention of some tokens. */
export interface AttentionRows {
  /** [heads, tokens, past + tokens], of the tokens of a span of a whole text's trace, whose `room` is its `past`. */
  spanRows(trace: Trace, layer: number, span: Span): Promise<Float32Array>;
  /** `q` [heads, headDim] of the last token; `past` holds the keys of all, its own included, as a run with `recipe` made them. */
  lastRow(query: { readonly layer: number; readonly q: Float32Array; readonly past: Past; readonly recipe: Recipe }): Promise<AttentionRow>;
}

/** Queries and keys of a layer, and the mask and bias added to their scores; `rows`: those of the mask, `recipe`: what cuts them. */
interface Queries {
  readonly layer: number;
  readonly q: Feed;
  readonly k: Feed;
  readonly mask: Feed;
  readonly rows: MaskRows;
  readonly recipe: Recipe;
  readonly bias: Float32Array | null;
}

/** The attention calls of one model. */
export function openAttention(spec: DecoderSpec, files: ModelFiles, sessions: Sessions): AttentionCalls & AttentionRows {
  const { heads, positions } = spec;
  /** How the parts of a reading are read, which is the same for all layers. */
  const planned = new WeakMap<HeadReading, readonly PartReading[]>();
  const attentionOf = (layer: number) => attentionAt(spec, layer);
  const hasSinks = attentionsOf(spec.blocks).some(({ sinks }) => sinks !== null);
  /** The inputs of `attentionInputs`. `head`: q and k are of this head alone; null: of all. */
  const feedsOf = async (
    { layer, q, k, mask, rows, recipe, bias }: Queries,
    head: number | null,
  ): Promise<Readonly<Record<string, Feed>>> => {
    const { scale, sinks, window } = attentionOf(layer);
    const stored = sinks === null ? null : await readVector(files, sinks);
    const first = head ?? 0;
    const count = head === null ? heads : 1;
    /** Whether the scores of each head are its own, as a head that is told what to attend to has none. */
    const own = Array.from({ length: count }, (_, index) => patternOf(recipe, layer, first + index) === 'own');
    const { columns } = rows;
    return {
      q,
      k,
      mask,
      cut: cutTable(cutsIn(recipe, layer, window), rows, heads, head),
      scale: { dims: [count, 1, 1], data: Float32Array.from(own, (is) => (is ? scale : 0)) },
      ...(bias === null
        ? {}
        : { bias: { dims: [count, 1, columns], data: bias.map((value, i) => (own[Math.floor(i / columns)] === true ? value : 0)) } }),
      ...(hasSinks
        ? {
            sinks: {
              dims: [count],
              data: Float32Array.from(own, (is, index) => (is && stored !== null ? at(stored, first + index) : -FAR)),
            },
          }
        : {}),
    };
  };
  const run = async (queries: Queries, head: number | null): Promise<{ attention: Float32Array; sink: Float32Array | null }> => {
    const feeds = await feedsOf(queries, head);
    const session = await (head === null
      ? sessions.attention('all', queries.layer, () => attentionGraph(ofLayer(spec, queries.layer)))
      : sessions.attention('one', queries.layer, () => attentionGraph({ ...ofLayer(spec, queries.layer), heads: 1, kvHeads: 1 })));
    const out = await session.run(feeds, hasSinks ? ['attention', 'sink'] : ['attention']);
    return { attention: floats(out['attention']), sink: attentionOf(queries.layer).sinks === null ? null : floats(out['sink']) };
  };
  const maskOf = (layer: number, { run: { ids, recipe } }: Trace): Pick<Queries, 'mask' | 'rows' | 'recipe'> => {
    const whole = wholeText(ids.length);
    const mask = { dims: [ids.length, ids.length], data: causalMask(whole, attentionOf(layer).window) };
    return { mask, rows: spanRows(whole), recipe };
  };
  /** Queries of a span of a whole text, and all keys: those up to its end are seen. `bias` [heads, T, 1], ALiBi's of the whole text. */
  const queriesOf = (trace: Trace, layer: number, span: Span, bias: Tensor | null): Queries => {
    const end = span.past + span.tokens;
    return {
      layer,
      q: tokensOf(itemOf(trace.q, layer), span.past, end),
      k: itemOf(trace.k, layer),
      mask: { dims: [span.tokens, end], data: causalMask(span, attentionOf(layer).window) },
      rows: spanRows(span),
      recipe: trace.run.recipe,
      bias: bias === null ? null : tokensOf(bias, 0, end).data,
    };
  };
  const wholeBias = (length: number): Tensor | null =>
    positions.kind === 'alibi' ? tensor([heads, length, 1], alibiBias(positions.alibi, length)) : null;
  return {
    attention: async (trace, layer) => {
      const { length } = trace.run.ids;
      const bias = positions.kind === 'alibi' ? alibiBias(positions.alibi, length) : null;
      const { attention } = await run({ layer, q: itemOf(trace.q, layer), k: itemOf(trace.k, layer), ...maskOf(layer, trace), bias }, null);
      return tensor([heads, length, length], attention);
    },
    headAttention: async (trace, layer, head) => {
      const { length } = trace.run.ids;
      const bias = positions.kind === 'alibi' ? alibiBias(positions.alibi, length).slice(head * length, (head + 1) * length) : null;
      const q = headOf(itemOf(trace.q, layer), head);
      const k = headOf(itemOf(trace.k, layer), Math.floor(head / (heads / ofLayer(spec, layer).kvHeads)));
      const { attention, sink } = await run({ layer, q, k, ...maskOf(layer, trace), bias }, head);
      return { weights: tensor([length, length], attention), sink };
    },
    readHeads: async (trace, layer, reading, checkpoint) => {
      const { length } = trace.run.ids;
      const bias = wholeBias(length);
      const session = await sessions.headReading(layer);
      const read = unreadHeads(reading, heads);
      const spans = partsOf(length, heads);
      const plan = (part: Span): PartReading => partReading(reading, part, heads);
      const plans = planned.get(reading) ?? (weightsOf(reading) <= MOST_PLANNED ? spans.map(plan) : null);
      if (plans !== null) planned.set(reading, plans);
      for (const [index, span] of spans.entries()) {
        const { feeds, addTo } = plans?.[index] ?? plan(span);
        addTo(read, await session.run({ ...(await feedsOf(queriesOf(trace, layer, span, bias), null)), ...feeds }, READING_OUTPUTS));
        await checkpoint?.();
      }
      return read;
    },
    spanRows: async (trace, layer, span) => (await run(queriesOf(trace, layer, span, wholeBias(trace.run.ids.length)), null)).attention,
    lastRow: async ({ layer, q, past, recipe }) => {
      const { tokens, room } = past;
      const mask = { dims: [1, room], data: lastMask(tokens, room, attentionOf(layer).window) };
      const bias = positions.kind === 'alibi' ? spanBias(positions.alibi, { past: tokens, room, tokens: 0, length: tokens }) : null;
      const { kvHeads, headDim } = ofLayer(spec, layer);
      const k = { dims: [kvHeads, room, headDim], data: itemOf(past.k, layer) };
      const rows = queryRow(tokens - 1, room);
      const { attention, sink } = await run({ layer, q: { dims: [heads, 1, headDim], data: q }, k, mask, rows, recipe, bias }, null);
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

/** [n, to - from, dim], some tokens of [n, T, dim]. */
export function tokensOf(
  { dims, data }: Tensor,
  from: number,
  to: number,
): { readonly dims: readonly number[]; readonly data: Float32Array } {
  const [count = 0, length = 0, dim = 0] = dims;
  if (from === 0 && to === length) return { dims, data };
  const part = new Float32Array(count * (to - from) * dim);
  for (let item = 0; item < count; item++)
    part.set(data.subarray((item * length + from) * dim, (item * length + to) * dim), item * (to - from) * dim);
  return { dims: [count, to - from, dim], data: part };
}

/** The numbers of a small weight. */
async function readVector(files: ModelFiles, weight: Weight): Promise<Float32Array> {
  return widen(await files.read(weight.file, weight.offset, weight.length), weight.dtype);
}
