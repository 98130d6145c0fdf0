import { changeAt, headSteps } from '../../core/interventions.ts';
import { at } from '../../core/tensor.ts';
import { attentionAt } from '../families/mixers.ts';
import { ofLayer, type DecoderSpec } from '../families/spec.ts';
import type { Trace } from '../run/forwardTrace.ts';
import { tokensOf, type AttentionRows } from '../run/headAttention.ts';
import { floats, itemOf } from '../run/outputs.ts';
import type { Sessions } from '../run/sessions.ts';

/** Most numbers of values as queries gate them, which are held at once: 64 MiB. */
const MOST_NUMBERS = 16 * 1024 * 1024;

/**
 * The calls for what attention brings from each token: of what runs beside attention, they say nothing. Where heads have gates, what they
 * bring is behind the gate of the query.
 */
export interface ProjectedValueCalls {
  /**
   * [T], for token `token` in layer `layer`: the length of what its attention brings from each token, the values of all heads times their
   * weights through the output projection (Kobayashi et al. 2020), before a norm behind it. 0 after the token.
   */
  valueLengths(trace: Trace, layer: number, token: number): Promise<Float32Array>;
  /**
   * [T (T + 1) / 2] by queries, keys 0..query: the length of each key's value in one head through the output projection, without its bias
   * and before a norm behind it. It is the same at every query, unless the head has a gate. `checkpoint` is awaited between parts.
   */
  headValueLengths(trace: Trace, layer: number, head: number, checkpoint?: () => Promise<void>): Promise<Float32Array>;
  /**
   * Of each head of layer `layer`, for token `token`: [H], the length of its output through its part of the output projection, without its
   * bias and before a norm behind it; and [H, token + 1], its attention weights.
   */
  headOutputs(trace: Trace, layer: number, token: number): Promise<{ readonly lengths: Float32Array; readonly weights: Float32Array }>;
}

