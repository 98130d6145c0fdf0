import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUNDLED_CONTEXT } from '../bundledContext.ts';
import { FIXTURES } from '../golden/compare.ts';
import { LETTERS_TOKENIZER } from '../webview/family.ts';
import { runCommand, runHere, type Ran } from './commandLine.ts';

const root = join(import.meta.dirname, '..', '..');
const NATIVE = ['--runtime', 'native', '--native-runtime', join(root, 'test/native')];
/** Standard error as a terminal says it is one; its bytes still come to the test. */
const AS_TERMINAL = ['--import', 'data:text/javascript,process.stdout.isTTY=true;process.stderr.isTTY=true'];
const ACTS = '\u001b]0;title\u0007\u009b31m\u202e';
const ACTIVE = /(?![\n\t])[\p{Cc}\u202a-\u202e\u2066-\u2069\u2028\u2029]/u;
let work = '';
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'explain-tokens-score-'));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

interface Totals {
  readonly bytes: number;
  readonly bits: number;
  readonly bitsPerByte: number | null;
  readonly tokens: number;
  readonly scored: number;
}
interface Place {
  readonly start: number;
  readonly end: number;
}
interface FileJson extends Totals {
  readonly file: string;
  readonly omitted: number;
  readonly scores?: readonly (Place & { readonly index: number; readonly id: number; readonly logprob: number | null })[];
  readonly lines?: readonly (Totals & Place & { readonly line: number })[];
  readonly words?: readonly (Totals & Place & { readonly text: string; readonly word: boolean })[];
}
interface ScoreJson {
  readonly model: { readonly name: string; readonly runtime: string };
  readonly window: number;
  readonly stride: number;
  readonly files: readonly FileJson[];
}
const run = (args: readonly string[], given: { readonly node?: readonly string[]; readonly input?: string } = {}): Promise<Ran> =>
  given.node === undefined && given.input === undefined
    ? runHere(['score', ...args], work)
    : runCommand(['score', ...args], { cwd: work, ...given });

async function score(...args: readonly string[]): Promise<ScoreJson> {
  const { code, out, err } = await run([...args, '--format', 'json']);
  expect([code, err]).toEqual([0, '']);
  return JSON.parse(out) as ScoreJson;
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);

const { bundled } = JSON.parse(readFileSync(join(root, 'test/fixtures/models/rollingScores.json'), 'utf8')) as {
  readonly bundled: {
    readonly text: string;
    readonly ids: readonly number[];
    readonly cases: readonly { readonly stride: number; readonly logprob: readonly (number | null)[] }[];
  };
};

