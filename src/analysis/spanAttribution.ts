import type { SpanAttribution, SpanMethod, SpanQuestion } from '../core/attribution.ts';
import { deletionCounts, type DeletionCurve } from '../core/deletion.ts';
import { UserError } from '../core/errors.ts';
import type { CallContext } from '../core/progress.ts';
import { runOf, withoutTokens } from '../core/run.ts';
import { at, row, tensor } from '../core/tensor.ts';
import { msg } from '../core/translatable.ts';
import type { LanguageModel } from '../model/languageModel.ts';
import type { Trace } from '../model/run/forwardTrace.ts';
import type { Prediction } from '../model/run/gradientCalls.ts';
import { checkIndex } from './answering.ts';
import { rowProducts, textTo, type Attributed } from './attributing.ts';
import { alongTheWay } from './integratedGradients.ts';
import { lastResidual, layerOf, rowsAt, targetLogprob } from './traceRows.ts';

// Several tokens of a text as one target: the sum of their log-probabilities is the log-probability that the text goes on with all of them.
// A sum of logits would mean nothing, as each position has a scale of its own, and a rival would have to be a text.

/** What a method attributes. */
interface SpanAttributing {
  readonly model: LanguageModel;
  readonly trace: Trace;
  /** The span's tokens, each after its position. */
  readonly predictions: readonly Prediction[];
  /** Their log-probabilities, in the same order. */
  readonly logprobs: readonly number[];
  /** The last position. */
  readonly end: number;
  readonly context: CallContext;
}

const METHODS: Readonly<Record<SpanMethod, (of: SpanAttributing) => Promise<Attributed>>> = {
  'gradient-x-input': async ({ model, trace, predictions, context }) => {
    const { resid } = await model.gradient(trace, { kind: 'logprobs', predictions }, context.progress);
    return { values: rowProducts(layerOf(resid, 0), layerOf(trace.resid, 0)), completeness: null };
  },
  'integrated-gradients': ({ predictions, logprobs, end, ...of }) =>
    alongTheWay({
      ...of,
      target: { kind: 'logprobs', predictions },
      position: end,
      value: sumOf(logprobs),
      valueIn: async (there) => sumOf(await logprobsOf(of.model, there, predictions)),
    }),
  hidden: withHidden,
  replaced: withReplaced,
  removed: withRemoved,
};

/**
 * How much each token of a whole text's trace counts for the tokens after the positions `position` to `end`, by one method. Throws
 * RangeError for a position that no token follows, and UserError where the method has no answer.
 */
export async function attributeSpan(
  model: LanguageModel,
  trace: Trace,
  span: SpanQuestion,
  method: SpanMethod,
  context: CallContext,
): Promise<SpanAttribution> {
  const predictions = spanPredictions(trace, span);
  const logprobs = await logprobsOf(model, trace, predictions);
  const found = await METHODS[method]({ model, trace, predictions, logprobs, end: span.end, context });
  return { ...span, method, target: sumOf(logprobs), ...found };
}

/** The text's own token after each position of a span. Throws RangeError for a position that no token follows. */
export function spanPredictions({ run: { ids } }: Trace, { position, end }: SpanQuestion): readonly Prediction[] {
  checkIndex('position', position, ids.length - 1);
  checkIndex('last position', end, ids.length - 1, position);
  return Array.from({ length: end - position + 1 }, (_, index) => ({ position: position + index, token: at(ids, position + index + 1) }));
}

/** The log-probability (natural) of each prediction. */
export async function logprobsOf(model: LanguageModel, trace: Trace, predictions: readonly Prediction[]): Promise<readonly number[]> {
  const positions = Int32Array.from(predictions, ({ position }) => position);
  const tokens = Int32Array.from(predictions, ({ token }) => token);
  const stats = await model.unembed(rowsAt(lastResidual(trace), positions), 1, tokens);
  return predictions.map((_, index) => targetLogprob(stats, index));
}