export function openProjectedValues(spec: DecoderSpec, sessions: Sessions, { lastRow }: AttentionRows): ProjectedValueCalls {
  /** [rows], lengths behind the projection. `data` [rows, heads * valueDim]. */
  const lengthsOf = (layer: number, data: Float32Array): Promise<Float32Array> =>
    sessions.withProjectedValues(layer, async (session) => {
      const { heads, valueDim } = ofLayer(spec, layer);
      const width = heads * valueDim;
      const found = await session.run({ rows: { dims: [data.length / width, width], data } }, ['lengths']);
      return floats(found.lengths);
    });
  /** [heads, token + 1], the attention weights of a token; and [heads], the factors that a recipe has for its heads. */
  const weightsAt = async (
    trace: Trace,
    layer: number,
    token: number,
  ): Promise<{ readonly weights: Float32Array; readonly factors: readonly number[] }> => {
    const { ids, recipe } = trace.run;
    const { data: q } = tokensOf(itemOf(trace.q, layer), token, token + 1);
    const past = { tokens: token + 1, room: ids.length, k: trace.k.map(({ data }) => data), v: [], states: [] };
    const { weights } = await lastRow({ layer, q, past, recipe });
    const steps = headSteps(recipe, layer);
    return { weights, factors: Array.from({ length: spec.heads }, (_, head) => changeAt(steps, head, token).factor) };
  };
  /** [heads, to - from, valueDim], what heads are multiplied by at these queries; null where they have no gates. */
  const gatesOf = async (trace: Trace, layer: number, from: number, to: number): Promise<Float32Array | null> => {
    if (attentionAt(spec, layer).gates === null) return null;
    const { dim } = spec;
    const resid = { dims: [to - from, dim], data: itemOf(trace.resid, layer).data.subarray(from * dim, to * dim) };
    return sessions.withHeadGates(layer, async (session) => floats((await session.run({ resid }, ['gates'])).gates));
  };
  /** `headValueLengths` of a head with a gate. `values` [T, valueDim], `gates` [T, valueDim]. */
  const gatedLengths = async (
    layer: number,
    head: number,
    values: Float32Array,
    gates: Float32Array,
    checkpoint?: () => Promise<void>,
  ): Promise<Float32Array> => {
    const { valueDim } = ofLayer(spec, layer);
    const length = values.length / valueDim;
    const lengths = new Float32Array((length * (length + 1)) / 2);
    const together = Math.max(1, Math.floor(MOST_NUMBERS / values.length));
    for (let from = 0; from < length; from += together) {
      const to = Math.min(length, from + together);
      const feeds = {
        head: { dims: [1], data: Int32Array.of(head) },
        gates: { dims: [to - from, valueDim], data: gates.subarray(from * valueDim, to * valueDim) },
        values: { dims: [to, valueDim], data: values.subarray(0, to * valueDim) },
      };
      const found = await sessions.withGatedValues(layer, async (session) => floats((await session.run(feeds, ['lengths'])).lengths));
      for (let query = from; query < to; query++)
        lengths.set(found.subarray((query - from) * to, (query - from) * to + query + 1), (query * (query + 1)) / 2);
      await checkpoint?.();
    }
    return lengths;
  };
  return {
    headOutputs: async (trace, layer, token) => {
      const gates = await gatesOf(trace, layer, token, token + 1);
      const { heads, kvHeads, valueDim } = ofLayer(spec, layer);
      const { length } = trace.run.ids;
      const seen = token + 1;
      const { weights, factors } = await weightsAt(trace, layer, token);
      const { data: values } = itemOf(trace.v, layer);
      const rows = new Float32Array(heads * heads * valueDim);
      for (let head = 0; head < heads; head++) {
        const to = (head * heads + head) * valueDim;
        const group = Math.floor(head / (heads / kvHeads)) * length;
        for (let key = 0; key < seen; key++) {
          const weight = at(factors, head) * at(weights, head * seen + key);
          const from = (group + key) * valueDim;
          for (let i = 0; i < valueDim; i++) rows[to + i] = at(rows, to + i) + weight * at(values, from + i);
        }
        if (gates !== null) for (let i = 0; i < valueDim; i++) rows[to + i] = at(rows, to + i) * at(gates, head * valueDim + i);
      }
      return { lengths: await lengthsOf(layer, rows), weights };
    },
    valueLengths: async (trace, layer, token) => {
      const gates = await gatesOf(trace, layer, token, token + 1);
      const { length } = trace.run.ids;
      const { heads, kvHeads, valueDim } = ofLayer(spec, layer);
      const seen = token + 1;
      const { weights, factors } = await weightsAt(trace, layer, token);
      const { data: values } = itemOf(trace.v, layer);
      const rows = new Float32Array(seen * heads * valueDim);
      for (let key = 0; key < seen; key++)
        for (let head = 0; head < heads; head++) {
          const weight = at(factors, head) * at(weights, head * seen + key);
          const from = (Math.floor(head / (heads / kvHeads)) * length + key) * valueDim;
          const to = (key * heads + head) * valueDim;
          for (let i = 0; i < valueDim; i++)
            rows[to + i] = weight * at(values, from + i) * (gates === null ? 1 : at(gates, head * valueDim + i));
        }
      const lengths = new Float32Array(length);
      lengths.set(await lengthsOf(layer, rows));
      return lengths;
    },
    headValueLengths: async (trace, layer, head, checkpoint) => {
      const { length } = trace.run.ids;
      const gates = await gatesOf(trace, layer, 0, length);
      const { heads, kvHeads, valueDim } = ofLayer(spec, layer);
      const { data: all } = itemOf(trace.v, layer);
      const first = Math.floor(head / (heads / kvHeads)) * length;
      const values = all.subarray(first * valueDim, (first + length) * valueDim);
      if (gates !== null)
        return gatedLengths(layer, head, values, gates.subarray(head * length * valueDim, (head + 1) * length * valueDim), checkpoint);
      const rows = new Float32Array(length * heads * valueDim);
      for (let token = 0; token < length; token++)
        rows.set(values.subarray(token * valueDim, (token + 1) * valueDim), (token * heads + head) * valueDim);
      const own = await lengthsOf(layer, rows);
      const lengths = new Float32Array((length * (length + 1)) / 2);
      for (let query = 0; query < length; query++) lengths.set(own.subarray(0, query + 1), (query * (query + 1)) / 2);
      return lengths;
    },
  };
}
