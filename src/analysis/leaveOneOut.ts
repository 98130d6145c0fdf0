import type { LeaveOneOut } from '../core/attribution.ts';
import { UserError } from '../core/errors.ts';
import { runOf, withoutTokens } from '../core/run.ts';
import { row, tensor, type Tensor } from '../core/tensor.ts';
import type { TokenRun } from '../core/textUnits.ts';
import { msg } from '../core/translatable.ts';
import type { Trace } from '../model/run/forwardTrace.ts';
import type { Attributed, Attributing } from './attributing.ts';
import { layerOf, rowsBetween } from './traceRows.ts';

/** Gives the last residual [1, D] that the target is read from in a text without a unit. */
type Without = (of: Attributing, unit: TokenRun) => Promise<Tensor>;

const WITHOUT: Readonly<Record<LeaveOneOut, Without>> = { hidden, replaced, removed };

/**
 * What the target loses without a unit of the text, a run of tokens left out together; without those after the target's position it loses
 * nothing. Throws UserError where nothing of the text would be left.
 */
export async function leftOut(of: Attributing, method: LeaveOneOut, unit: TokenRun): Promise<number> {
  const { model, target, value } = of;
  if (unit.first > target.position) return 0;
  return value - (await model.logitOf(await WITHOUT[method](of, unit), target));
}

/** What the target loses without each token up to the position. */
export async function leaveOneOut(of: Attributing, method: LeaveOneOut): Promise<Attributed> {
  const { trace, target, context } = of;
  const total = target.position + 1;
  const values = new Float32Array(trace.run.ids.length);
  for (let token = 0; token < total; token++) {
    await context.progress({ stage: 'changed', done: token, total });
    values[token] = await leftOut(of, method, { first: token, end: token + 1 });
  }
  await context.progress({ stage: 'changed', done: total, total });
  return { values, completeness: null };
}

/** No later token attends to those of the unit. Each still attends to itself: what the last token says of itself stays. */
async function hidden({ model, trace, target: { position }, context }: Attributing, { first, end }: TokenRun): Promise<Tensor> {
  const { ids, recipe } = trace.run;
  const cuts = Array.from({ length: Math.min(end, position) - first }, (_, i) => ({ kind: 'key', key: first + i, action: 'cut' }) as const);
  return model.finalRow({ run: runOf(ids, [...recipe, ...cuts]), position, known: trace }, context.checkpoint);
}

/** What the first block reads of average tokens, for each text that it was needed for. */
const averages = new WeakMap<Trace, Tensor>();

/** The unit's tokens are replaced by the average one: their rows of the embedding table by the mean of all rows. */
async function replaced({ model, trace, target: { position }, context }: Attributing, { first, end }: TokenRun): Promise<Tensor> {
  const average = averages.get(trace) ?? (await model.averageInput(trace.run.ids.length));
  averages.set(trace, average);
  const own = rowsBetween(layerOf(trace.resid, 0), 0, position + 1);
  const input = tensor(own.dims, own.data);
  for (let token = first; token < Math.min(end, position + 1); token++) row(input, token).set(row(average, token));
  return model.finalRow({ run: trace.run, position, known: trace, other: { input, tokens: first } }, context.checkpoint);
}

/**
 * The text lacks the unit; what follows moves up. Where the token at the position itself is left out, the prediction is made at the one
 * before.
 */
async function removed({ model, trace, target: { position }, context }: Attributing, { first, end }: TokenRun): Promise<Tensor> {
  const last = position - (Math.min(end, position + 1) - first);
  if (last < 0) throw new UserError(msg`Without its only unit nothing is left of the text: this method needs two.`);
  const run = withoutTokens(trace.run, first, end);
  return model.finalRow({ run, position: last, known: trace }, context.checkpoint);
}
