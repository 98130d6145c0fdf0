import { isRecord } from '../core/records.ts';
import type { LinkedPlace } from '../protocol/messages.ts';
import { REPORT_ENDING } from './reportFile.ts';

/** A place in a saved report, as a link names it: the file by its address, and never the text that is in it. */
export interface ReportLink {
  /** Address of the report's file. */
  readonly report: string;
  readonly place: LinkedPlace;
}

/**
 * Addresses that a link may open: files of this machine, and of the one that VS Code works on. A file address that names a machine is a
 * share of the network: opening it would tell that machine who opens it.
 */
const OPENED = /^(file:\/\/\/(?![/\\]|%2f|%5c)|vscode-remote:)/i;
const MAX_ADDRESS = 4096;
const NUMBERS = ['layer', 'head', 'token'] as const;

/** The query of a link to what `settings`, a page's own, show of a report. */
export function linkQuery(report: string, settings: unknown): string {
  const query = new URLSearchParams({ report });
  if (isRecord(settings)) {
    const { tab, layer, head, selected } = settings;
    if (typeof tab === 'string') query.set('tab', tab);
    for (const [name, value] of Object.entries({ layer, head, token: selected })) if (isIndex(value)) query.set(name, String(value));
  }
  return query.toString();
}

/** The link of such a query; undefined for one that names no report, or one that a link may not open. */
export function parseLink(query: string): ReportLink | undefined {
  const values = new URLSearchParams(query);
  const report = values.get('report') ?? '';
  if (report.length > MAX_ADDRESS || !OPENED.test(report) || !report.toLowerCase().endsWith(REPORT_ENDING)) return undefined;
  const tab = values.get('tab') ?? '';
  const numbers = NUMBERS.flatMap((name) => {
    const value = values.get(name) ?? '';
    return /^\d{1,7}$/.test(value) ? [[name, Number(value)] as const] : [];
  });
  return { report, place: { ...(/^[a-z]{1,20}$/.test(tab) ? { tab } : {}), ...Object.fromEntries(numbers) } };
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
