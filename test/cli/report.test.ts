import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Difference } from '../../src/protocol/messages.ts';
import { readReport, writeReport } from '../../src/report/reportFile.ts';
import { BARE_PAGE } from '../unit/report/savedReport.ts';
import { runHere, type Ran } from './commandLine.ts';

/** 64 tokens of the bundled model, one of which is put before the text. */
const SENTENCE = 'The lighthouse keeper counted the ships that passed in the night, and wrote their names into a book. ';
const TEXT = `${SENTENCE.repeat(2)}The lighthouse keeper counted the a`;
let work = '';
const run = (...args: readonly string[]): Promise<Ran> => runHere(args, work);
const sizeOf = async (file: string): Promise<number> => (await stat(join(work, file))).size;

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'explain-tokens-report-'));
});
afterAll(() => rm(work, { recursive: true }));

interface Verified {
  readonly model: string;
  readonly tolerance: number;
  readonly differences: readonly Difference[];
}

describe('a report from the command line', () => {
  it('holds everything of 64 tokens in 3 MB', async () => {
    const made = await run('report', '--text', TEXT, '--position', '5', '--output', 'all.tokens.html');
    expect(made.code, made.err).toBe(0);
    expect(made.err).toMatch(/^explain-tokens: 64 tokens, \d+ answers of explain-tokens-9m: [\d.]+ (kB|MB)\.\n$/);
    expect(await sizeOf('all.tokens.html')).toBeLessThan(3_000_000);
    const report = await readReport(await readFile(join(work, 'all.tokens.html'), 'utf8'), 'all');
    expect(report.head).toMatchObject({
      tokens: [5],
      model: { name: 'explain-tokens-9m', runtime: report.shown.explanation.model.runtime },
    });
    expect(report.head.model.files.map(({ name }) => name)).toEqual(['model.safetensors']);
    expect(report.answers.filter((answer) => 'failure' in answer)).toEqual([]);
  });

  it('is read again to the same numbers, to their last bit', async () => {
    const made = await run('report', '--text', 'The cat sat on the mat.', '--output', 'cat.tokens.html');
    expect(made.code, made.err).toBe(0);
    const verified = await run('verify', 'cat.tokens.html');
    expect(verified).toMatchObject({ code: 0, err: 'explain-tokens: cat.tokens.html: every number is the kept one to its last bit.\n' });
    const { differences } = JSON.parse(verified.out) as Verified;
    expect(differences.length).toBeGreaterThan(60);
    expect(differences.filter(({ share }) => share !== 0)).toEqual([]);
    expect(differences.map(({ quantity }) => quantity)).toEqual(
      expect.arrayContaining(['tokens.logprob', 'attention.weights', 'lens.topProbs', 'attribution.values', 'heads.thumbnails']),
    );
  });

  it('leaves out what is not asked for', async () => {
    const small = await run('report', '--text', 'Hello', '--include', 'tokens', '--output', 'small.tokens.html');
    expect(small.code, small.err).toBe(0);
    expect(await sizeOf('small.tokens.html')).toBeLessThan(1_000_000);
    const report = await readReport(await readFile(join(work, 'small.tokens.html'), 'utf8'), 'small');
    expect([report.head.kept, report.answers.map(({ query }) => query.name)]).toEqual([[], ['architecture', 'tokenFlow']]);
  });

  it('ends with 3 where a number is past the tolerance, and says which', async () => {
    const file = join(work, 'small.tokens.html');
    const report = await readReport(await readFile(file, 'utf8'), 'small');
    const { explanation } = report.shown;
    const topProbs = explanation.topProbs.map((value) => value * 1.01);
    const other = { ...report, shown: { ...report.shown, explanation: { ...explanation, topProbs } } };
    await writeFile(join(work, 'other.tokens.html'), await writeReport(other, BARE_PAGE));
    const strict = await run('verify', 'other.tokens.html');
    expect(strict.code).toBe(3);
    expect(strict.err).toMatch(
      /^explain-tokens: other\.tokens\.html: tokens\.topProbs differs most, off by [\d.e-]+ of the largest; the tolerance is 0\.0001\.\n$/,
    );
    expect((await run('verify', 'other.tokens.html', '--tolerance', '0.02')).code).toBe(0);
  });
});

describe('what cannot be done', () => {
  it.each([
    [['report', '--text', 'Hello', '--output', 'a.html'], 2, '--output ends with .tokens.html'],
    [['report', '--text', 'Hello', '--include', 'brain', '--output', 'a.tokens.html'], 2, '--include is tokens, attention, lens'],
    [['report', '--text', 'Hello', '--position', '99', '--output', 'a.tokens.html'], 2, '--position: the 2 tokens read'],
    [['report', '--ids', '1,2', '--output', 'a.tokens.html'], 2, '--ids is for'],
    [['report', '--text', 'Hello', '--output', 'none/a.tokens.html'], 1, '--output none/a.tokens.html cannot be written'],
    [['verify'], 2, 'verify takes one report'],
    [['verify', 'none.tokens.html'], 1, 'none.tokens.html cannot be read'],
    [['verify', 'foreign.tokens.html'], 1, 'foreign.tokens.html is not a report of Explain Tokens.'],
    [['verify', 'small.tokens.html', '--tolerance', 'none'], 2, '--tolerance is a number from 0 on'],
  ] as const)('is said in one sentence: %j', async (args, code, sentence) => {
    await writeFile(join(work, 'foreign.tokens.html'), '<p>Hello</p>');
    const before = await readdir(work);
    const ran = await run(...args);
    expect(ran.err).toContain(sentence);
    expect(ran.err.trim().split('\n')).toHaveLength(1);
    expect(ran.code).toBe(code);
    expect(await readdir(work)).toEqual(before);
  });
});
