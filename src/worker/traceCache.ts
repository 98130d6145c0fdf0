import { tensor, type Tensor } from '../core/tensor.ts';
import type { HeadAttention } from '../model/attention.ts';
import type { LanguageModel, Sequence, Trace } from '../model/languageModel.ts';
import { commonLength } from '../model/sequence.ts';
import type { Progress } from './api.ts';
import { lastResidual, rowsBetween } from './predictions.ts';
import { readInto, type ReadText } from './step.ts';

/** Forward passes are kept up to here, and always the newest: a view of the text shown never runs the model again. */
const TRACE_BYTES = 512 * 1024 * 1024;
/** Traces of a text being generated are copies of what its sequence holds. */
const GENERATED_BYTES = 128 * 1024 * 1024;
/** Attention of whole layers, kept so that switching heads needs no computing: 2 layers of GPT-2's shape at 1,024 tokens. */
const ATTENTION_BYTES = 100 * 1024 * 1024;
/** Attention of single heads: 25 at 1,024 tokens. */
const HEAD_BYTES = 100 * 1024 * 1024;

/** Least recently used values, with a budget in bytes; the newest one stays whatever its size. */
interface Recent<Value> {
  get(key: string): Value | undefined;
  set(key: string, value: Value, bytes: number): void;
  values(): readonly Value[];
  clear(): void;
}

function recent<Value>(budget: number): Recent<Value> {
  const entries = new Map<string, { readonly value: Value; readonly bytes: number }>();
  return {
    get: (key) => {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      entries.delete(key);
      entries.set(key, entry);
      return entry.value;
    },
    set: (key, value, bytes) => {
      entries.delete(key);
      entries.set(key, { value, bytes });
      let total = 0;
      for (const entry of entries.values()) total += entry.bytes;
      for (const [oldKey, old] of entries) {
        if (total <= budget || oldKey === key) break;
        entries.delete(oldKey);
        total -= old.bytes;
      }
    },
    values: () => [...entries.values()].map(({ value }) => value),
    clear: () => entries.clear(),
  };
}

/** A forward pass and how long it took, loading left out. */
export interface TimedTrace {
  readonly trace: Trace;
  readonly forwardMs: number;
}

type OnProgress = (progress: Progress) => void;

/** Forward passes, a generation and attention layers of one model, computed when asked for and remembered. */
export interface TraceCache {
  /** One forward pass over all of `ids`: an explanation tells how long that took. */
  wholePass(model: LanguageModel, ids: Int32Array, onProgress: OnProgress): Promise<TimedTrace>;
  /** The trace of `ids`: of a forward pass, or of the text being generated, which is read on where `ids` go on from it. */
  trace(model: LanguageModel, ids: Int32Array, onProgress: OnProgress): Promise<Trace>;
  /** [1, D], the last residual at one position. */
  final(model: LanguageModel, ids: Int32Array, position: number, onProgress: OnProgress): Promise<Tensor>;
  /** Reads `ids` as the text being generated, running only what neither it nor a forward pass knows. */
  read(model: LanguageModel, ids: Int32Array, onProgress: OnProgress): Promise<ReadText>;
  /** [H, T, T] */
  attention(model: LanguageModel, trace: Trace, layer: number): Promise<Tensor>;
  /** One head, from its layer where that is kept. */
  head(model: LanguageModel, trace: Trace, layer: number, head: number): Promise<HeadAttention>;
  clear(): void;
}

export function createTraceCache(): TraceCache {
  const traces = recent<TimedTrace>(TRACE_BYTES);
  const generated = recent<Trace>(GENERATED_BYTES);
  const attentions = recent<Tensor>(ATTENTION_BYTES);
  const heads = recent<HeadAttention>(HEAD_BYTES);
  let sequence: Sequence | null = null;

  const wholePass = async (model: LanguageModel, ids: Int32Array, onProgress: OnProgress): Promise<TimedTrace> => {
    const key = ids.join();
    const known = traces.get(key);
    if (known !== undefined) return known;
    let start = performance.now();
    const trace = await model.run(ids, (progress) => {
      if (progress.stage === 'load') start = performance.now();
      onProgress(progress);
    });
    const timed = { trace, forwardMs: performance.now() - start };
    traces.set(key, timed, bytesOf(trace));
    return timed;
  };
  const traceOf = async (model: LanguageModel, ids: Int32Array, onProgress: OnProgress): Promise<Trace> => {
    const key = ids.join();
    const known = traces.get(key)?.trace ?? generated.get(key);
    if (known !== undefined) return known;
    if (sequence !== null && sequence.ids.length > 0 && startsWith(ids, sequence.ids)) await sequence.read(ids, onProgress);
    if (sequence?.covers(ids) !== true) return (await wholePass(model, ids, onProgress)).trace;
    const trace = sequence.trace(ids.length);
    generated.set(key, trace, bytesOf(trace));
    return trace;
  };
  return {
    wholePass,
    trace: traceOf,
    final: async (model, ids, position, onProgress) => {
      const whole = traces.get(ids.join())?.trace;
      if (whole === undefined && sequence?.covers(ids) === true) return sequence.final(position);
      return rowsBetween(lastResidual(whole ?? (await traceOf(model, ids, onProgress))), position, position + 1);
    },
    read: async (model, ids, onProgress) => {
      sequence ??= model.sequence();
      const { ids: held } = sequence;
      const starts = traces.values().filter(({ trace }) => startsWith(ids, trace.ids) && trace.ids.length > commonLength(held, ids));
      const longest = starts.toSorted((a, b) => b.trace.ids.length - a.trace.ids.length)[0];
      if (longest !== undefined) sequence.adopt(longest.trace);
      return readInto(sequence, ids, onProgress);
    },
    attention: async (model, trace, layer) => {
      const key = `${layer}:${trace.ids.join()}`;
      const known = attentions.get(key);
      if (known !== undefined) return known;
      const weights = await model.attention(trace, layer);
      attentions.set(key, weights, weights.data.byteLength);
      return weights;
    },
    head: async (model, trace, layer, head) => {
      const { length } = trace.ids;
      const text = trace.ids.join();
      const whole = model.info.special?.sinks === true ? undefined : attentions.get(`${layer}:${text}`);
      if (whole !== undefined) return { weights: tensor([length, length], whole.data.subarray(head * length ** 2, (head + 1) * length ** 2)), sink: null };
      const key = `${layer}.${head}:${text}`;
      const known = heads.get(key);
      if (known !== undefined) return known;
      const found = await model.headAttention(trace, layer, head);
      heads.set(key, found, found.weights.data.byteLength);
      return found;
    },
    clear: () => {
      sequence = null;
      traces.clear();
      generated.clear();
      attentions.clear();
      heads.clear();
    },
  };
}

function startsWith(ids: Int32Array, start: Int32Array): boolean {
  return commonLength(start, ids) === start.length;
}

function bytesOf(trace: Trace): number {
  const latent = (trace.latent ?? []).flatMap(({ compressed, sharedKey }) => [compressed, sharedKey]);
  const experts = (trace.experts ?? []).flatMap((choice) => (choice === null ? [] : [choice.weights, { data: choice.ids }]));
  return [trace.embedding, ...trace.resid, ...trace.q, ...trace.k, ...trace.v, ...latent, ...experts].reduce((sum, item) => sum + item.data.byteLength, 0);
}
