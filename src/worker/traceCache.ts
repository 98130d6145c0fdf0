import type { Tensor } from '../core/tensor.ts';
import type { LanguageModel, Trace } from '../model/languageModel.ts';
import type { Progress } from './api.ts';

/** Forward passes are kept up to here, and always the newest: a view of the text shown never runs the model again. */
const TRACE_BYTES = 512 * 1024 * 1024;
/** Attention of whole layers, kept so that switching heads needs no computing: 4 layers of GPT-2's shape at 1,024 tokens. */
const ATTENTION_BYTES = 200 * 1024 * 1024;
const SINK_BYTES = 8 * 1024 * 1024;

/** Least recently used values, with a budget in bytes; the newest one stays whatever its size. */
interface Recent<Value> {
  get(key: string): Value | undefined;
  set(key: string, value: Value, bytes: number): void;
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
    clear: () => entries.clear(),
  };
}

/** A forward pass and how long it took, loading left out. */
export interface TimedTrace {
  readonly trace: Trace;
  readonly forwardMs: number;
}

/** Forward passes and attention layers of one model, computed when asked for and remembered. */
export interface TraceCache {
  trace(model: LanguageModel, ids: Int32Array, onProgress: (progress: Progress) => void): Promise<TimedTrace>;
  /** [H, T, T] */
  attention(model: LanguageModel, trace: Trace, layer: number): Promise<Tensor>;
  /** [H, T]; null for a model without sinks. */
  sinks(model: LanguageModel, trace: Trace, layer: number): Promise<Tensor | null>;
  clear(): void;
}

export function createTraceCache(): TraceCache {
  const traces = recent<TimedTrace>(TRACE_BYTES);
  const attentions = recent<Tensor>(ATTENTION_BYTES);
  const sinks = recent<Tensor>(SINK_BYTES);
  return {
    trace: async (model, ids, onProgress) => {
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
    },
    attention: async (model, trace, layer) => {
      const key = `${layer}:${trace.ids.join()}`;
      const known = attentions.get(key);
      if (known !== undefined) return known;
      const weights = await model.attention(trace, layer);
      attentions.set(key, weights, weights.data.byteLength);
      return weights;
    },
    sinks: async (model, trace, layer) => {
      if (model.info.special?.sinks !== true) return null;
      const key = `${layer}:${trace.ids.join()}`;
      const known = sinks.get(key);
      if (known !== undefined) return known;
      const shares = await model.sinkWeights(trace, layer);
      if (shares !== null) sinks.set(key, shares, shares.data.byteLength);
      return shares;
    },
    clear: () => {
      traces.clear();
      attentions.clear();
      sinks.clear();
    },
  };
}

function bytesOf(trace: Trace): number {
  const latent = (trace.latent ?? []).flatMap(({ compressed, sharedKey }) => [compressed, sharedKey]);
  const experts = (trace.experts ?? []).flatMap((choice) => (choice === null ? [] : [choice.weights, { data: choice.ids }]));
  return [trace.embedding, ...trace.resid, ...trace.q, ...trace.k, ...trace.v, ...latent, ...experts].reduce((sum, item) => sum + item.data.byteLength, 0);
}
