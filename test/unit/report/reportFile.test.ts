import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/core/errors.ts';
import type { Explanation, Token } from '../../../src/core/trace.ts';
import type { ShownComparison, ShownExplanation } from '../../../src/protocol/messages.ts';
import type { Query } from '../../../src/protocol/queries.ts';
import { checkReportSize, MAX_REPORT_BYTES, readReport, writeReport } from '../../../src/report/reportFile.ts';
import type { Report } from '../../../src/report/report.ts';
import { readFixture } from '../../webview/readFixture.ts';
import { BARE_PAGE, keptOf, reportWith } from './savedReport.ts';

const { shown, answer } = readFixture();
const QUERIES: readonly Query[] = [
  { name: 'attention', args: { layer: 0, head: 1 } },
  { name: 'projection', args: { layer: 1, skipFirst: true } },
  { name: 'distribution', args: { position: 2 } },
];
const NAME = 'a.tokens.html';
const written = async (report: Report): Promise<string> => writeReport(report, BARE_PAGE);

/** One token that is all of a text. */
function tokenOf(text: string): Token {
  const bytes = [...new TextEncoder().encode(text)];
  return { index: 0, id: 5, text, bytes, start: 0, end: text.length, special: false, partial: false };
}

/** The explanation of a text that is one token, by a model of this name. */
function explained(text: string, model: string): ShownExplanation {
  const explanation: Explanation = {
    ...shown.explanation,
    model: { ...shown.explanation.model, name: model },
    text,
    run: { ids: Int32Array.of(5), recipe: [] },
    tokens: [tokenOf(text)],
    logprob: Float32Array.of(NaN),
    rank: Int32Array.of(0),
    entropy: Float32Array.of(NaN),
    topK: 1,
    topIds: Int32Array.of(7),
    topProbs: Float32Array.of(0.5),
    pieces: { 7: text },
  };
  return { ...shown, source: { uri: 'file:///home/ann/secret/plan.md', start: 0, end: text.length, label: text }, explanation };
}

describe('a report', () => {
  it('is the same when it is read again', async () => {
    const note = { text: 'why so sure?', token: 3, head: { layer: 1, head: 2 }, key: 0 };
    const report = reportWith(shown, keptOf(answer, QUERIES), [note]);
    const read = await readReport(await written(report), NAME);
    expect(read).toEqual(report);
    expect(read.head.notes).toEqual([note]);
    expect(read.head.model.files[0]?.sha256).toMatch(/^[0-9a-f]{64}$/);
    const [kept, again] = [report.answers[0], read.answers[0]].map((one) => (one !== undefined && 'result' in one ? one.result : null));
    expect((again as { weights: Float32Array }).weights).toEqual((kept as { weights: Float32Array }).weights);
  });

  it('says what anybody may read as JSON, and nothing of where things lie', async () => {
    const file = await written(reportWith(explained('some words', 'tiny'), []));
    const json = /<script type="application\/json" id="explain-tokens-report">([^<]*)<\/script>/.exec(file)?.[1] ?? '';
    expect(JSON.parse(json)).toMatchObject({
      format: 'explain-tokens-report',
      version: 2,
      product: '0.1.0',
      created: '2026-11-29T12:00:00.000Z',
      model: { name: 'tiny', family: shown.explanation.model.family },
      text: 'some words',
      ids: [5],
    });
    const read = await readReport(file, NAME);
    expect(JSON.stringify(read)).not.toContain('secret');
    expect(file).not.toContain('secret');
  });

  it('allows itself its own scripts, and no network', async () => {
    const file = await written(reportWith(shown, []));
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(file)?.[1] ?? '';
    expect(policy).toMatch(
      /^default-src 'none'; script-src( 'sha256-[A-Za-z0-9+/=]{44}'){3}; style-src 'unsafe-inline'; img-src data: blob:; /,
    );
    expect(policy).not.toMatch(/https?:|\*|eval|connect-src|script-src[^;]*unsafe/);
    expect(file).not.toMatch(/\b(?:src|href|action)=/);
  });
});

const WORDS = [
  '</script><script>alert(1)</script>',
  '<!--<script>',
  '-->',
  ']]>',
  '<img src=x onerror=alert(1)>',
  '"><svg onload=alert(1)>',
  "' onload='alert(1)",
  '&lt;b&gt; &amp; &#60;',
  '\u202eesrever\u202c',
  '\u2066isolated\u2069\u200f',
  'line\u2028separator\u2029end',
  '\ud800 alone',
  '\udfff\ud800',
  '\u0000\u001b[31mred',
  '</title></pre></style></textarea>',
  '${alert(1)} `${1}` {{1}}',
  '=cmd|" /C calc"!A0',
  '[link](command:workbench.action.quit) $(bug)',
  '\ufeff\u00ad\u200b',
  'id="explain-tokens-report">{}</script>',
] as const;
const HOSTILE = WORDS.flatMap((word) => [word, word.repeat(3), `a ${word}`, `${word} 中文`, word.toUpperCase()]);

