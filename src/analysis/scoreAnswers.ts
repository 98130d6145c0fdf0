import { UserError } from '../core/errors.ts';
import { msg } from '../core/translatable.ts';
import type { LanguageModel } from '../model/languageModel.ts';
import type { Trace } from '../model/run/forwardTrace.ts';
import { checkIndex, type Answers } from './answering.ts';
import { checkRoom } from './fitting.ts';
import { scoreRows } from './windowScores.ts';

/**
 * The forward pass of the last part of a window that was scored: the next part begins with the same tokens, and so does the window once a
 * word in its middle was typed. It is not among the passes that the panel keeps, which a long file would drive out.
 */
const latest = new WeakMap<LanguageModel, Trace>();

/** Answers the question about the scores of a window of a longer text. */
export const scoreAnswers: Pick<Answers, 'scores'> = {
  scores: async (context, run, { from }) => {
    const { model } = context.open;
    const { length } = run.ids;
    checkIndex('token', from, length, 1);
    checkRoom(model, await context.room(), length);
    if (length > model.info.contextLength) throw new UserError(msg`${model.info.name} reads ${model.info.contextLength} tokens at once.`);
    const known = latest.get(model);
    // Not two windows at once in memory where the one is of no use to the other.
    if (known !== undefined && model.sharedTokens(known.run, run) === 0) latest.delete(model);
    const trace = await model.run(run, context.progress, latest.get(model));
    latest.set(model, trace);
    return scoreRows(model, trace, from, context.checkpoint);
  },
};
