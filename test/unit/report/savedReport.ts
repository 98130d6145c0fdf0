import { createHash } from 'node:crypto';
import type { ShownExplanation } from '../../../src/protocol/messages.ts';
import type { PageQueryName, Query, QueryResult } from '../../../src/protocol/queries.ts';
import { makeReport } from '../../../src/report/makeReport.ts';
import type { KeptAnswer, Report } from '../../../src/report/report.ts';
import type { ReportPage } from '../../../src/report/reportPage.ts';
import type { ReportChoice } from '../../../src/report/reportQuestions.ts';

/** A page without the panel: for what does not look at it. */
export const BARE_PAGE: ReportPage = { loader: '0;', scripts: ['1;', '2;'], style: 'p {}', languages: { 'zh-cn': { Text: '文本' } } };

/** Everything that can be kept, of these tokens. */
export function everything(tokens: readonly number[]): ReportChoice {
  return { parts: ['attention', 'lens', 'vectors', 'positions', 'forward', 'why'], tokens, layer: 0, head: 0, embeddingLayer: 0 };
}

/** A report of an explanation with some answers. */
export function reportWith(shown: ShownExplanation, answers: readonly KeptAnswer[], notes: Report['head']['notes'] = []): Report {
  const files = [{ name: 'model.safetensors', bytes: 12, sha256: createHash('sha256').update('weights').digest('hex') }];
  const choice = { ...everything([1]), parts: [] };
  return makeReport(
    { shown, comparison: null, answers, choice, files, settings: { selected: 1 }, notes },
    '0.1.0',
    new Date('2026-11-29T12:00:00Z'),
  );
}

/** Answers of a fixture to these questions, as a report keeps them. */
export function keptOf(answer: (query: Query) => QueryResult<PageQueryName>, queries: readonly Query[]): readonly KeptAnswer[] {
  return queries.map((query) => ({ query, result: answer(query) }));
}
