import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Recipe } from '../../src/core/run.ts';
import { FIXTURES } from '../golden/compare.ts';
import { expectClose, openGolden } from '../golden/oracle.ts';
import { folder } from '../unit/model/folder.ts';
import { runHere, type Ran } from './commandLine.ts';

const root = join(import.meta.dirname, '..', '..');
const RECIPES = JSON.parse(readFileSync(`${FIXTURES}/interventions.json`, 'utf8')) as Readonly<Record<string, Recipe>>;
const TEXT = 'The cat sat on the mat. The cat sat on';
let work = '';
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'explain-tokens-recipe-'));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

const run = (...args: readonly string[]): Promise<Ran> => runHere(args, work);

async function json(...args: readonly string[]): Promise<unknown> {
  const { code, out, err } = await run(...args);
  expect([code, err]).toEqual([0, '']);
  return JSON.parse(out);
}

function recipeFile(name: string, steps: unknown, version = 1): string {
  writeFileSync(join(work, name), JSON.stringify({ version, steps }));
  return name;
}

interface Traced {
  readonly recipe?: unknown;
  readonly tokens: readonly { readonly id: number; readonly logprob: number | null }[];
}

const traced = (...args: readonly string[]): Promise<Traced> => json('trace', '--text', TEXT, ...args) as Promise<Traced>;

describe('--recipe', () => {
  it('gives the logits and attention of transformers under the same hooks, and says which recipe it was', async () => {
    const golden = await openGolden(folder(join(FIXTURES, 'llama')), 'golden.safetensors');
    const expected = await openGolden(folder(FIXTURES), 'interventions.safetensors');
    for (const name of ['headZero', 'keyCut', 'several']) {
      const steps = RECIPES[name] ?? [];
      const file = recipeFile(`${name}.recipe.json`, steps);
      const ids = (await golden.ids()).join();
      const args = ['--model', join(root, FIXTURES, 'llama'), '--ids', ids, '--recipe', file, '--output', 'out.safetensors'];
      expect((await run('trace', ...args, '--format', 'safetensors')).err).toBe('');
      const found = await openGolden(folder(work), 'out.safetensors');
      expectClose(await found.floats('logits'), await expected.floats(`llama/${name}/logits`), name);
      if (name === 'several') expectClose(await found.floats('attentions.1'), await expected.floats('llama/attentions.1'), 'attentions.1');
      const bytes = readFileSync(join(work, 'out.safetensors'));
      const header: unknown = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))).toString());
      expect(header).toMatchObject({ __metadata__: { recipe: JSON.stringify({ version: 1, steps }) } });
    }
  });

  it('changes a trace after what it cuts, and an empty one nothing', async () => {
    const steps = [{ kind: 'key', key: 3, action: 'cut' }];
    const plain = await traced();
    const cut = await traced('--recipe', recipeFile('cut.json', steps));
    const empty = await traced('--recipe', recipeFile('empty.json', []));
    expect([plain.recipe, cut.recipe, empty.recipe]).toEqual([undefined, { version: 1, steps }, { version: 1, steps: [] }]);
    expect(empty.tokens).toEqual(plain.tokens);
    // Token 4 is predicted from position 3, which still sees itself.
    const starts = [cut, plain].map(({ tokens }) => tokens.slice(0, 5).map(({ logprob }) => logprob?.toFixed(5)));
    expect(starts[0]).toEqual(starts[1]);
    expect(Math.abs((cut.tokens[6]?.logprob ?? 0) - (plain.tokens[6]?.logprob ?? 0))).toBeGreaterThan(1e-3);
  });

  it('acts while tokens are generated as it would on the whole text', async () => {
    const steps = [
      { kind: 'head', layer: 2, head: 1, action: 'scale', factor: 3 },
      { kind: 'key', key: 2, action: 'cut' },
      { kind: 'key', key: 12, action: 'cut' },
      { kind: 'mlp', layer: 4, action: 'scale', factor: 0.5 },
    ];
    const recipe = recipeFile('generate.json', steps);
    const made = (await json('generate', '--text', TEXT, '--recipe', recipe, '--tokens', '6', '--greedy', '--format', 'json')) as {
      readonly recipe: unknown;
      readonly prompt: readonly number[];
      readonly steps: readonly { readonly id: number; readonly prob: number }[];
    };
    expect(made.recipe).toEqual({ version: 1, steps });
    const ids = [...made.prompt, ...made.steps.map(({ id }) => id)];
    expect(made.prompt.length).toBeLessThan(13);
    const whole = (await json('trace', '--ids', ids.join(), '--recipe', recipe)) as Traced;
    for (const [index, { prob }] of made.steps.entries())
      expect(Math.exp(whole.tokens[made.prompt.length + index]?.logprob ?? NaN)).toBeCloseTo(prob, 5);
  });

  it('is for both sides of a comparison', async () => {
    const steps = [{ kind: 'head', layer: 0, head: 0, action: 'zero' }];
    const recipe = recipeFile('compare.json', steps);
    const found = (await json('compare', '--text', TEXT, '--with-text', `${TEXT} it`, '--recipe', recipe)) as {
      readonly recipe: unknown;
      readonly rows: readonly { readonly a: Traced['tokens']; readonly b: Traced['tokens'] }[];
    };
    expect(found.recipe).toEqual({ version: 1, steps });
    const { tokens } = await traced('--recipe', recipe);
    for (const [index, { a, b }] of found.rows.slice(0, tokens.length).entries()) {
      const { logprob } = tokens[index] ?? { logprob: NaN };
      for (const side of [a, b]) {
        if (logprob === null) expect(side[0]?.logprob).toBeNull();
        else expect(side[0]?.logprob).toBeCloseTo(logprob, 4);
      }
    }
  });

  it.each([
    ['missing.json', null, 'cannot be read: ENOENT'],
    ['text.json', 'no json', 'is not JSON.'],
    ['version.json', '{"version": 3, "steps": []}', 'is a recipe of version 3, and 1 is the one that can be read.'],
    [
      'layer.json',
      '{"version": 1, "steps": [{"kind": "mlp", "layer": 6, "action": "zero"}]}',
      ', step 1: there is no layer 6: the model has layers 0 to 5.',
    ],
    [
      'key.json',
      '{"version": 1, "steps": [{"kind": "key", "key": 99, "action": "cut"}]}',
      ', step 1: position 99 is outside the text, whose last token is',
    ],
  ])('%s is refused in one sentence that names it', async (name, content, message) => {
    if (content !== null) writeFileSync(join(work, name), content);
    const { code, out, err } = await run('trace', '--text', TEXT, '--recipe', name);
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(/^explain-tokens: [^\n]+\n$/);
    expect(err).toContain(`--recipe ${name}`);
    expect(err).toContain(message);
  });

  it('needs a name, and is not for download', async () => {
    expect(await run('trace', '--text', 'a', '--recipe', '')).toMatchObject({ code: 2, err: 'explain-tokens: --recipe names no file.\n' });
    expect((await run('download', 'a/b', '--recipe', 'r.json')).err).toContain(
      '--recipe is for trace, generate, compare, why and report, not for download.',
    );
  });
});
