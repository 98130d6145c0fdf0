import { UserError } from '../core/errors.ts';
import type { Run } from '../core/run.ts';
import type { Tensor } from '../core/tensor.ts';
import { msg } from '../core/translatable.ts';
import type { LanguageModel, Sequence } from '../model/languageModel.ts';
import { checkIndex, traceOf, type AnswerContext, type Answers } from './answering.ts';
import { checkRoom } from './fitting.ts';
import { lastResidual, rowsBetween } from './traceRows.ts';
import { scoreRows } from './windowScores.ts';

/**
 * The window of which a part was scored last, as far as it was read: the next part follows it, and so does the rest of the window once a
 * word in its middle was typed. It is not among the passes that the panel keeps, which a long file would drive out, and it grows in place.
 */
const latest = new WeakMap<LanguageModel, { readonly sequence: Sequence; readonly tokens: number }>();

/** Room for more tokens than a window has, as a text that is typed in grows. */
const GROWTH = 1.125;

/** Answers the question about the scores of a window of a longer text. */
export const scoreAnswers: Pick<Answers, 'scores'> = {
  scores: async (context, run, { from, to }) => {
    const { model } = context.open;
    const { length } = run.ids;
    checkIndex('token', from, length, 1);
    checkIndex('token', to - 1, length, from);
    checkRoom(model, await context.room(), length);
    if (length > model.info.contextLength) throw new UserError(msg`${model.info.name} reads ${model.info.contextLength} tokens at once.`);
    return scoreRows(model, await finals(context, run, from - 1, to - 1), run.ids.subarray(from, to), context.checkpoint);
  },
};

/** Last residuals [to - from, D] of tokens `from` to `to` - 1. A window that the panel shows was run already. */
async function finals(context: AnswerContext, run: Run, from: number, to: number): Promise<Tensor> {
  if (context.cache.holds(run)) return rowsBetween(lastResidual(await traceOf(context, run)), from, to);
  const sequence = sequenceFor(context.open.model, run.ids.length);
  await sequence.read(run, context.progress, to + 1);
  return sequence.finals(from, to);
}

/** What windows of `length` tokens are read into: one at a time, so that memory holds no more than a window. */
function sequenceFor(model: LanguageModel, length: number): Sequence {
  const known = latest.get(model);
  if (known !== undefined && length <= known.tokens) return known.sequence;
  latest.delete(model);
  const tokens = Math.max(length, Math.min(model.info.contextLength, Math.ceil(GROWTH * length)));
  const sequence = model.sequence(tokens);
  latest.set(model, { sequence, tokens });
  return sequence;
}
