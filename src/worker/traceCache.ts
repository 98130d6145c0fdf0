import type { Tensor } from '../core/tensor.ts';
import type { LanguageModel, Trace } from '../model/languageModel.ts';

/** Forward passes are kept up to here, and always the newest: a view of the text shown never runs the model again. */
const TRACE_BYTES = 512 * 1024 * 1024;
/** Attention of whole layers, kept so that switching heads needs no computing: 4 layers of GPT-2's shape at 1,024 tokens. */
const ATTENTION_BYTES = 200 * 1024 * 1024;

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

/** Forward passes and attention layers of one model, computed when asked for and remembered. */
export interface TraceCache {
  trace(ids: Int32Array, run: () => Promise<Trace>): Promise<Trace>;
  /** [H, T, T] */
  attention(model: LanguageModel, trace: Trace, layer: number): Promise<Tensor>;
  clear(): void;
}

export function createTraceCache(): TraceCache {
  const traces = recent<Trace>(TRACE_BYTES);
  const attentions = recent<Tensor>(ATTENTION_BYTES);
  return {
    trace: async (ids, run) => {
      const key = ids.join();
      const known = traces.get(key);
      if (known !== undefined) return known;
      const trace = await run();
      traces.set(key, trace, bytesOf(trace));
      return trace;
    },
    attention: async (model, trace, layer) => {
      const key = `${layer}:${trace.ids.join()}`;
      const known = attentions.get(key);
      if (known !== undefined) return known;
      const weights = await model.attention(trace, layer);
      attentions.set(key, weights, weights.data.byteLength);
      return weights;
    },
    clear: () => {
      traces.clear();
      attentions.clear();
    },
  };
}

function bytesOf(trace: Trace): number {
  return [trace.embedding, ...trace.resid, ...trace.q, ...trace.k, ...trace.v].reduce((sum, item) => sum + item.data.byteLength, 0);
}
