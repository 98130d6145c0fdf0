import { alignTokens } from '../core/alignment.ts';
import { divergenceInParts } from '../core/comparison.ts';
import { UserError } from '../core/errors.ts';
import { promptOf } from '../core/generation.ts';
import type { Explanation } from '../core/trace.ts';
import { msg } from '../core/translatable.ts';
import type { ExplainRequest } from '../protocol/explainRequest.ts';
import type { Difference } from '../protocol/messages.ts';
import { answerOf, type AskModel, type OnAnswered } from './collectAnswers.ts';
import type { Report } from './report.ts';
import { comparedFields, differences } from './reportDifferences.ts';

/** What was read again of a report. */
export interface ReadAgain {
  readonly first: Explanation;
  /** The other side of its comparison; null: there is none, or its model is not here. */
  readonly second: Explanation | null;
  /** Asks about either side. */
  readonly ask: AskModel;
  /** KL(first || second) in bits, after positions of the first side and of the second. */
  readonly divergence: (a: Int32Array, b: Int32Array) => Promise<Float32Array>;
}

/** The request that reads a kept text as it was read. */
export function requestOf(kept: Explanation): ExplainRequest {
  const { text, tokens } = promptOf(kept);
  const { chat = false, topK, model, run } = kept;
  return {
    text,
    topK,
    chat,
    ...(run.recipe.length === 0 ? {} : { recipe: run.recipe }),
    continuation: { model: model.name, chat, ids: [...run.ids.subarray(tokens.length)] },
  };
}

/** Throws UserError where a text was read as other tokens than those of the report `name`: nothing that follows would be about the same. */
export function checkSameTokens(kept: Explanation, again: Explanation, name: string): void {
  const { ids } = kept.run;
  if (again.run.ids.length === ids.length && again.run.ids.every((id, index) => id === ids[index])) return;
  throw new UserError(msg`${name} cannot be read again with ${again.model.name}: its text has other tokens than those that are kept.`);
}

/** How far a report's kept numbers are from those that were read again, and its answers from those to the same questions. */
export async function differencesOf(report: Report, again: ReadAgain, onAnswered: OnAnswered): Promise<readonly Difference[]> {
  const { comparison } = report;
  const { first, second, ask } = again;
  const found = differences();
  found.add('tokens', comparedFields(report.shown.explanation), comparedFields(first));
  if (comparison !== null && second !== null) {
    found.add('second.tokens', comparedFields(comparison.explanation), comparedFields(second));
    const spans = alignTokens(first.tokens, second.tokens, comparison.sameVocabulary);
    if (comparison.divergence !== null)
      found.add('divergence', comparison.divergence, await divergenceInParts(spans, first.tokens, second.tokens, again.divergence));
  }
  const answers = report.answers.filter(({ side }) => side === undefined || second !== null);
  for (const [index, answer] of answers.entries()) {
    await onAnswered(index, answers.length);
    if (!('result' in answer)) continue;
    const { query, side } = answer;
    const of = side === 'second' && second !== null ? second : first;
    const next = await answerOf(of.model, answer, ask);
    found.add(side === undefined ? query.name : `${side}.${query.name}`, answer.result, 'result' in next ? next.result : null);
  }
  return found.list();
}
