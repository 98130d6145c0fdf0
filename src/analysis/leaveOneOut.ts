import { UserError } from '../core/errors.ts';
import { runOf, withoutToken } from '../core/run.ts';
import { row, tensor } from '../core/tensor.ts';
import { msg } from '../core/translatable.ts';
import type { Trace } from '../model/run/forwardTrace.ts';
import type { LogitTarget } from '../model/run/gradientCalls.ts';
import { textTo, type Attributed, type Attributing } from './attributing.ts';
import { layerOf } from './traceRows.ts';

/** What the target loses when no later token attends to a token. The token still attends to itself: what it says of itself stays. */
export async function withHidden(of: Attributing): Promise<Attributed> {
  const { model, trace, target, context } = of;
  const { ids, recipe } = textTo(of, target.position);
  return withoutEach(of, async (key) => {
    if (key === target.position) return { trace, target };
    const run = runOf(ids, [...recipe, { kind: 'key', key, action: 'cut' }]);
    return { trace: await model.run(run, context.checkpoint, trace), target };
  });
}

/** What the target loses when a token is replaced by the average one: its row of the embedding table by the mean of all rows. */
export async function withReplaced(of: Attributing): Promise<Attributed> {
  const { model, trace, target, context } = of;
  const run = textTo(of, target.position);
  const average = await model.averageInput(run.ids.length);
  const own = layerOf(trace.resid, 0).data.subarray(0, average.data.length);
  return withoutEach(of, async (token) => {
    const input = tensor(average.dims, own.slice());
    row(input, token).set(row(average, token));
    return { trace: await model.runFrom(run, { input, known: trace, tokens: token }, context.checkpoint), target };
  });
}

/**
 * What the target loses in the text without the token; what follows moves up by one. Without the token at the position itself, the
 * prediction is made at the one before. Throws UserError where nothing would be left.
 */
export async function withRemoved(of: Attributing): Promise<Attributed> {
  const { model, trace, target, context } = of;
  const text = textTo(of, target.position);
  if (target.position === 0) throw new UserError(msg`Without its only token nothing is left of the text: this method needs two.`);
  return withoutEach(of, async (token) => {
    const run = withoutToken(text, token);
    return { trace: await model.run(run, context.checkpoint, trace), target: { ...target, position: target.position - 1 } };
  });
}

/** What the target loses without each token up to the position. */
async function withoutEach(
  { model, trace, target: { position }, value, context }: Attributing,
  run: (token: number) => Promise<{ readonly trace: Trace; readonly target: LogitTarget }>,
): Promise<Attributed> {
  const values = new Float32Array(trace.run.ids.length);
  for (let token = 0; token <= position; token++) {
    await context.progress({ stage: 'changed', done: token, total: position + 1 });
    const changed = await run(token);
    values[token] = value - (await model.logit(changed.trace, changed.target));
  }
  await context.progress({ stage: 'changed', done: position + 1, total: position + 1 });
  return { values, completeness: null };
}
