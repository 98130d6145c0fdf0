import { deletionCounts, type DeletionCurve } from '../core/deletion.ts';
import type { CallContext } from '../core/progress.ts';
import { runOf } from '../core/run.ts';
import type { LanguageModel } from '../model/languageModel.ts';
import type { Trace } from '../model/run/forwardTrace.ts';
import { checkTarget } from '../model/run/gradientCalls.ts';
import { checkIndex, traceOf, type Answers } from './answering.ts';
import { spanDeletion } from './spanAttribution.ts';
import { targetLogprob } from './traceRows.ts';

/** How a prediction, or several of the text's own tokens together, fail as words are hidden. */
export const deletionAnswers: Pick<Answers, 'deletion' | 'spanDeletion'> = {
  deletion: async (context, run, { position, token, words }) => {
    checkIndex('position', position, run.ids.length);
    return deletionCurve(context.open.model, await traceOf(context, run), { position, token }, words, context);
  },
  spanDeletion: async (context, run, { words, ...span }) =>
    spanDeletion(context.open.model, await traceOf(context, run), span, words, context),
};

/**
 * The log-probability of `token` after `position` with the first words of `words` hidden, each given by its tokens' positions. Throws
 * UserError for a token outside the vocabulary, RangeError for a word's token behind the position.
 */
export async function deletionCurve(
  model: LanguageModel,
  trace: Trace,
  { position, token }: { readonly position: number; readonly token: number },
  words: readonly (readonly number[])[],
  { progress, checkpoint }: CallContext,
): Promise<DeletionCurve> {
  checkTarget({ kind: 'logprob', position, token }, trace.run.ids.length, model.info.vocab);
  for (const key of words.flat()) checkIndex('token', key, position + 1);
  const { ids, recipe } = trace.run;
  const counts = deletionCounts(words.length);
  const logprob = new Float32Array(counts.length);
  for (const [index, count] of counts.entries()) {
    await progress({ stage: 'changed', done: index, total: counts.length });
    const cuts = words.slice(0, count).flatMap((word) => word.map((key) => ({ kind: 'key', key, action: 'cut' }) as const));
    const row = await model.finalRow({ run: runOf(ids, [...recipe, ...cuts]), position, known: trace }, checkpoint);
    const stats = await model.unembed(row, 1, Int32Array.of(token));
    logprob[index] = targetLogprob(stats, 0);
  }
  await progress({ stage: 'changed', done: counts.length, total: counts.length });
  return { counts, logprob };
}
