import { basename } from 'node:path';
import type { AnswerContext } from '../analysis/answering.ts';
import { answer } from '../analysis/answers.ts';
import { explain } from '../analysis/explain.ts';
import { UserError } from '../core/errors.ts';
import type { Explanation } from '../core/trace.ts';
import { checkSameTokens, differencesOf, requestOf } from '../report/readAgain.ts';
import type { Report } from '../report/report.ts';
import { openAnalysis } from './analysis.ts';
import { divergenceOfSides, type Side } from './comparedSide.ts';
import type { Note } from './input.ts';
import { UsageError } from './optionValues.ts';
import { progressLine } from './progressLine.ts';
import type { VerifyOptions } from './reportOptions.ts';
import { keptReport, noteModel, tellVerified } from './verification.ts';

/**
 * Reads a report again and writes, as JSON, how far its kept numbers are from those of the model that is here. Returns the exit code: 3 if
 * one is past the tolerance. Throws UserError.
 */
export async function verify(options: VerifyOptions, distFolder: string, note: Note): Promise<number> {
  const name = basename(options.file);
  const kept = await keptReport(options.file);
  refuseServed(kept, name);
  const line = progressLine();
  const context = await openAnalysis(options, distFolder, note, ({ stage }) => line.tell(stage));
  const { info } = context.open.model;
  await noteModel(kept, info.name, note);
  const first = await read(context, kept.shown.explanation, name);
  const second = await readSecond(options, kept, context, distFolder, note);
  const of = (side?: 'second'): Side => (side === 'second' && second !== null ? second : first);
  const differences = await differencesOf(
    kept,
    {
      first: first.explanation,
      second: second?.explanation ?? null,
      ask: (question, args, side) => answer(of(side).context, of(side).explanation.run, question, args),
      divergence: divergenceOfSides(first, of('second')),
    },
    (done, total) => line.tell(`${info.name}: ${done} of ${total} questions`),
  );
  line.clear();
  return tellVerified(options, kept, info.name, differences, note);
}

/** Reads a kept text again. Throws UserError where it has other tokens now. */
async function read(context: AnswerContext, kept: Explanation, name: string): Promise<Side> {
  const explanation = await explain(context, requestOf(kept));
  checkSameTokens(kept, explanation, name);
  return { context, explanation };
}

/** The other side of the report's comparison, read again; null: there is none, or its model was not named, which is said. */
async function readSecond(
  options: VerifyOptions,
  { comparison }: Report,
  context: AnswerContext,
  distFolder: string,
  note: Note,
): Promise<Side | null> {
  const { withModel, file } = options;
  if (comparison?.kind !== 'model' && withModel !== null)
    throw new UsageError(`--with-model is for a comparison of two models, and ${basename(file)} has none.`);
  if (comparison === null) return null;
  if (comparison.kind === 'text') return read(context, comparison.explanation, basename(file));
  if (comparison.explanation.model.served !== undefined) {
    await note(`The comparison with ${comparison.explanation.model.name}, which an engine served, is not read again.`);
    return null;
  }
  if (withModel === null) {
    await note(`The comparison with ${comparison.explanation.model.name} is not read again: --with-model would name that model.`);
    return null;
  }
  return read(
    await openAnalysis({ ...options, model: withModel }, distFolder, note, () => undefined),
    comparison.explanation,
    basename(file),
  );
}

/** Throws UserError for a report of what an engine returned: a model here has other numbers, and more of them. */
function refuseServed({ shown }: Report, name: string): void {
  const { name: model, served } = shown.explanation.model;
  if (served !== undefined) throw new UserError(`${name} was read by ${model}, served by ${served.engine}: --engine URL reads it again.`);
}
