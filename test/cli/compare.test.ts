import { countText } from '../../src/core/countText.ts';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUNDLED_CONTEXT } from '../bundledContext.ts';
import { FAMILY_TEXT, LETTERS_TOKENIZER } from '../webview/family.ts';
import { runCommand, runHere, type Ran } from './commandLine.ts';

const root = join(import.meta.dirname, '..', '..');
const bundled = join(root, 'media', 'models', 'explain-tokens-9m');
let work = '';
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'explain-tokens-compare-'));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

interface TokenJson {
  readonly index: number;
  readonly id: number;
  readonly text: string;
  readonly special: boolean;
  readonly logprob: number | null;
}
interface CompareJson {
  readonly kind: string;
  readonly sides: readonly {
    readonly model: { readonly name: string };
    readonly tokens: number;
    readonly predicted: number;
    readonly bytes: number;
    readonly bits: number;
    readonly bitsPerToken: number | null;
    readonly bitsPerByte: number | null;
  }[];
  readonly sameVocabulary: boolean;
  readonly finalKl: number | null;
  readonly rows: readonly {
    readonly a: readonly TokenJson[];
    readonly b: readonly TokenJson[];
    readonly same: boolean;
    readonly aBits: number | null;
    readonly bBits: number | null;
    readonly difference: number | null;
    readonly kl: number | null;
  }[];
}

interface Reference {
  readonly bitsPerByte: Readonly<
    Record<string, { readonly text: string; readonly bits: number; readonly bytes: number; readonly bitsPerByte: number }>
  >;
  readonly comparison: {
    readonly text: string;
    readonly other: string;
    readonly ids: readonly number[];
    readonly otherIds: readonly number[];
    readonly firstDifference: number;
    readonly matrix: readonly (readonly number[])[];
    readonly epsilon: number;
    readonly byModel: readonly number[];
    readonly otherBitsPerByte: number;
  };
}
const reference = JSON.parse(readFileSync(join(root, 'test/fixtures/models/vectors.json'), 'utf8')) as Reference;

const run = (args: readonly string[]): Promise<Ran> => runHere(['compare', ...args], work);

async function compare(...args: readonly string[]): Promise<CompareJson> {
  const { code, out, err } = await run(args);
  expect([code, err]).toEqual([0, '']);
  return JSON.parse(out) as CompareJson;
}

/** A model folder beside the bundled one, of its files with some replaced. */
function variant(name: string, replaced: Readonly<Record<string, string>>, from = bundled): string {
  const folder = join(work, name);
  mkdirSync(folder);
  for (const file of ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json']) {
    const content =
      replaced[file] ??
      (from === bundled || file === 'config.json' || file === 'model.safetensors' ? readFileSync(join(from, file)) : null);
    if (content !== null) writeFileSync(join(folder, file), content);
  }
  return folder;
}

describe('two texts', () => {
  it.each(Object.entries(reference.bitsPerByte))(
    'have the bits per byte of PyTorch (%s)',
    async (_, { text, bits, bytes, bitsPerByte }) => {
      writeFileSync(join(work, 'other.txt'), text);
      const { sides } = await compare('--text', 'The old lighthouse.', '--with-file', 'other.txt');
      expect(sides[1]?.bytes).toBe(bytes);
      expect(Math.abs((sides[1]?.bits ?? Number.NaN) - bits)).toBeLessThan(1e-2);
      expect(Math.abs((sides[1]?.bitsPerByte ?? Number.NaN) - bitsPerByte)).toBeLessThan(1e-4);
    },
  );

  it('are aligned, with the divergence of PyTorch for every token both have and after their ends', async () => {
    const { text, other, ids, otherIds, matrix } = reference.comparison;
    const found = await compare('--text', text, '--with-text', other);
    expect([found.kind, found.sameVocabulary]).toEqual(['text', true]);
    expect(found.rows.flatMap(({ a }) => a.map(({ id }) => id))).toEqual(ids);
    expect(found.rows.flatMap(({ b }) => b.map(({ id }) => id))).toEqual(otherIds);
    expect(found.rows.filter(({ same }) => same).length).toBeGreaterThan(ids.length * 0.6);
    for (const row of found.rows) {
      const [a, b] = [row.a[0], row.b[0]];
      if (a === undefined || b === undefined || a.index === 0) {
        expect([row.kl, row.difference]).toEqual([null, null]);
        continue;
      }
      expect(a.id).toBe(b.id);
      expect(Math.abs((row.kl ?? Number.NaN) - (matrix[a.index - 1]?.[b.index - 1] ?? Number.NaN)), `${a.text} at ${a.index}`).toBeLessThan(
        2e-4,
      );
      expect(row.difference).toBeCloseTo(((b.logprob ?? Number.NaN) - (a.logprob ?? Number.NaN)) / Math.LN2, 4);
    }
    expect(Math.abs((found.finalKl ?? Number.NaN) - (matrix.at(-1)?.at(-1) ?? Number.NaN))).toBeLessThan(2e-4);
  });

  it('that are the same do not differ at all', async () => {
    const { rows, finalKl } = await compare('--text', 'The same.', '--with-text', 'The same.');
    expect(rows.every(({ same, difference, kl, a }) => same && (a[0]?.index === 0 || (difference === 0 && kl === 0)))).toBe(true);
    expect(finalKl).toBe(0);
  });
});

