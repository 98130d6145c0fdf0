import * as v from 'valibot';
import { bytesText } from '../core/bytesText.ts';
import { UserError } from '../core/errors.ts';
import { stepsOf } from '../core/recipe.ts';
import { isRecord } from '../core/records.ts';
import { msg } from '../core/translatable.ts';
import type { ShownComparison, ShownExplanation } from '../protocol/messages.ts';
import { parseQuery } from '../protocol/queries.ts';
import type { Note } from './notes.ts';
import { packData, unpackData, unpackFirstData } from './packedData.ts';
import { REPORT_FORMAT, REPORT_HEAD, REPORT_VERSION, type KeptAnswer, type Report, type ReportHead } from './report.ts';
import { reportPage, type ReportPage } from './reportPage.ts';
import { areTokensOf, keptExplanation, wholeExplanation } from './shownSchema.ts';
import { unzipFirstText, unzipText, zipText } from './zippedText.ts';

/** How the names of reports end. */
export const REPORT_ENDING = '.tokens.html';
/** Most bytes of a report's file, and of the numbers in it. */
export const MAX_REPORT_BYTES = 256 * 1024 * 1024;
const MAX_DATA_BYTES = 1024 * 1024 * 1024;

/** Ids of the elements that hold the description and the numbers. */
export const HEAD_ID = 'explain-tokens-report';
export const DATA_ID = 'explain-tokens-numbers';

/** The file of a report: a page that shows it by `page`, without any network. */
export async function writeReport(report: Report, page: ReportPage): Promise<string> {
  const { head, shown, comparison, answers } = report;
  const explanation = keptExplanation(shown.explanation);
  const data = await zipText(packData({ shown: { ...shown, explanation }, comparison, answers }));
  const elements =
    `<script type="application/json" id="${HEAD_ID}">${asciiJson(head)}</script>\n` +
    `<script type="text/plain" id="${DATA_ID}">${data}</script>\n`;
  return reportPage({ label: shown.source.label, text: head.text, elements }, page);
}

/** The report in a file's text. `name`: what errors call the file. Throws UserError in one sentence for a file that is none. */
export async function readReport(file: string, name: string): Promise<Report> {
  return reportOf((id) => elementIn(file, id), name);
}

/** The report whose elements hold these texts, by their ids; undefined: there is no such element. Throws UserError as `readReport` does. */
export async function reportOf(element: (id: string) => string | undefined, name: string): Promise<Report> {
  const head = readHead(element(HEAD_ID), name);
  const data = element(DATA_ID);
  if (data === undefined) throw damaged(name);
  const content = await dataIn(data, head.version).catch((error: unknown) => {
    throw damaged(name, error);
  });
  if (!isRecord(content) || !isRecord(content['shown']) || !Array.isArray(content['answers'])) throw damaged(name);
  const shown = shownIn(content['shown'], head);
  const answers = (content['answers'] as readonly unknown[]).map(answerIn);
  const comparison = comparisonIn(content['comparison'] ?? null);
  if (shown === undefined || comparison === undefined || !answers.every((answer) => answer !== undefined)) throw damaged(name);
  for (const { text, tokens, run } of [shown.explanation, ...(comparison === null ? [] : [comparison.explanation])])
    if (!areTokensOf(tokens, [...run.ids], text)) throw new UserError(msg`${name} cannot be trusted: its text and its token ids disagree.`);
  return { head, shown, comparison, answers };
}

async function dataIn(text: string, version: ReportHead['version']): Promise<unknown> {
  return version === 1 ? unpackFirstData(await unzipFirstText(text, MAX_DATA_BYTES)) : unpackData(await unzipText(text, MAX_DATA_BYTES));
}

/** What a report's file says of itself. Throws UserError for a file that is no report. */
export function headIn(file: string, name: string): ReportHead {
  return readHead(elementIn(file, HEAD_ID), name);
}

/** The file of a report with other notes; all else is as it was, to the last letter. Throws UserError for a file that is no report. */
export function withNotes(file: string, notes: readonly Note[], name: string): string {
  const description = elementIn(file, HEAD_ID) ?? '';
  readHead(description, name);
  const head = { ...(JSON.parse(description) as object), notes };
  const start = file.indexOf(opening(HEAD_ID)) + opening(HEAD_ID).length;
  return `${file.slice(0, start)}${asciiJson(head)}${file.slice(start + description.length)}`;
}

