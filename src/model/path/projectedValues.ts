import { changeAt, headSteps } from '../../core/interventions.ts';
import { at } from '../../core/tensor.ts';
import { plainAttentionAt } from '../families/mixers.ts';
import { ofLayer, type DecoderSpec } from '../families/spec.ts';
import type { Trace } from '../run/forwardTrace.ts';
import { tokensOf, type AttentionRows } from '../run/headAttention.ts';
import { floats, itemOf } from '../run/outputs.ts';
import type { Sessions } from '../run/sessions.ts';

/** The call for what attention brings from each token. */
export interface ProjectedValueCalls {
  /**
   * [T], for token `token` in layer `layer`: the length of what its attention brings from each token, the values of all heads times their
   * weights through the output projection (Kobayashi et al. 2020), before a norm behind it. 0 after the token.
   */
  valueLengths(trace: Trace, layer: number, token: number): Promise<Float32Array>;
  /** [T], the length of each token's value in one head through the output projection, without its bias and before a norm behind it. */
  headValueLengths(trace: Trace, layer: number, head: number): Promise<Float32Array>;
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
  return {
    headOutputs: async (trace, layer, token) => {
      plainAttentionAt(spec, layer);
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
      }
      return { lengths: await lengthsOf(layer, rows), weights };
    },
    valueLengths: async (trace, layer, token) => {
      plainAttentionAt(spec, layer);
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
          for (let i = 0; i < valueDim; i++) rows[to + i] = weight * at(values, from + i);
        }
      const lengths = new Float32Array(length);
      lengths.set(await lengthsOf(layer, rows));
      return lengths;
    },
    headValueLengths: async (trace, layer, head) => {
      plainAttentionAt(spec, layer);
      const { heads, kvHeads, valueDim } = ofLayer(spec, layer);
      const { length } = trace.run.ids;
      const { data: values } = itemOf(trace.v, layer);
      const first = Math.floor(head / (heads / kvHeads)) * length;
      const rows = new Float32Array(length * heads * valueDim);
      for (let token = 0; token < length; token++)
        rows.set(values.subarray((first + token) * valueDim, (first + token + 1) * valueDim), (token * heads + head) * valueDim);
      return lengthsOf(layer, rows);
    },
  };
}
