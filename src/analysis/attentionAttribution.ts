import { refuseBeside } from '../core/recurrence.ts';
import { at } from '../core/tensor.ts';
import type { ModelInfo } from '../core/trace.ts';
import type { Attributed, Attributing } from './attributing.ts';

/** Throws UserError for a model some of whose layers bring earlier tokens by more than attention. */
export function checkAttentionAlone({ traits }: ModelInfo): void {
  for (const [layer, { beside }] of (traits?.layers ?? []).entries()) if (beside !== undefined) refuseBeside(layer, beside.kind);
}

/** A token's share of what attention brings to the position, averaged over the layers (lengths of Kobayashi et al. 2020). */
export async function valueWeighted({ model, trace, target: { position }, context }: Attributing): Promise<Attributed> {
  const { layers } = model.info;
  const values = new Float32Array(trace.run.ids.length);
  for (let layer = 0; layer < layers; layer++) {
    await context.progress({ stage: 'forward', done: layer, total: layers });
    const lengths = await model.valueLengths(trace, layer, position);
    const sum = lengths.reduce((total, length) => total + length, 0);
    for (const [token, length] of lengths.entries()) values[token] = at(values, token) + (sum === 0 ? 0 : length / sum / layers);
  }
  return { values, completeness: null };
}

/**
 * Attention rollout (Abnar and Zuidema 2020): the position's row of the product over the layers of half the mean of all heads' attention
 * and half the identity. Rows are made to sum to 1, as a sink takes a share of them.
 */
export async function rollout({ model, trace, target: { position }, context }: Attributing): Promise<Attributed> {
  const { layers, heads } = model.info;
  const { length } = trace.run.ids;
  let values = new Float64Array(length);
  values[position] = 1;
  for (let layer = layers - 1; layer >= 0; layer--) {
    await context.progress({ stage: 'forward', done: layers - 1 - layer, total: layers });
    const { data } = await model.attention(trace, layer);
    const before = values.map((value) => value / 2);
    for (let query = 0; query <= position; query++) {
      const mean = new Float64Array(query + 1);
      let sum = 0;
      for (let head = 0; head < heads; head++)
        for (let key = 0; key <= query; key++) {
          const weight = at(data, (head * length + query) * length + key);
          mean[key] = (mean[key] ?? Number.NaN) + weight;
          sum += weight;
        }
      const share = sum === 0 ? 0 : at(values, query) / 2 / sum;
      for (let key = 0; key <= query; key++) before[key] = (before[key] ?? Number.NaN) + share * (mean[key] ?? Number.NaN);
    }
    values = before;
  }
  return { values: Float32Array.from(values), completeness: null };
}
