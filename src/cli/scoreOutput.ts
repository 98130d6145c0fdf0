import { bitsPerByte, type ScoredLine, type ScoredPart, type ScoredWord, type ScoreTotals } from '../core/textScores.ts';
import { tableCell } from '../core/tableText.ts';
import type { Token } from '../core/trace.ts';
import { shortened, visibleControls, visibleText, visibleToken } from '../core/visibleText.ts';
import type { ScoreFormat, ScoreUnit } from './scoreOptions.ts';

/** A record of the scores of a file. */
export type ScoreRecord =
  | { readonly kind: 'token'; readonly token: Token; readonly logprob: number }
  | { readonly kind: 'line'; readonly part: ScoredLine }
  | { readonly kind: 'word'; readonly part: ScoredWord };

/** A file's totals. */
export interface FileScores extends ScoreTotals {
  /** UTF-16 units at the text's end that were not read. */
  readonly omitted: number;
}

/** How the windows were laid, for the head of the JSON. */
export interface ScoreHead {
  /** The model, as JSON. */
  readonly model: string;
  /** Null: each text was read at once. */
  readonly window: number | null;
  readonly stride: number | null;
}

/** A sentence about a file whose surprisal is past a limit in bits per byte; null: it is not. */
export function pastLimit(name: string, scores: ScoreTotals | null, limit: number | null): string | null {
  const rate = scores === null ? Number.NaN : bitsPerByte(scores);
  if (limit === null || !(rate > limit)) return null;
  return `${name} takes ${rate.toFixed(3)} bits per byte, more than --max-bits-per-byte ${limit}.`;
}

/** Scores as text: the pieces of the output in order. */
export interface ScoreText {
  readonly start: string;
  readonly openFile: (file: string) => string;
  readonly records: (file: string, text: string, records: readonly ScoreRecord[]) => string;
  /** `scores` null: the file could not be read to its end. */
  readonly closeFile: (file: string, scores: FileScores | null) => string;
  readonly end: string;
}

/** The writer of a format. */
export function scoreText(format: ScoreFormat, by: ScoreUnit, head: ScoreHead): ScoreText {
  return format === 'json' ? jsonText(by, head) : format === 'csv' ? csvText(by) : tableText(by);
}

/** Name of the list of records in JSON. */
const LISTS: Readonly<Record<Exclude<ScoreUnit, 'file'>, string>> = { token: 'scores', line: 'lines', word: 'words' };

function jsonText(by: ScoreUnit, { model, window, stride }: ScoreHead): ScoreText {
  let files = 0;
  let rows = 0;
  return {
    start: `{"model":${model},\n"window":${window},"stride":${stride},\n"files":[`,
    openFile: (file) => {
      rows = 0;
      return `${files++ === 0 ? '' : ','}\n{"file":${JSON.stringify(file)}${by === 'file' ? '' : `,"${LISTS[by]}":[`}`;
    },
    records: (_, text, records) =>
      records.map((record) => `${rows++ === 0 ? '' : ','}\n${JSON.stringify(recordJson(text, record))}`).join(''),
    closeFile: (_, scores) => {
      const totals =
        scores === null ? { bytes: null, bits: null, bitsPerByte: null, tokens: null } : { ...totalsJson(scores), omitted: scores.omitted };
      return `${by === 'file' ? '' : '\n]'},${JSON.stringify(totals).slice(1)}`;
    },
    end: '\n]}\n',
  };
}

function recordJson(text: string, record: ScoreRecord): object {
  if (record.kind === 'token') {
    const { index, id, start, end } = record.token;
    // An engine that tells no ids has tokens without.
    return { index, id: id < 0 ? null : id, start, end, logprob: finite(record.logprob) };
  }
  const { start, end } = record.part;
  const place =
    record.kind === 'line' ? { line: record.part.line, start, end } : { text: text.slice(start, end), word: record.part.word, start, end };
  return { ...place, ...totalsJson(record.part) };
}

function totalsJson(totals: ScoreTotals): object {
  const { bytes, bits, tokens, scored } = totals;
  return { bytes, bits, bitsPerByte: finite(bitsPerByte(totals)), tokens, scored };
}

const TOTALS = ['bytes', 'bits', 'bitsPerByte', 'tokens', 'scored'] as const;
const COLUMNS: Readonly<Record<ScoreUnit, readonly string[]>> = {
  file: ['file', ...TOTALS],
  line: ['file', 'line', 'start', 'end', ...TOTALS],
  word: ['file', 'text', 'word', 'start', 'end', ...TOTALS],
  token: ['file', 'index', 'id', 'start', 'end', 'logprob'],
};

/** Rows of RFC 4180, but for LF at their ends. A value that is not defined is empty. */
function csvText(by: ScoreUnit): ScoreText {
  const row = (values: Readonly<Record<string, unknown>>): string =>
    `${COLUMNS[by].map((name) => csvCell(values[name] ?? '')).join(',')}\n`;
  return {
    start: `${COLUMNS[by].join(',')}\n`,
    openFile: () => '',
    records: (file, text, records) => records.map((record) => row({ file, ...recordJson(text, record) })).join(''),
    closeFile: (file, scores) => (by !== 'file' || scores === null ? '' : row({ file, ...totalsJson(scores) })),
    end: '',
  };
}

function csvCell(value: unknown): string {
  return typeof value === 'string' ? tableCell(value, 'csv') : String(value);
}

/** Most characters of a text shown in a table. */
const SHOWN = 60;

/** Columns for people: numbers to three places, the name last, with what a terminal would act on made visible. */
function tableText(by: ScoreUnit): ScoreText {
  const totals = (scores: ScoreTotals, name: string): string =>
    `${cell(number(bitsPerByte(scores)), 10)}${cell(number(scores.bits), 14)}${cell(scores.bytes, 12)}` +
    `${cell(scores.tokens, 10)}  ${name}\n`;
  const shown = (text: string, { start, end }: ScoredPart): string =>
    visibleText(shortened(text.slice(start, Math.min(end, start + 4 * SHOWN)), SHOWN));
  const rows = (file: string, text: string, record: ScoreRecord): string => {
    if (record.kind === 'line') return totals(record.part, `${inLine(file)}:${record.part.line}  ${shown(text, record.part)}`);
    if (record.kind === 'word') return totals(record.part, `${inLine(file)}  ${shown(text, record.part)}`);
    const { token, logprob } = record;
    const place = `${cell(token.index, 10)}${cell(token.id < 0 ? '-' : token.id, 10)}${cell(token.start, 10)}${cell(token.end, 10)}`;
    return `${cell(number(logprob), 12)}${place}  ${inLine(file)}  ${shortened(visibleToken(token), SHOWN)}\n`;
  };
  const named = `${by === 'file' ? 'file' : by === 'line' ? 'file:line' : `file, ${by}`}\n`;
  return {
    start:
      by === 'token'
        ? `${cell('logprob', 12)}${['index', 'id', 'start', 'end'].map((name) => cell(name, 10)).join('')}  ${named}`
        : `${cell('bits/byte', 10)}${cell('bits', 14)}${cell('bytes', 12)}${cell('tokens', 10)}  ${named}`,
    openFile: () => '',
    records: (file, text, records) => records.map((record) => rows(file, text, record)).join(''),
    closeFile: (file, scores) => (by !== 'file' || scores === null ? '' : totals(scores, inLine(file))),
    end: '',
  };
}

function inLine(file: string): string {
  return visibleControls(file);
}

function cell(value: number | string, width: number): string {
  return String(value).padStart(width);
}

function number(value: number): string {
  return Number.isNaN(value) ? '-' : value.toFixed(3);
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
