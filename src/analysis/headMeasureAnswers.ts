import { UserError } from '../core/errors.ts';
import type { LogitQuestion } from '../core/directParts.ts';
import { seenOf } from '../core/headMeasures.ts';
import { changeAt, headSteps } from '../core/interventions.ts';
import { effectiveMaps } from '../core/recurrence.ts';
import { runOf, type Run } from '../core/run.ts';
import { at, type Tensor } from '../core/tensor.ts';
import { msg } from '../core/translatable.ts';
import type { Trace } from '../model/run/forwardTrace.ts';
import type { Gradient } from '../model/run/gradientCalls.ts';
import { checkHead, checkIndex, traceOf, type AnswerContext, type Answers } from './answering.ts';
import { targetOf, textTo } from './attributing.ts';
import { measuredTogether } from './measuring.ts';

/** The latest gradient of a trace, which goes with it: it is the same for all heads. */
const latest = new WeakMap<Trace, { readonly key: string; readonly gradient: Gradient }>();

/** The maps of the layer that was asked for last, all of which are computed together. */
const effective = new WeakMap<Trace, { readonly layer: number; readonly maps: Tensor }>();

/** What one head's attention brings, and what a prediction makes of it. */
export const headMeasureAnswers: Pick<Answers, 'effectiveAttention' | 'weightedValues' | 'weightGradients' | 'edgeCuts'> = {
  effectiveAttention: async (context, run, { layer, map }) => {
    const { model } = context.open;
    checkIndex('layer', layer, model.info.layers);
    const maps = effectiveMaps(model.info, layer);
    if (maps === 0) throw new UserError(msg`Layer ${layer} keeps no state of which an effective attention could be derived.`);
    checkIndex('map', map, maps);
    const trace = await traceOf(context, run);
    const tokens = run.ids.length;
    const found = (await effectiveOf(context, trace, layer)).data.subarray(map * tokens ** 2, (map + 1) * tokens ** 2);
    return { layer, head: map, values: seenOf(found, tokens) };
  },
  weightedValues: async (context, run, { layer, head }) => {
    const { model } = context.open;
    checkHead(model, layer, head);
    const trace = await traceOf(context, run);
    const { weights } = await context.cache.head(trace, layer, head);
    const lengths = await model.headValueLengths(trace, layer, head, context.checkpoint);
    const steps = headSteps(run.recipe, layer);
    const tokens = run.ids.length;
    const values = seenOf(weights.data, tokens);
    for (let query = 0; query < tokens; query++) {
      const factor = Math.abs(changeAt(steps, head, query).factor);
      const from = (query * (query + 1)) / 2;
      for (let key = 0; key <= query; key++)
        values[from + key] = factor * (values[from + key] ?? Number.NaN) * (lengths[from + key] ?? Number.NaN);
    }
    return { layer, head, values };
  },
  weightGradients: async (context, run, { layer, head, ...question }) => {
    const { model } = context.open;
    checkHead(model, layer, head);
    checkIndex('position', question.position, run.ids.length);
    const trace = await traceOf(context, run);
    const target = await model.logit(trace, targetOf(question));
    const gradient = await gradientOf(context, trace, question);
    const slopes = await model.weightGradient(trace, gradient, { layer, head }, context.checkpoint);
    const { weights } = await context.cache.head(trace, layer, head);
    const values = seenOf(weights.data, run.ids.length);
    for (const [index, slope] of seenOf(slopes.data, run.ids.length).entries()) values[index] = (values[index] ?? Number.NaN) * slope;
    return { ...question, layer, head, target, values };
  },
  edgeCuts: async (context, run, { layer, head, query, keys, ...question }) => {
    const { model } = context.open;
    checkHead(model, layer, head);
    checkIndex('position', question.position, run.ids.length);
    checkIndex('query', query, run.ids.length);
    for (const key of keys) checkIndex('key', key, query);
    const trace = await traceOf(context, run);
    const target = await model.logit(trace, targetOf(question));
    const { weights } = await context.cache.head(trace, layer, head);
    const changeOf = async (key: number): Promise<number> => {
      const isUnseen = query > question.position || at(weights.data, query * run.ids.length + key) === 0;
      return isUnseen ? 0 : (await cutTarget(context, trace, question, { layer, head, query, key })) - target;
    };
    const changes = await measuredTogether(keys, changeOf, context.checkpoint);
    return { keys: Int32Array.from(keys.slice(0, changes.length)), changes, target };
  },
};

/** The effective attention of a layer, of the layer asked for last. */
async function effectiveOf({ open: { model } }: AnswerContext, trace: Trace, layer: number): Promise<Tensor> {
  const known = effective.get(trace);
  if (known?.layer === layer) return known.maps;
  const maps = await model.effectiveAttention(trace, layer);
  effective.set(trace, { layer, maps });
  return maps;
}

/** The target where one edge is cut. */
async function cutTarget(
  { open: { model }, checkpoint }: AnswerContext,
  trace: Trace,
  question: LogitQuestion,
  edge: { readonly layer: number; readonly head: number; readonly query: number; readonly key: number },
): Promise<number> {
  const { ids, recipe }: Run = textTo({ model, trace }, question.position);
  const cut = await model.run(runOf(ids, [...recipe, { kind: 'edge', ...edge, action: 'cut' }]), checkpoint, trace);
  return model.logit(cut, targetOf(question));
}

/** The gradient of a target, of the latest one kept. */
async function gradientOf({ open: { model }, progress }: AnswerContext, trace: Trace, question: LogitQuestion): Promise<Gradient> {
  const key = [question.position, question.token, question.rival].join();
  const known = latest.get(trace);
  if (known?.key === key) return known.gradient;
  const gradient = await model.gradient(trace, targetOf(question), progress);
  latest.set(trace, { key, gradient });
  return gradient;
}