describe('a text longer than the context', () => {
  beforeAll(() => writeFileSync(join(work, 'long.txt'), bundled.text));

  it.each([
    ...bundled.cases.map(({ stride, logprob }) => ['WASM', stride, logprob, []] as const),
    ...bundled.cases.slice(1, 2).map(({ stride, logprob }) => ['native', stride, logprob, NATIVE] as const),
  ])('has the numbers of PyTorch with %s, windows %d tokens apart', async (_, stride, expected, options) => {
    const { files, window, ...head } = await score('long.txt', '--by', 'token', '--stride', String(stride), ...options);
    expect([window, head.stride]).toEqual([BUNDLED_CONTEXT, stride]);
    const [file] = files;
    const scores = file?.scores ?? [];
    expect(scores.map(({ id }) => id)).toEqual(bundled.ids);
    expect(scores.map(({ index }) => index)).toEqual(bundled.ids.map((_id, index) => index));
    expect(scores.map(({ logprob }) => logprob === null)).toEqual(expected.map((logprob) => logprob === null));
    scores.forEach(({ logprob }, i) => expect(Math.abs((logprob ?? 0) - (expected[i] ?? 0))).toBeLessThan(1e-4));
    expect(
      scores
        .slice(1)
        .map(({ start, end }) => bundled.text.slice(start, end))
        .join(''),
    ).toBe(bundled.text);
    const bits = -sum(expected.map((logprob) => logprob ?? 0)) / Math.LN2;
    const bytes = Buffer.byteLength(bundled.text);
    expect(file).toMatchObject({ file: 'long.txt', bytes, tokens: bundled.ids.length, scored: bundled.ids.length - 1, omitted: 0 });
    expect(file?.bits).toBeCloseTo(bits, 0);
    expect(file?.bitsPerByte).toBe((file?.bits ?? NaN) / bytes);
  });

  it('is cut by half the context unless told otherwise, and its lines and words have its sums', async () => {
    const text = bundled.text.slice(0, 2500);
    writeFileSync(join(work, 'part.txt'), text);
    const { files, stride } = await score('part.txt', '--by', 'line');
    expect(stride).toBe(BUNDLED_CONTEXT / 2);
    const [byLine] = files;
    const [byWord] = (await score('part.txt', '--by', 'word')).files;
    expect([byWord?.bits, byWord?.tokens]).toEqual([byLine?.bits, byLine?.tokens]);
    const lines = byLine?.lines ?? [];
    expect(lines.map(({ start, end }) => text.slice(start, end))).toEqual(text.match(/[^\r\n]*(\r\n|\n|\r)|[^\r\n]+$/g));
    expect(lines.map(({ line }) => line)).toEqual(lines.map((_, i) => i + 1));
    for (const parts of [lines, byWord?.words ?? []]) {
      expect(sum(parts.map(({ bits }) => bits))).toBeCloseTo(byLine?.bits ?? NaN, 6);
      expect(sum(parts.map(({ bytes }) => bytes))).toBe(byLine?.bytes);
      expect(sum(parts.map(({ tokens }) => tokens))).toBe((byLine?.tokens ?? NaN) - 1);
    }
    expect(byWord?.words?.filter(({ word }) => word).map(({ text }) => text)).toContain('keeper');
    expect(byWord?.words?.every((one) => one.text === text.slice(one.start, one.end))).toBe(true);
  });
});

describe('texts of all kinds', () => {
  it('give numbers, or say that there are none', async () => {
    writeFileSync(join(work, 'empty.txt'), '');
    writeFileSync(join(work, 'one.txt'), 'a');
    writeFileSync(join(work, 'bom.txt'), '\ufeffHello\r\nyou\r\n');
    const { files } = await score('empty.txt', 'one.txt', 'bom.txt', '--by', 'token');
    expect(files[0]).toEqual({ file: 'empty.txt', scores: [], bytes: 0, bits: 0, bitsPerByte: null, tokens: 0, scored: 0, omitted: 0 });
    expect(files[1]).toMatchObject({ tokens: 2, scored: 1, bytes: 1 });
    expect(files[1]?.scores?.[0]).toEqual({ index: 0, id: 0, start: 0, end: 0, logprob: null });
    expect(files[2]).toMatchObject({ bytes: 3 + 12 });
    expect(files[2]?.scores?.at(-1)?.end).toBe(13);
    const csv = await run(['empty.txt', 'one.txt', '--format', 'csv']);
    expect(csv.out.split('\n')).toEqual([
      'file,bytes,bits,bitsPerByte,tokens,scored',
      'empty.txt,0,0,,0,0',
      expect.stringMatching(/^one.txt,1,[\d.]+,[\d.]+,2,1$/),
      '',
    ]);
    const table = await run(['empty.txt', 'one.txt']);
    expect(table.out).toMatch(/^ bits\/byte .* file\n {9}- +0\.000 +0 +0 {2}empty\.txt\n +\d+\.\d{3} +\d+\.\d{3} +1 +2 {2}one\.txt\n$/);
  });

  it('that cannot be read are told in a sentence each; the others are written, with exit code 1', async () => {
    writeFileSync(join(work, 'good.txt'), 'Good.');
    writeFileSync(join(work, 'broken.txt'), Buffer.from([0x61, 0xff]));
    const { code, out, err } = await run(['gone.txt', 'broken.txt', 'good.txt', '--format', 'json', '--max-bits-per-byte', '0.1']);
    expect((JSON.parse(out) as ScoreJson).files.map(({ file }) => file)).toEqual(['good.txt']);
    expect(code).toBe(1);
    expect(err.split('\n')).toEqual([
      expect.stringMatching(/^explain-tokens: gone\.txt cannot be read: ENOENT/),
      'explain-tokens: broken.txt is not UTF-8 text.',
      expect.stringMatching(/^explain-tokens: good\.txt takes [\d.]+ bits per byte, more than --max-bits-per-byte 0\.1\.$/),
      '',
    ]);
  });

  it('from standard input are files too', async () => {
    const { code, out } = await run(['-', '--format', 'json'], { input: 'Good.' });
    expect(code).toBe(0);
    expect((JSON.parse(out) as ScoreJson).files).toMatchObject([{ file: '-', bytes: 5 }]);
  });
});

