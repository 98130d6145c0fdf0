import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { messageOf, UserError } from '../core/errors.ts';
import type { Difference } from '../protocol/messages.ts';
import type { Report } from '../report/report.ts';
import { checkReportSize, readReport } from '../report/reportFile.ts';
import type { Note } from './input.ts';
import { openOutput } from './output.ts';
import type { VerifyOptions } from './reportOptions.ts';

const EXIT_PAST_TOLERANCE = 3;

/** The report in a file. Throws UserError. */
export async function keptReport(file: string): Promise<Report> {
  const name = basename(file);
  return readReport(await textOf(file, name), name);
}

/** Writes how far a report's numbers are from those that `model` gave, and returns the exit code: 3 if one is past the tolerance. */
export async function tellVerified(
  { file, output: to, tolerance }: VerifyOptions,
  kept: Report,
  model: string,
  differences: readonly Difference[],
  note: Note,
): Promise<number> {
  const output = await openOutput(to);
  await output.write(resultJson(kept, model, tolerance, differences));
  await output.finish();
  await note(sentence(basename(file), differences, tolerance));
  return (differences[0]?.share ?? 0) > tolerance ? EXIT_PAST_TOLERANCE : 0;
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
export async function noteModel({ head }: Report, here: string, note: Note): Promise<void> {
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
