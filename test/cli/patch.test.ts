import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { at } from '../../src/core/tensor.ts';
import { openGolden } from '../golden/oracle.ts';
import { folder } from '../unit/model/folder.ts';
import { runCommand, runHere, type Ran } from './commandLine.ts';

let work: string;
const run = (...args: readonly string[]): Promise<Ran> => runHere(['patch', ...args], work);

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'explain-tokens-patch-'));
});
afterAll(() => rm(work, { recursive: true }));

const TEXTS = ['--text', 'The cat sat', '--with-text', 'The dog sat'] as const;

interface Written {
  readonly grid: string;
  readonly clean: { readonly difference: number; readonly tokens: readonly unknown[] };
  readonly corrupted: { readonly difference: number };
  readonly partners: readonly (number | null)[];
  readonly estimate: readonly (readonly number[])[];
  readonly shares: readonly (readonly (number | null)[])[];
}

it('writes a grid of shares as JSON, and as tensors', async () => {
  const ran = await run(...TEXTS, '--token', '300', '--rival', '301', '--format', 'json');
  expect(ran).toMatchObject({ code: 0, err: '' });
  const found = JSON.parse(ran.out) as Written;
  const { length } = found.clean.tokens;
  expect(found).toMatchObject({ grid: 'residual', partners: Array.from({ length }, (_, i) => i) });
  expect(found.shares.at(-1)).toHaveLength(length);
  // The input of the first layer is the embedding: a token that both texts share restores nothing.
  expect(found.shares[0]?.[length - 1]).toBeCloseTo(0, 4);
  const tensors = ['--grid', 'heads', '--format', 'safetensors', '--output', 'patch.safetensors'];
  expect(await runCommand(['patch', ...TEXTS, '--token', '300', '--rival', '301', ...tensors], { cwd: work })).toEqual({
    code: 0,
    out: '',
    err: '',
  });
  const written = await openGolden(folder(work), 'patch.safetensors');
  expect(written.names).toEqual(['clean', 'corrupted', 'estimate', 'shares']);
  expect(at((await written.floats('clean')).data, 0)).toBeCloseTo(found.clean.difference, 4);
  expect((await written.floats('shares')).data.some((share) => Math.abs(share) > 0.01)).toBe(true);
});

it.each([
  [['--text', 'a'], 'One of --with-text and --with-file is needed.'],
  [[...TEXTS, '--grid', 'neurons'], '--grid is residual, attention, mlp, heads, not "neurons".'],
])('says of %j what is wrong', async (args, sentence) => {
  const ran = await run(...args);
  expect(ran).toMatchObject({ code: 2, out: '' });
  expect(ran.err).toContain(sentence);
});
