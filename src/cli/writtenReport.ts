import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { version } from '../../package.json';
import type { Explanation } from '../core/trace.ts';
import type { ShownExplanation } from '../protocol/messages.ts';
import { makeReport, type ReportContent } from '../report/makeReport.ts';
import { REPORT_ENDING, writeReport } from '../report/reportFile.ts';
import { loadReportPage } from '../report/reportPage.ts';
import { omissionNotices } from './comparedSide.ts';
import { UsageError } from './optionValues.ts';
import type { ReportOptions } from './reportOptions.ts';

/** Candidates kept per position, as many as the panel shows at first. */
export const CANDIDATES = 10;

/** Throws UsageError where a report would go to a terminal. */
export function refuseTerminal({ output }: Pick<ReportOptions, 'output'>): void {
  if (output === null && process.stdout.isTTY) throw new UsageError('A report is not for a terminal: name a file with --output.');
}

/** An explanation as a report shows it, by the name of its text. */
export function shownIn({ input, output }: Pick<ReportOptions, 'input' | 'output'>, explanation: Explanation): ShownExplanation {
  const named = output === null ? 'Explain Tokens' : basename(output).slice(0, -REPORT_ENDING.length);
  const label = input.kind === 'file' ? basename(input.path) : named;
  return {
    serial: 1,
    source: { uri: '', start: 0, end: explanation.text.length, label },
    explanation,
    notices: omissionNotices(explanation),
  };
}

/** The file of a report, made now, with the built page in `distFolder`. */
export async function reportBytes(content: ReportContent, distFolder: string): Promise<Uint8Array> {
  const page = await loadReportPage((file) => readFile(join(distFolder, '..', file), 'utf8'));
  return new TextEncoder().encode(await writeReport(makeReport(content, version, new Date()), page));
}
