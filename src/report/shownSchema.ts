import * as v from 'valibot';
import type { Recipe } from '../core/run.ts';
import type { Explanation, Token } from '../core/trace.ts';
import { isRecord } from '../core/records.ts';
import { TOKEN_ID } from './report.ts';

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const MODEL = v.looseObject({
  name: v.string(),
  family: v.string(),
  layers: count,
  heads: count,
  kvHeads: count,
  headDim: count,
  dim: count,
  vocab: count,
  contextLength: count,
  parameters: count,
  weightType: v.string(),
  positions: v.picklist(['learned', 'rotary', 'alibi', 'sinusoidal', 'none']),
  norm: v.picklist(['LayerNorm', 'RMSNorm']),
  runtime: v.picklist(['native', 'wasm']),
  threads: count,
  served: v.optional(
    v.object({
      engine: v.string(),
      version: v.nullable(v.string()),
      address: v.string(),
      readOnTheWay: v.boolean(),
      alternatives: count,
      requestEach: v.boolean(),
      listedAlone: v.boolean(),
      routing: v.optional(v.object({ layers: v.array(count), chosen: count, least: count })),
      hiddenStates: v.optional(v.literal(true)),
    }),
  ),
});
/** Sizes that every model on this machine has; of one that an engine serves they are not known. */
const SIZES = ['layers', 'heads', 'kvHeads', 'headDim', 'dim', 'vocab', 'contextLength'] as const;

const TOKEN = v.object({
  index: count,
  id: TOKEN_ID,
  text: v.string(),
  bytes: v.array(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255))),
  start: count,
  end: count,
  special: v.boolean(),
  partial: v.boolean(),
});

/** An explanation without its text and its run, which stand elsewhere. */
const EXPLANATION = v.looseObject({
  model: MODEL,
  omitted: count,
  tokens: v.pipe(v.array(TOKEN), v.minLength(1)),
  logprob: v.instance(Float32Array),
  rank: v.instance(Int32Array),
  entropy: v.instance(Float32Array),
  topK: count,
  topIds: v.instance(Int32Array),
  topProbs: v.instance(Float32Array),
  pieces: v.custom<Readonly<Record<number, string>>>(isRecord),
  forwardMs: v.number(),
});

/** An explanation as it is kept: `text` and `run` are said once, in the report's description. */
export type KeptExplanation = Omit<Explanation, 'text' | 'run'>;

/** The explanation whose text, ids and recipe are told apart from it. */
export function keptExplanation({ text: _text, run: _run, ...kept }: Explanation): KeptExplanation {
  return kept;
}

/** Puts an explanation together again; undefined where `kept` is none, or where its arrays are not of these ids. */
export function wholeExplanation(kept: unknown, text: string, ids: readonly number[], recipe: Recipe): Explanation | undefined {
  const parsed = v.safeParse(EXPLANATION, kept);
  if (!parsed.success) return undefined;
  const { model, tokens, logprob, rank, entropy, topK, topIds, topProbs } = parsed.output;
  if (model.served === undefined && (SIZES.some((size) => model[size] === 0) || ids.some((one) => one < 0))) return undefined;
  const isWhole =
    [logprob, rank, entropy].every(({ length }) => length === ids.length) &&
    [topIds, topProbs].every(({ length }) => length === ids.length * topK) &&
    tokens.length === ids.length;
  return isWhole ? { ...(parsed.output as KeptExplanation), text, run: { ids: Int32Array.from(ids), recipe } } : undefined;
}

/**
 * Whether tokens are those of these ids, and stand for this text: every token of it that holds whole characters has their bytes, and they
 * follow one another.
 */
export function areTokensOf(tokens: readonly Token[], ids: readonly number[], text: string): boolean {
  const encoder = new TextEncoder();
  let before = 0;
  return tokens.every(({ index, id, bytes, start, end, special, partial }, place) => {
    if (index !== place || id !== ids[place] || end < start || end > text.length) return false;
    if (special || partial) return true;
    if (start < before) return false;
    before = start;
    const own = encoder.encode(text.slice(start, end));
    return own.length === bytes.length && own.every((byte, at) => byte === bytes[at]);
  });
}
