import { UserError } from '../core/errors.ts';
import { promptOf } from '../core/generation.ts';
import type { Explanation } from '../core/trace.ts';
import { msg } from '../core/translatable.ts';
import type { ExplainRequest } from '../protocol/explainRequest.ts';
import type { Difference } from '../protocol/messages.ts';
import { answerOf, type AskModel, type OnAnswered } from './collectAnswers.ts';
import type { Report } from './report.ts';
import { comparedFields, differences } from './reportDifferences.ts';

/** The request that reads a report's text as it was read. */
export function requestOf({ shown: { explanation }, head }: Report): ExplainRequest {
  const { text, tokens } = promptOf(explanation);
  const { chat = false, topK, model, run } = explanation;
  return {
    text,
    topK,
    chat,
    ...(run.recipe.length === 0 ? {} : { recipe: head.recipe }),
    continuation: { model: model.name, chat, ids: head.ids.slice(tokens.length) },
  };
}

/** Throws UserError where a text was read as other tokens than those of the report: nothing that follows would be about the same. */
export function checkSameTokens(report: Report, again: Explanation, name: string): void {
  const { ids } = report.head;
  if (again.run.ids.length === ids.length && again.run.ids.every((id, index) => id === ids[index])) return;
  throw new UserError(msg`${name} cannot be read again with ${again.model.name}: its text has other tokens than those that are kept.`);
}

/**
 * Reads a report again: how far its kept numbers are from those of `again`, and of the answers to the same questions. Those about the
 * second side of a comparison are left out, as that is another text or another model.
 */
export async function differencesOf(
  report: Report,
  again: Explanation,
  ask: AskModel,
  onAnswered: OnAnswered,
): Promise<readonly Difference[]> {
  const found = differences();
  found.add('tokens', comparedFields(report.shown.explanation), comparedFields(again));
  const own = report.answers.filter(({ side }) => side === undefined);
  for (const [index, answer] of own.entries()) {
    await onAnswered(index, own.length);
    if (!('result' in answer)) continue;
    const next = await answerOf(again.model, answer, ask);
    found.add(answer.query.name, answer.result, 'result' in next ? next.result : null);
  }
  return found.list();
}