/** Throws UserError for a file that is too large to be a report. */
export function checkReportSize(bytes: number, name: string): void {
  if (bytes > MAX_REPORT_BYTES)
    throw new UserError(
      msg`${name} is larger than any report: ${bytesText(bytes)}, where at most ${bytesText(MAX_REPORT_BYTES)} are read.`,
    );
}

function readHead(text: string | undefined, name: string): ReportHead {
  if (text === undefined) throw new UserError(msg`${name} is not a report of Explain Tokens.`);
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (error) {
    throw damaged(name, error);
  }
  if (!isRecord(found) || found['format'] !== REPORT_FORMAT) throw new UserError(msg`${name} is not a report of Explain Tokens.`);
  const { version } = found;
  if (typeof version === 'number' && version > REPORT_VERSION)
    throw new UserError(msg`${name} was made by a newer version of Explain Tokens: update the extension to open it.`);
  const head = v.safeParse(REPORT_HEAD, found);
  if (!head.success) throw damaged(name);
  return head.output;
}

/** What the element of this id holds; undefined: there is none, or its end is missing. Nothing in it can end it early. */
function elementIn(file: string, id: string): string | undefined {
  const start = file.indexOf(opening(id));
  const end = start < 0 ? -1 : file.indexOf('</script>', start);
  return end < 0 ? undefined : file.slice(start + opening(id).length, end);
}

/** The end of the tag with which the element of this id begins. */
function opening(id: string): string {
  return `id="${id}">`;
}

function shownIn({ explanation: kept, ...shown }: Readonly<Record<string, unknown>>, head: ReportHead): ShownExplanation | undefined {
  const explanation = wholeExplanation(kept, head.text, head.ids, head.recipe);
  const { source, notices, serial } = shown;
  if (explanation === undefined || !isRecord(source) || typeof source['label'] !== 'string' || !Array.isArray(notices)) return undefined;
  return typeof serial === 'number' ? ({ ...shown, explanation } as unknown as ShownExplanation) : undefined;
}

/** A kept comparison, whose second side stands in it whole; undefined: it is none. */
function comparisonIn(value: unknown): ShownComparison | null | undefined {
  if (value === null) return null;
  if (!isRecord(value) || !isRecord(value['explanation'])) return undefined;
  const { kind, source, model, notices, sameVocabulary, divergence, explanation: kept } = value;
  const { text, run } = kept;
  if (typeof text !== 'string' || !isRecord(run) || !(run['ids'] instanceof Int32Array)) return undefined;
  const recipe = stepsOf(run['recipe']);
  const explanation = recipe && wholeExplanation(kept, text, [...run['ids']], recipe);
  const isWhole =
    (kind === 'text' || kind === 'model') &&
    (model === null || typeof model === 'string') &&
    typeof sameVocabulary === 'boolean' &&
    Array.isArray(notices) &&
    isRecord(source) &&
    typeof source['label'] === 'string' &&
    (divergence === null ||
      (isRecord(divergence) && divergence['spans'] instanceof Float32Array && typeof divergence['final'] === 'number'));
  return explanation !== undefined && isWhole ? ({ ...value, explanation } as unknown as ShownComparison) : undefined;
}

function answerIn(value: unknown): KeptAnswer | undefined {
  if (!isRecord(value)) return undefined;
  const query = parseQuery(value['query']);
  if (query === undefined) return undefined;
  const side = value['side'] === 'second' ? ({ side: 'second' } as const) : {};
  if (typeof value['failure'] === 'string') return { query, ...side, failure: value['failure'] };
  return isRecord(value['result']) ? { query, ...side, result: value['result'] } : undefined;
}

function damaged(name: string, cause?: unknown): UserError {
  return new UserError(msg`${name} is damaged or incomplete: it cannot be opened.`, { cause });
}

/** JSON of letters, digits and signs of ASCII, of which none can end an element, begin one, or turn the direction of text. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(/[<>&]|[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
