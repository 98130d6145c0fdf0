import { strongestKey } from '../core/attentionRows.ts';
import { CancelledError, UserError } from '../core/errors.ts';
import type { AttentionRow, HeadSummaries, ModelInfo } from '../core/trace.ts';
import type { PageQueryName, Query, QueryArgs, QueryResult } from '../protocol/queries.ts';
import { keptAnswers } from './keptAnswers.ts';
import type { KeptAnswer } from './report.ts';
import { cellQuestions, reportQuestions, type ReportChoice, type SidedQuery } from './reportQuestions.ts';
import type { ShownExplanation } from '../protocol/messages.ts';

/** Asks the model a question about the run of one side. */
export type AskModel = <Name extends PageQueryName>(name: Name, args: QueryArgs<Name>, side?: 'second') => Promise<QueryResult<Name>>;

/** Told how many of the questions are answered. Throws CancelledError to stop. */
export type OnAnswered = (done: number, total: number) => void | Promise<void>;

/**
 * Asks everything that goes into a report, one question after another. `others`: questions that go in too, such as those that the user has
 * asked. A question that the model has no answer to keeps the sentence that says so.
 */
export async function collectAnswers(
  { explanation }: Pick<ShownExplanation, 'explanation'>,
  choice: ReportChoice,
  others: readonly SidedQuery[],
  ask: AskModel,
  onAnswered: OnAnswered,
): Promise<readonly KeptAnswer[]> {
  const asked: readonly SidedQuery[] = reportQuestions(explanation, choice).map((query) => ({ query }));
  const cells = choice.parts.includes('attention') ? explanation.model.layers * explanation.model.heads * choice.tokens.length : 0;
  const total = asked.length + cells + others.length;
  const answers: KeptAnswer[] = [];
  const take = async (one: SidedQuery): Promise<void> => {
    await onAnswered(answers.length, total);
    answers.push({ ...one, ...(await answerOf(explanation.model, one, ask)) });
  };
  for (const one of asked) await take(one);
  if (cells > 0) for (const query of strongestCells(explanation.model, choice, answers)) await take({ query });
  // What is known already, by itself or as a part of something, is not kept twice.
  const kept = keptAnswers(answers);
  for (const one of others) if (kept.find(one.query, one.side) === undefined) await take(one);
  await onAnswered(answers.length, answers.length);
  return answers;
}

/** The answer to one question, whole where the model gives it in parts; or the sentence why there is none. */
export async function answerOf(
  model: ModelInfo,
  { query, side }: SidedQuery,
  ask: AskModel,
): Promise<{ readonly result: unknown } | { readonly failure: string }> {
  try {
    if (query.name === 'heads') return { result: await allHeads(model, query.args.layer, (layer) => ask('heads', { layer }, side)) };
    return { result: await ask(query.name, query.args, side) };
  } catch (error) {
    if (error instanceof CancelledError) throw error;
    if (error instanceof UserError || error instanceof RangeError) return { failure: error.message };
    throw error;
  }
}

/** Heads of all layers from this one on, which are measured a few layers at a time. */
async function allHeads(
  { layers, heads }: ModelInfo,
  from: number,
  ask: (layer: number) => Promise<HeadSummaries>,
): Promise<HeadSummaries> {
  const first = await ask(from);
  const parts = [first];
  const each = first.thumbnailSize ** 2 * heads;
  let known = from + first.thumbnails.length / each;
  while (known < layers) {
    const next = await ask(known);
    parts.push(next);
    known += next.thumbnails.length / each;
  }
  return {
    ...first,
    metrics: Float32Array.from(parts.flatMap(({ metrics }) => [...metrics])),
    thumbnails: Uint8Array.from(parts.flatMap(({ thumbnails }) => [...thumbnails])),
  };
}

/** Questions about the strongest weight of each head's row of the chosen tokens, as far as rows are kept. */
function strongestCells({ layers, heads }: ModelInfo, { tokens }: ReportChoice, answers: readonly KeptAnswer[]): readonly Query[] {
  const kept = keptAnswers(answers);
  const cells = [];
  for (let layer = 0; layer < layers; layer++)
    for (let head = 0; head < heads; head++)
      for (const query of tokens) {
        const found = kept.find({ name: 'attentionRow', args: { layer, head, query } });
        if (found !== undefined && 'result' in found)
          cells.push({ layer, head, query, key: strongestKey(found.result as AttentionRow, true) });
      }
  return cellQuestions(cells);
}
