import { describe, expect, it } from 'vitest';
import type { LensWindow } from '../../../src/core/trace.ts';
import { parseQuery, type Query } from '../../../src/protocol/queries.ts';
import { keptAnswers } from '../../../src/report/keptAnswers.ts';
import type { KeptAnswer } from '../../../src/report/report.ts';
import { aboutBytes, likelyQuestion, REPORT_PARTS, reportQuestions } from '../../../src/report/reportQuestions.ts';
import { whyCandidates, whyQuestion } from '../../../webview/figures/whyQuestion.ts';
import { INITIAL_SETTINGS } from '../../../webview/viewSettings.ts';
import { readFixture } from '../../webview/readFixture.ts';
import { everything, keptOf } from './savedReport.ts';

const { shown, answer } = readFixture();
const { explanation } = shown;
const { layers, heads } = explanation.model;
const tokens = explanation.tokens.length;
const found = (answers: readonly KeptAnswer[], query: Query, side?: 'second'): unknown => keptAnswers(answers).find(query, side);

describe('answers that are kept', () => {
  it('are found by what was asked, in whatever order it was said, and of the same side', () => {
    const kept = keptOf(answer, [{ name: 'projection', args: { layer: 1, skipFirst: true } }]);
    const turned = { name: 'projection', args: { skipFirst: true, layer: 1 } } as const;
    expect(found(kept, turned)).toEqual({ result: answer(turned) });
    expect(found(kept, { name: 'projection', args: { layer: 1, skipFirst: false } })).toBeUndefined();
    expect(found(kept, turned, 'second')).toBeUndefined();
    const failed: KeptAnswer = { query: { name: 'architecture', args: {} }, failure: 'There is none.' };
    expect(found([failed], { name: 'architecture', args: {} })).toEqual({ failure: 'There is none.' });
  });

  it('hold a row and the picture of a head whose weights are kept, to the last bit', () => {
    const kept = keptOf(answer, [{ name: 'attention', args: { layer: 1, head: 2 } }]);
    for (const query of [0, 1, tokens - 1]) {
      const row: Query = { name: 'attentionRow', args: { layer: 1, head: 2, query } };
      expect(found(kept, row)).toEqual({ result: answer(row) });
    }
    const picture: Query = { name: 'attentionPicture', args: { layer: 1, head: 2 } };
    expect(found(kept, picture)).toEqual({ result: answer(picture) });
    expect(found(kept, { name: 'attentionRow', args: { layer: 1, head: 2, query: tokens } })).toBeUndefined();
    expect(found(kept, { name: 'attentionRow', args: { layer: 0, head: 2, query: 1 } })).toBeUndefined();
  });

  it('hold every window inside one that is kept, and none that reaches outside', () => {
    const whole: Query = { name: 'lens', args: { layer: 0, layers: layers + 1, position: 0, positions: tokens - 1 } };
    const kept = keptOf(answer, [whole]);
    for (const args of [
      { layer: 0, layers: layers + 1, position: 0, positions: tokens - 1 },
      { layer: 1, layers: 2, position: 3, positions: 4 },
      { layer: layers, layers: 1, position: tokens - 2, positions: 1 },
    ]) {
      const { pieces, ...own } = answer({ name: 'lens', args }) as LensWindow;
      const part = found(kept, { name: 'lens', args }) as { readonly result: LensWindow };
      expect(part.result).toMatchObject(own);
      for (const [id, piece] of Object.entries(pieces)) expect(part.result.pieces[Number(id)]).toBe(piece);
    }
    expect(found(kept, { name: 'lens', args: { layer: 0, layers: layers + 2, position: 0, positions: 1 } })).toBeUndefined();
    expect(found(kept, { name: 'lens', args: { layer: 0, layers: 1, position: tokens - 2, positions: 2 } })).toBeUndefined();
    expect(found(kept, { name: 'lensSteps', args: { layer: 0, layers: 1, position: 0, positions: 1 } })).toBeUndefined();
  });
});

describe('what goes into a report', () => {
  it('are questions that the page could ask, each once', () => {
    const queries = reportQuestions(explanation, everything([1, tokens - 1]));
    expect(queries.length).toBeGreaterThan(heads * layers * 3);
    for (const query of queries) expect(parseQuery(query)).toEqual(query);
    expect(new Set(queries.map((query) => JSON.stringify(query))).size).toBe(queries.length);
    const counted = REPORT_PARTS.map((part) => reportQuestions(explanation, { ...everything([1]), parts: [part] }).length);
    expect(Math.min(...counted)).toBeGreaterThan(reportQuestions(explanation, { ...everything([1]), parts: [] }).length);
  });

  it('is what Why asks by itself about every position', () => {
    for (let position = 0; position < tokens; position++) {
      const asked = whyQuestion({ ...INITIAL_SETTINGS, selected: position }, whyCandidates(explanation, position));
      expect(likelyQuestion(explanation, position), String(position)).toEqual(asked);
    }
  });

  it('is about as large as the list says', () => {
    const about = aboutBytes(explanation, everything([1]), null);
    const compared = aboutBytes(explanation, everything([1]), explanation);
    expect(compared).toEqual({ ...about, attention: compared.attention });
    expect(compared.attention - about.attention).toBeGreaterThan(heads * layers * ((tokens * (tokens + 1)) / 2) * 4);
    for (const part of REPORT_PARTS) expect(about[part], part).toBeGreaterThan(500);
    expect(about.attention).toBeGreaterThan(heads * layers * ((tokens * (tokens + 1)) / 2) * 4);
  });
});