describe('a folder', () => {
  beforeAll(() => {
    for (const name of ['f/b', 'f/.git', 'f/node_modules/x']) mkdirSync(join(work, name), { recursive: true });
    for (const name of ['f/z.txt', 'f/b/y.txt', 'f/.git/config', 'f/node_modules/x/index.js', 'f/.hidden'])
      writeFileSync(join(work, name), 'A text.');
    writeFileSync(join(work, 'f/b/picture'), Buffer.from([0x50, 0, 1]));
    writeFileSync(join(work, 'f/b/latin1'), Buffer.from([0x61, 0xe9, 0x62]));
    symlinkSync('..', join(work, 'f/b/up'));
    symlinkSync('y.txt', join(work, 'f/b/again.txt'));
  });

  it('stands for its text files, each once and in order, and says what it leaves out', async () => {
    const { code, out, err } = await run(['f', 'f/z.txt', './f/b', '--format', 'json']);
    expect([code, err.split('\n')]).toEqual([
      0,
      [
        'explain-tokens: f: left out 2 files that are not UTF-8 text and 2 entries named .git or node_modules.',
        'explain-tokens: ./f/b: left out 2 files that are not UTF-8 text.',
        '',
      ],
    ]);
    expect((JSON.parse(out) as ScoreJson).files.map(({ file }) => file)).toEqual(['f/.hidden', 'f/b/again.txt', 'f/z.txt']);
  });

  it('without text is refused before a model is loaded', async () => {
    mkdirSync(join(work, 'none'));
    expect(await run(['none', '--model', 'nowhere'])).toEqual({
      code: 1,
      out: '',
      err: 'explain-tokens: There is no text file to score.\n',
    });
  });
});

it('a folder of 1,000 files is scored file by file, in order, with progress', async () => {
  const [many, model] = [join(work, 'many'), join(work, 'tiny')];
  mkdirSync(many);
  mkdirSync(model);
  for (const name of ['config.json', 'model.safetensors']) copyFileSync(join(FIXTURES, 'llama', name), join(model, name));
  writeFileSync(join(model, 'tokenizer.json'), JSON.stringify(LETTERS_TOKENIZER));
  const names = Array.from({ length: 1000 }, (_, index) => `${String(index).padStart(3, '0')}.txt`);
  for (const [index, name] of names.entries()) writeFileSync(join(many, name), 'abc '.repeat(1 + (index % 5)));
  const { code, out, err } = await run(['many', '--model', 'tiny', '--format', 'csv', ...NATIVE], { node: AS_TERMINAL });
  expect(code).toBe(0);
  const rows = out.trimEnd().split('\n').slice(1);
  expect(rows.map((row) => row.split(',')[0])).toEqual(names.map((name) => join('many', name)));
  expect(rows.map((row) => Number(row.split(',')[1]))).toEqual(names.map((_, index) => 4 * (1 + (index % 5)) - 1));
  // Nothing predicts the first of a text's bytes. Texts that are alike have the same numbers, whatever was read between them.
  expect(new Set(rows.map((row) => row.slice(row.indexOf(',')))).size).toBe(5);
  const told = Array.from(err.matchAll(/file (\d+) of 1000, \d+ %: many/g), ([, file]) => Number(file));
  expect(told.length).toBeGreaterThan(2);
  expect(told).toEqual(told.toSorted((a, b) => a - b));
  expect(told.at(-1)).toBeGreaterThan(500);
});

