import { at } from '../core/tensor.ts';
import { itemOf } from '../model/run/outputs.ts';
import type { DirectLayer } from '../model/path/directCalls.ts';
import type { Attributed, Attributing } from './attributing.ts';

/**
 * ALTI-Logit (Ferrando et al. 2023): what attention of each layer adds to the logit directly, by the token that it reads there, taken back
 * to the tokens of the text by what mixes into each in the layers below. The values sum to what all heads say directly; what the
 * embedding, the MLPs and biases say is of no token.
 */
export async function altiLogit({ model, trace, target, context }: Attributing): Promise<Attributed> {
  const { layers } = model.info;
  const total = 2 * layers;
  const direct = await model.direct(trace, target, ({ done }) => context.progress({ stage: 'gradient', done, total }));
  const seen = target.position + 1;
  let numbers = updateOf(itemOf(direct.layers, layers - 1), seen);
  for (let layer = layers - 2; layer >= 0; layer--) {
    await context.progress({ stage: 'forward', done: total - 1 - layer, total });
    const before = await model.takenBack(trace, layer, numbers, context.checkpoint);
    const update = updateOf(itemOf(direct.layers, layer), seen);
    numbers = before.map((number, token) => number + at(update, token));
  }
  const values = new Float32Array(trace.run.ids.length);
  values.set(numbers);
  return { values, completeness: null };
}

/** [seen], what all heads of a layer add to the logit by the token whose values it comes from. */
function updateOf({ heads, sources: { data } }: DirectLayer, seen: number): Float64Array {
  const length = data.length / heads.length;
  const update = new Float64Array(seen);
  for (let head = 0; head < heads.length; head++)
    for (let token = 0; token < seen; token++) update[token] = (update[token] ?? Number.NaN) + (data[head * length + token] ?? Number.NaN);
  return update;
}
