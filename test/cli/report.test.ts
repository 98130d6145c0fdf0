import { cp, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
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
const BUNDLED = join(import.meta.dirname, '..', '..', 'media', 'models', 'explain-tokens-9m');
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
  it('holds everything of 64 tokens in 3 MB, two of them in full', async () => {
    const made = await run('report', '--text', TEXT, '--position', '5,63', '--output', 'all.tokens.html');
    expect(made.code, made.err).toBe(0);
    expect(made.err).toMatch(/^explain-tokens: 64 tokens, \d+ answers of explain-tokens-9m: [\d.]+ (kB|MB)\.\n$/);
    expect(await sizeOf('all.tokens.html')).toBeLessThan(3_000_000);
    const report = await readReport(await readFile(join(work, 'all.tokens.html'), 'utf8'), 'all');
    expect(report.head).toMatchObject({
      tokens: [5, 63],
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

  it('holds a comparison, with a text or a model, and reads it again', async () => {
    const pair = ['report', '--text', 'The cat sat.', '--include', 'attention'];
    const made = await run(...pair, '--with-text', 'The dog sat there.', '--output', 'pair.tokens.html');
    expect(made.code, made.err).toBe(0);
    const verified = await run('verify', 'pair.tokens.html');
    expect(verified.err).toBe('explain-tokens: pair.tokens.html: every number is the kept one to its last bit.\n');
    const quantities = ({ out }: Ran): readonly string[] => (JSON.parse(out) as Verified).differences.map(({ quantity }) => quantity);
    const ofOther = ['second.tokens.logprob', 'second.attention.weights', 'divergence.spans', 'divergence.final'];
    expect(quantities(verified)).toEqual(expect.arrayContaining(ofOther));
    const other = join(work, 'other-epsilon');
    await cp(BUNDLED, other, { recursive: true });
    const config = JSON.parse(await readFile(join(BUNDLED, 'config.json'), 'utf8')) as object;
    await writeFile(join(other, 'config.json'), JSON.stringify({ ...config, rms_norm_eps: 0.01 }));
    const models = await run(...pair, '--with-model', other, '--output', 'models.tokens.html');
    expect(models.code, models.err).toBe(0);
    const [alone, both] = await Promise.all([
      run('verify', 'models.tokens.html'),
      run('verify', 'models.tokens.html', '--with-model', other),
    ]);
    expect(alone.err).toContain('The comparison with other-epsilon is not read again: --with-model would name that model.');
    expect(quantities(alone).filter((name) => /^(second|divergence)/.test(name))).toEqual([]);
    expect(quantities(both)).toEqual(expect.arrayContaining(ofOther));
    expect([alone.code, both.code, both.err]).toEqual([0, 0, verified.err.replace('pair', 'models')]);
    expect((await run('verify', 'pair.tokens.html', '--with-model', other)).err).toContain(
      '--with-model is for a comparison of two models',
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
    [['verify', 'large.tokens.html'], 1, 'large.tokens.html is larger than any report: 500.0 MB'],
    [['verify', 'foreign.tokens.html'], 1, 'foreign.tokens.html is not a report of Explain Tokens.'],
    [['verify', 'small.tokens.html', '--tolerance', 'none'], 2, '--tolerance is a number from 0 on'],
  ] as const)('is said in one sentence: %j', async (args, code, sentence) => {
    await writeFile(join(work, 'foreign.tokens.html'), '<p>Hello</p>');
    await writeFile(join(work, 'large.tokens.html'), '');
    // Without any block on the disk.
    await truncate(join(work, 'large.tokens.html'), 500_000_000);
    const before = await readdir(work);
    const ran = await run(...args);
    expect(ran.err).toContain(sentence);
    expect(ran.err.trim().split('\n')).toHaveLength(1);
    expect(ran.code).toBe(code);
    expect(await readdir(work)).toEqual(before);
  });
});
