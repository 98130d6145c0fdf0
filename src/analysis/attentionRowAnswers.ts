import { rowsOfMatrix, rowsTogether, sharesOf, weightsBetween, type AttentionRows } from '../core/attentionRows.ts';
import { at } from '../core/tensor.ts';
import type { Trace } from '../model/run/forwardTrace.ts';
import { checkHead, checkIndex, traceOf, type AnswerContext, type Answers } from './answering.ts';

/** Rows that the model computes one by one are answered together for so long, so that the first is there soon. */
const TOGETHER_MS = 40;

/** The mean over the heads [T, T] of the layer that was asked for last, as long as its trace is kept. */
const means = new WeakMap<Trace, { readonly layer: number; readonly mean: Float32Array }>();

/** Rows of a head's attention, of the mean of a layer's heads, or weighted by what the values bring. */
export const attentionRowAnswers: Pick<Answers, 'attentionRows'> = {
  attentionRows: async (context, run, { kind, layer, head, from, to }) => {
    const { model } = context.open;
    const tokens = run.ids.length;
    checkHead(model, layer, head);
    checkIndex('token', from, tokens);
    checkIndex('end', to, tokens + 1, from + 1);
    const trace = await traceOf(context, run);
    const end = rowsTogether(from, to);
    switch (kind) {
      case 'head':
        return rowsOfMatrix((await context.cache.head(trace, layer, head)).weights.data, tokens, from, end);
      case 'mean':
        return rowsOfMatrix(await meanOf(context, trace, layer), tokens, from, end);
      case 'value-weighted':
        return valueWeighted(context, trace, layer, from, end);
    }
  },
};

async function meanOf({ open: { model }, checkpoint }: AnswerContext, trace: Trace, layer: number): Promise<Float32Array> {
  const known = means.get(trace);
  if (known?.layer === layer) return known.mean;
  const { heads } = model.info;
  const mean = new Float32Array(trace.run.ids.length ** 2);
  for (let head = 0; head < heads; head++) {
    await checkpoint();
    const { weights } = await model.headAttention(trace, layer, head);
    for (let i = 0; i < mean.length; i++) mean[i] = at(mean, i) + at(weights.data, i) / heads;
  }
  means.set(trace, { layer, mean });
  return mean;
}

async function valueWeighted(
  { open: { model }, checkpoint }: AnswerContext,
  trace: Trace,
  layer: number,
  from: number,
  end: number,
): Promise<AttentionRows> {
  const until = performance.now() + TOGETHER_MS;
  const rows: Float32Array[] = [];
  do {
    await checkpoint();
    const query = from + rows.length;
    rows.push(sharesOf((await model.valueLengths(trace, layer, query)).subarray(0, query + 1)));
  } while (from + rows.length < end && performance.now() < until);
  const to = from + rows.length;
  const weights = new Float32Array(weightsBetween(from, to));
  for (const [index, row] of rows.entries()) weights.set(row, weightsBetween(from, from + index));
  return { from, to, weights };
}