/** No later token attends to the token; what is predicted of itself stays. */
function withHidden(of: SpanAttributing): Promise<Attributed> {
  const { model, trace, predictions, end, context } = of;
  const { ids, recipe } = textTo(of, end);
  return withoutEach(of, async (key) => {
    if (key === end) return { trace, predictions };
    const run = runOf(ids, [...recipe, { kind: 'key', key, action: 'cut' }]);
    return { trace: await model.run(run, context.checkpoint, trace), predictions };
  });
}

/** The token is read as the average one; what is predicted of itself stays. */
async function withReplaced(of: SpanAttributing): Promise<Attributed> {
  const { model, trace, predictions, end, context } = of;
  const run = textTo(of, end);
  const average = await model.averageInput(run.ids.length);
  const own = layerOf(trace.resid, 0).data.subarray(0, average.data.length);
  return withoutEach(of, async (token) => {
    const input = tensor(average.dims, own.slice());
    row(input, token).set(row(average, token));
    return { trace: await model.runFrom(run, { input, known: trace, tokens: token }, context.checkpoint), predictions };
  });
}

/** The text lacks the token. One of the span itself is not predicted any more: it counts for the others. */
function withRemoved(of: SpanAttributing): Promise<Attributed> {
  const { model, trace, predictions, end, context } = of;
  if (predictions[0]?.position === 0)
    throw new UserError(msg`Without the text’s first token nothing comes before the span: this method needs another token before it.`);
  const text = textTo(of, end);
  return withoutEach(of, async (token) => ({
    trace: await model.run(withoutTokens(text, token, token + 1), context.checkpoint, trace),
    predictions: predictions.flatMap((one) =>
      one.position + 1 === token ? [] : [{ ...one, position: one.position - Number(one.position >= token) }],
    ),
  }));
}

/** What the tokens of the span that are still predicted lose without each token up to the last position. */
async function withoutEach(
  { model, trace, predictions, logprobs, end, context }: SpanAttributing,
  run: (token: number) => Promise<{ readonly trace: Trace; readonly predictions: readonly Prediction[] }>,
): Promise<Attributed> {
  const values = new Float32Array(trace.run.ids.length);
  for (let token = 0; token <= end; token++) {
    await context.progress({ stage: 'changed', done: token, total: end + 1 });
    const changed = await run(token);
    const isWhole = changed.predictions.length === predictions.length;
    const before = logprobs.filter((_, index) => isWhole || (predictions[index]?.position ?? 0) + 1 !== token);
    values[token] = sumOf(before) - sumOf(await logprobsOf(model, changed.trace, changed.predictions));
  }
  await context.progress({ stage: 'changed', done: end + 1, total: end + 1 });
  return { values, completeness: null };
}

/** As `deletionCurve`, of the sum of a span's log-probabilities. */
export async function spanDeletion(
  model: LanguageModel,
  trace: Trace,
  span: SpanQuestion,
  words: readonly (readonly number[])[],
  { progress, checkpoint }: CallContext,
): Promise<DeletionCurve> {
  const predictions = spanPredictions(trace, span);
  for (const key of words.flat()) checkIndex('token', key, span.end + 1);
  const { ids, recipe } = textTo({ model, trace }, span.end);
  const counts = deletionCounts(words.length);
  const logprob = new Float32Array(counts.length);
  for (const [index, count] of counts.entries()) {
    await progress({ stage: 'changed', done: index, total: counts.length });
    const cuts = words.slice(0, count).flatMap((word) => word.map((key) => ({ kind: 'key', key, action: 'cut' }) as const));
    const changed = count === 0 ? trace : await model.run(runOf(ids, [...recipe, ...cuts]), checkpoint, trace);
    logprob[index] = sumOf(await logprobsOf(model, changed, predictions));
  }
  await progress({ stage: 'changed', done: counts.length, total: counts.length });
  return { counts, logprob };
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