describe('texts and names of strangers', () => {
  const tags = (file: string): readonly string[] => file.match(/<[a-z!/][^\s>]*/gi) ?? [];

  it(`add no element and no character that acts: ${HOSTILE.length} of them`, async () => {
    expect(HOSTILE).toHaveLength(100);
    const plain = tags(await written(reportWith(explained('plain', 'plain'), [])));
    for (const text of HOSTILE) {
      const note = { text, token: 0, head: null, key: null };
      const file = await written(reportWith(explained(text, text), [], [note]));
      expect(tags(file), JSON.stringify(text)).toEqual(plain);
      expect(file.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
      const read = await readReport(file, NAME);
      expect([read.head.text, read.head.model.name, read.shown.explanation.pieces[7], read.head.notes[0]?.text]).toEqual([
        text,
        text,
        text,
        text,
      ]);
    }
  });
});

describe('a file that is none', () => {
  const report = reportWith(shown, keptOf(answer, QUERIES.slice(0, 1)));
  const sentenceOf = async (file: string): Promise<string> =>
    readReport(file, NAME).then(
      () => 'read',
      (error: unknown) => (error instanceof UserError ? error.message : `defect: ${String(error)}`),
    );
  const changed = async (from: string | RegExp, to: string): Promise<string> => {
    const file = await written(report);
    const other = file.replace(from, to);
    expect(other).not.toBe(file);
    return sentenceOf(other);
  };

  it('is refused in one sentence: foreign, newer, cut off, changed', async () => {
    const damaged = `${NAME} is damaged or incomplete: it cannot be opened.`;
    const foreign = `${NAME} is not a report of Explain Tokens.`;
    expect(await sentenceOf('')).toBe(foreign);
    expect(await sentenceOf('<!DOCTYPE html><p>Hello</p>')).toBe(foreign);
    expect(await changed('"format":"explain-tokens-report"', '"format":"other"')).toBe(foreign);
    expect(await changed('"version":2', '"version":3')).toContain('was made by a newer version of Explain Tokens');
    expect(await changed('"version":2', '"version":"2"')).toBe(damaged);
    expect(await changed('"version":2', '"version":2,')).toBe(damaged);
    // What the first version was is told by its own arrays.
    expect(await changed('"version":2', '"version":1')).toBe(damaged);
    expect(await changed('"created":"2026', '"created":"then')).toBe(damaged);
    const file = await written(report);
    const start = file.indexOf('explain-tokens-numbers');
    expect(await sentenceOf(file.slice(0, start + 400))).toBe(damaged);
    expect(await sentenceOf(file.slice(0, start + 60) + file.slice(start + 64))).toBe(damaged);
  });

  it('is refused where it has a model without sizes, or ids below 0, that no engine serves', async () => {
    const { shown: kept, ...rest } = reportWith(shown, []);
    const { explanation } = kept;
    const sentenceWith = async (change: object, model: object): Promise<string> =>
      sentenceOf(
        await written({
          ...rest,
          head: { ...rest.head, ids: [...((change as { ids?: readonly number[] }).ids ?? rest.head.ids)] },
          shown: { ...kept, explanation: { ...explanation, ...change, model: { ...explanation.model, ...model } } },
        }),
      );
    const ids = rest.head.ids.map((id) => -2 - id);
    const tokens = explanation.tokens.map((token) => ({ ...token, id: -2 - token.id }));
    const served = {
      engine: 'tgi',
      version: null,
      address: '',
      readOnTheWay: false,
      alternatives: 0,
      requestEach: false,
      listedAlone: false,
    };
    const damaged = `${NAME} is damaged or incomplete: it cannot be opened.`;
    expect(await sentenceWith({}, { layers: 0 })).toBe(damaged);
    expect(await sentenceWith({ ids, tokens }, {})).toBe(damaged);
    expect(await sentenceWith({ ids, tokens }, { layers: 0, served: { ...served, engine: 7 } })).toBe(damaged);
    expect(await sentenceWith({ ids, tokens }, { layers: 0, served })).toBe('read');
  });

  it('is refused where text and ids disagree', async () => {
    const sentence = `${NAME} cannot be trusted: its text and its token ids disagree.`;
    const { text, ids } = report.head;
    expect(await changed(`"text":"${text.slice(0, 6)}`, `"text":"${text.slice(0, 6).toUpperCase()}`)).toBe(sentence);
    expect(await changed(`"ids":[${ids.slice(0, 2).join()}`, `"ids":[${[ids[0], 9].join()}`)).toBe(sentence);
    expect(await changed(`"ids":[${ids[0]},`, '"ids":[')).toContain('damaged');
  });

  it('is refused where the other side of its comparison is none, or disagrees with itself', async () => {
    const { explanation } = shown;
    const comparison: ShownComparison = {
      serial: 3,
      with: shown.serial,
      kind: 'text',
      source: shown.source,
      model: null,
      explanation,
      notices: [],
      sameVocabulary: true,
      divergence: { spans: Float32Array.of(0.5, NaN), final: 0.25 },
    };
    const compared: Report = { ...report, comparison };
    expect((await readReport(await written(compared), NAME)).comparison).toEqual(comparison);
    const sentence = async (other: object): Promise<string> =>
      sentenceOf(await written({ ...report, comparison: other as ShownComparison }));
    const damaged = `${NAME} is damaged or incomplete: it cannot be opened.`;
    expect(await sentence({ ...comparison, explanation: { ...explanation, text: explanation.text.toUpperCase() } })).toBe(
      `${NAME} cannot be trusted: its text and its token ids disagree.`,
    );
    for (const other of [
      { ...comparison, kind: 'picture' },
      { ...comparison, explanation: { ...explanation, logprob: explanation.logprob.subarray(1) } },
      { ...comparison, explanation: { ...explanation, run: { ids: [1, 2], recipe: [] } } },
      { ...comparison, divergence: { spans: [1], final: 0 } },
      { ...comparison, source: null },
      {},
    ])
      expect(await sentence(other)).toBe(damaged);
  });

  it('is refused by its size before it is read', () => {
    expect(() => checkReportSize(500_000_000, NAME)).toThrow(`${NAME} is larger than any report: 500`);
    expect(() => checkReportSize(MAX_REPORT_BYTES, NAME)).not.toThrow();
  });
});