describe('one text and two models', () => {
  it('of the same vocabulary are compared token by token', async () => {
    const { text, epsilon, byModel, otherBitsPerByte } = reference.comparison;
    const config = JSON.parse(readFileSync(join(bundled, 'config.json'), 'utf8')) as Record<string, unknown>;
    const folder = variant('other-epsilon', { 'config.json': JSON.stringify({ ...config, rms_norm_eps: epsilon }) });
    const { kind, sides, sameVocabulary, rows, finalKl } = await compare('--text', text, '--with-model', folder);
    expect([kind, sameVocabulary, sides.map(({ model }) => model.name)]).toEqual(['model', true, ['explain-tokens-9m', 'other-epsilon']]);
    expect(Math.abs((sides[1]?.bitsPerByte ?? Number.NaN) - otherBitsPerByte)).toBeLessThan(1e-4);
    rows.forEach(({ kl }, index) =>
      index === 0 ? expect(kl).toBeNull() : expect(Math.abs((kl ?? Number.NaN) - (byModel[index - 1] ?? Number.NaN))).toBeLessThan(2e-4),
    );
    expect(Math.abs((finalKl ?? Number.NaN) - (byModel.at(-1) ?? Number.NaN))).toBeLessThan(2e-4);
  });

  it('of different tokenizers are compared by characters, without divergence', async () => {
    const folder = variant(
      'letters',
      { 'tokenizer.json': JSON.stringify(LETTERS_TOKENIZER) },
      join(root, 'test/fixtures/models/families/mistral.1'),
    );
    const { sameVocabulary, sides, rows, finalKl } = await compare('--text', FAMILY_TEXT, '--with-model', folder);
    expect([sameVocabulary, finalKl, rows.every(({ kl }) => kl === null)]).toEqual([false, null, true]);
    expect(sides[1]?.tokens).toBe(FAMILY_TEXT.length);
    const text = (tokens: readonly TokenJson[]): string =>
      tokens
        .filter(({ special }) => !special)
        .map((token) => token.text)
        .join('');
    const same = rows.filter((row) => row.same);
    for (const row of same) expect(text(row.a)).toBe(text(row.b));
    expect(same.map((row) => text(row.a)).join('')).toBe(FAMILY_TEXT);
    // Nothing precedes the first letter there: the bits of its group are not defined.
    expect(same[0]?.bBits).toBeNull();
    expect(same.slice(1).every(({ aBits, bBits }) => aBits !== null && bBits !== null)).toBe(true);
  });

  it('a text longer than one reads is cut, and said so', async () => {
    writeFileSync(join(work, 'long.txt'), 'One more sentence of the story. '.repeat(400));
    const { code, err } = await runCommand(['compare', '--file', 'long.txt', '--with-text', 'short'], { cwd: work });
    expect([code, err]).toEqual([
      0,
      expect.stringMatching(
        new RegExp(`^explain-tokens: explain-tokens-9m reads ${countText(BUNDLED_CONTEXT)} tokens at once: [^\\n]+\\n$`),
      ),
    ]);
  });
});

describe('bad usage of compare', () => {
  it.each<[string, readonly string[], number, RegExp]>([
    ['nothing to compare with', ['--text', 'a'], 2, /--with-text, --with-file and --with-model/],
    ['two things to compare with', ['--text', 'a', '--with-text', 'b', '--with-model', 'c'], 2, /not 2/],
    ['no first text', ['--with-text', 'b'], 2, /--text, --file and --ids/],
    ['an empty second text', ['--text', 'a', '--with-text', ''], 2, /--with-text is empty/],
    ['ids', ['--ids', '1,2', '--with-text', 'b'], 2, /--ids is for trace, generate and why, not for compare/],
    [
      'a format',
      ['--text', 'a', '--with-text', 'b', '--format', 'safetensors'],
      2,
      /--format is for trace, generate, score, why, patch and sizes, not for compare/,
    ],
    ['a second file that is missing', ['--text', 'a', '--with-file', 'nowhere.txt'], 1, /--with-file nowhere\.txt cannot be read/],
    ['a second model that is missing', ['--text', 'a', '--with-model', 'nowhere'], 1, /nowhere/],
  ])('%s', async (_, args, code, message) => {
    const result = await run(args);
    expect([result.code, result.out]).toEqual([code, '']);
    expect(result.err).toMatch(/^explain-tokens: [^\n]+\n$/);
    expect(result.err).toMatch(message);
  });
});