describe('a limit', () => {
  it('is passed with exit code 3, and the output is whole', async () => {
    writeFileSync(join(work, 'plain.txt'), 'The cat sat on the mat. The cat sat on the mat. The cat sat on the mat.');
    writeFileSync(join(work, 'odd.txt'), 'xq7 zzv kp9 ]] wq');
    const { code, err } = await run(['plain.txt', 'odd.txt', '--max-bits-per-byte', '3', '--output', 'scores.csv', '--format', 'csv']);
    expect(code).toBe(3);
    expect(err).toMatch(/^explain-tokens: odd\.txt takes [\d.]+ bits per byte, more than --max-bits-per-byte 3\.\n$/);
    expect(readFileSync(join(work, 'scores.csv'), 'utf8').split('\n')).toHaveLength(4);
    expect(readdirSync(work).filter((name) => name.endsWith('.partial'))).toEqual([]);
    expect((await run(['plain.txt', 'odd.txt', '--max-bits-per-byte', '50'])).code).toBe(0);
  });
});

describe('names and texts that act on a terminal', () => {
  it('are inert in every format, and progress is shown', async () => {
    mkdirSync(join(work, 'acts'));
    writeFileSync(join(work, 'acts', `${ACTS}.txt`), `A ${ACTS} text.\nIt ends.`);
    writeFileSync(join(work, 'acts', `${ACTS}.bin`), Buffer.from([0]));
    for (const [format, by] of [
      ['table', 'word'],
      ['table', 'line'],
      ['csv', 'file'],
      ['json', 'word'],
    ] as const) {
      const { code, out, err } = await run(['acts', '--format', format, '--by', by, '--max-bits-per-byte', '0'], { node: AS_TERMINAL });
      expect([code, out]).toEqual([3, expect.not.stringMatching(ACTIVE)]);
      // The line of progress itself begins with a return and a command to clear.
      expect(err).toMatch(/0 %: acts/);
      expect(err.replaceAll('\r\u001b[K', '')).not.toMatch(ACTIVE);
    }
  });

  it('are made visible in a table that goes into a file, and are exact in JSON', async () => {
    const file = `acts/${ACTS}.txt`;
    expect((await run(['acts', '--by', 'word'])).out).not.toMatch(ACTIVE);
    const { out } = await run(['acts', '--format', 'json']);
    expect((JSON.parse(out) as ScoreJson).files.map((one) => one.file)).toEqual([file]);
  });
});

it.each([
  [[], /takes files or folders/],
  [[''], /an empty name/],
  [['good.txt', '--stride', '0'], /--stride is a whole number from 1 on/],
  [['good.txt', '--stride', '-1'], /stride/],
  [
    ['good.txt', '--stride', String(BUNDLED_CONTEXT + 1)],
    /--stride 1025 is more than the 1024 tokens that explain-tokens-9m reads at once/,
  ],
  [['good.txt', '--by', 'page'], /--by is one of file, line, word, token, not "page"/],
  [['good.txt', '--format', 'safetensors'], /--format is one of table, json, csv/],
  [['good.txt', '--max-bits-per-byte', 'x'], /--max-bits-per-byte is a number from 0 on/],
  [['good.txt', '--text', 'x'], /--text is for trace, generate, .+, not for score/],
])('refuses %j in a sentence', async (args, message) => {
  writeFileSync(join(work, 'good.txt'), 'Good.');
  const { code, out, err } = await run(args);
  expect([code, out]).toEqual([2, '']);
  expect(err).toMatch(/^explain-tokens: [^\n]+\n$/);
  expect(err).toMatch(message);
});
