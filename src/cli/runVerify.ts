import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { AnswerContext } from '../analysis/answering.ts';
import { answer } from '../analysis/answers.ts';
import { explain } from '../analysis/explain.ts';
import { messageOf, UserError } from '../core/errors.ts';
import type { Explanation } from '../core/trace.ts';
import type { Difference } from '../protocol/messages.ts';
import { checkSameTokens, differencesOf, requestOf } from '../report/readAgain.ts';
import type { Report } from '../report/report.ts';
import { checkReportSize, readReport } from '../report/reportFile.ts';
import { openAnalysis } from './analysis.ts';
import { divergenceOfSides, type Side } from './comparedSide.ts';
import type { Note } from './input.ts';
import { UsageError } from './optionValues.ts';
import { openOutput } from './output.ts';
import { progressLine } from './progressLine.ts';
import type { VerifyOptions } from './reportOptions.ts';

const EXIT_PAST_TOLERANCE = 3;

/**
 * Reads a report again and writes, as JSON, how far its kept numbers are from those of the model that is here. Returns the exit code: 3 if
 * one is past the tolerance. Throws UserError.
 */
export async function verify(options: VerifyOptions, distFolder: string, note: Note): Promise<number> {
  const { file, tolerance } = options;
  const name = basename(file);
  const kept = await readReport(await textOf(file, name), name);
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
  const most = differences[0]?.share ?? 0;
  const output = await openOutput(options.output);
  await output.write(resultJson(kept, info.name, tolerance, differences));
  await output.finish();
  await note(sentence(name, differences, tolerance));
  return most > tolerance ? EXIT_PAST_TOLERANCE : 0;
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

async function textOf(path: string, name: string): Promise<string> {
  try {
    const { size } = await stat(path);
    checkReportSize(size, name);
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${path} cannot be read: ${messageOf(error)}.`, { cause: error });
  }
}

/** Says so where the report is of a model of another name: its numbers are compared all the same. */
async function noteModel({ head }: Report, here: string, note: Note): Promise<void> {
  if (head.model.name !== here) await note(`The report is of ${head.model.name}, and is read again with ${here}.`);
}

/** The result, a quantity a line. JSON has no infinity: its share is null. */
function resultJson({ head }: Report, model: string, tolerance: number, differences: readonly Difference[]): string {
  const about = { report: { model: head.model, created: head.created, product: head.product }, model, tolerance };
  const rows = differences.map((one) => JSON.stringify({ ...one, share: Number.isFinite(one.share) ? one.share : null }));
  return `${JSON.stringify(about).slice(0, -1)},\n"differences":[\n${rows.join(',\n')}\n]}\n`;
}

function sentence(name: string, differences: readonly Difference[], tolerance: number): string {
  const [most] = differences;
  if (most === undefined || most.share === 0) return `${name}: every number is the kept one to its last bit.`;
  const share = most.share === Infinity ? 'there are other numbers' : `off by ${most.share.toExponential(2)} of the largest`;
  return `${name}: ${most.quantity} differs most, ${share}; the tolerance is ${tolerance}.`;
}
