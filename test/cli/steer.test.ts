import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { lengthOf } from '../../src/core/steering.ts';
import { readControlVector } from '../../src/model/formats/gguf/controlVector.ts';
import { FIXTURES } from '../golden/compare.ts';
import { expectClose, openGolden } from '../golden/oracle.ts';
import { itemOf } from '../closeness.ts';
import { folder } from '../unit/model/folder.ts';
import { ROOT } from '../../scripts/lib/paths.mjs';
import { runCommand, runHere, type Ran } from './commandLine.ts';

let work: string;
const run = (...args: readonly string[]): Promise<Ran> => runHere(args, work);

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'explain-tokens-steer-'));
  await writeFile(join(work, 'up.txt'), 'What a happy day\n\nShe was glad\r\n');
});
afterAll(() => rm(work, { recursive: true }));

interface Generated {
  readonly text: string;
  readonly recipe?: { readonly steps: readonly { readonly kind: string; readonly layer: number; readonly on?: string }[] };
  readonly steps: readonly { readonly id: number; readonly prob: number }[];
}
const generated = async (...args: readonly string[]): Promise<Generated> => {
  const ran = await run('generate', '--text', 'Once upon a time', '--greedy', '--tokens', '6', '--format', 'json', ...args);
  expect(ran).toMatchObject({ code: 0, err: '' });
  const { steps, ...rest } = JSON.parse(ran.out) as Generated;
  return { ...rest, steps: steps.map(({ id, prob }) => ({ id, prob })) };
};

it('makes a vector of two sets of texts, as long as the residual, and adds it to what is asked', async () => {
  const made = await run(
    'steer',
    '--positive-file',
    'up.txt',
    '--negative-text',
    'What a sad day',
    '--layers',
    '2,4',
    '--output',
    'mood.gguf',
  );
  expect(made).toMatchObject({ code: 0, err: '' });
  const [head = '', ...rows] = made.out.trim().split('\n');
  expect(head.trim().split(/\s+/)).toEqual(['layer', 'tensor', 'residual', 'difference']);
  expect(rows.map((row) => row.trim().split(/\s+/).slice(0, 2))).toEqual([
    ['2', 'direction.1'],
    ['4', 'direction.3'],
  ]);
  const vector = await readControlVector(folder(work), 'mood.gguf');
  expect(vector).toMatchObject({ name: 'mood', family: 'llama' });
  expect(vector.description).toContain('Difference of the means of 2 and 1 texts, of the residual at the last token.');
  const lengths = vector.directions.map(({ values }) => lengthOf(values).toPrecision(4));
  expect(lengths).toEqual(rows.map((row) => row.trim().split(/\s+/)[2]));
  const plain = await generated();
  const steered = await generated('--steer', 'mood.gguf', '--strength=-0.5');
  const after = await generated('--steer', 'mood.gguf', '--strength=-0.5', '--steer-on', 'generated');
  expect(steered.steps[0]?.prob).not.toBe(plain.steps[0]?.prob);
  // The first token is drawn after the prompt, which is not steered.
  expect(after.steps[0]).toEqual(plain.steps[0]);
  expect(after.steps[1]?.prob).not.toBe(plain.steps[1]?.prob);
  expect(after.recipe?.steps.map(({ kind, layer, on }) => [kind, layer, on])).toEqual([
    ['steer', 2, 'generated'],
    ['steer', 4, 'generated'],
  ]);
  // What a result says was done can be done again.
  await writeFile(join(work, 'again.recipe.json'), JSON.stringify(steered.recipe));
  expect((await generated('--recipe', 'again.recipe.json')).steps).toEqual(steered.steps);
});

it('makes a vector of two tokens', async () => {
  const made = await runCommand(
    ['steer', '--token', ' happy', '--rival', ' sad', '--text', 'A day', '--name', 'glad', '--output', 'glad.gguf'],
    { cwd: work },
  );
  expect(made).toMatchObject({ code: 0, err: '' });
  expect(await readControlVector(folder(work), 'glad.gguf')).toMatchObject({ name: 'glad', directions: [{ layer: 3 }] });
});

it('traces as transformers does with a file that gguf in Python wrote', async () => {
  const model = join(ROOT, FIXTURES, 'llama');
  const golden = await openGolden(folder(model), 'golden.safetensors');
  const steer = ['--steer', join(ROOT, FIXTURES, 'steering-u32.gguf'), '--strength', '0.75'];
  const ids = (await golden.ids()).join();
  const ran = await run('trace', '--model', model, '--ids', ids, ...steer, '--format', 'safetensors', '--output', 'out.safetensors');
  expect(ran).toEqual({ code: 0, out: '', err: '' });
  const { dims, data } = await (await openGolden(folder(work), 'out.safetensors')).floats('logits');
  const vocab = itemOf(dims, 1);
  const rows = Float32Array.from([0, 5, 6, 7].flatMap((position) => [...data.subarray(position * vocab, (position + 1) * vocab)]));
  const expected = await openGolden(folder(FIXTURES), 'steering.safetensors');
  expectClose({ dims: [4, vocab], data: rows }, await expected.floats('llama/controlVector/logits'), 'control vector');
});

it('says in one sentence what is wrong with a vector', async () => {
  const same = await run('steer', '--positive-text', 'a', '--negative-text', 'a', '--output', 'a.gguf');
  expect(same).toMatchObject({ code: 1, out: '' });
  expect(same.err).toContain('is zero: both sides are the same there.');
  const wide = await run('trace', '--text', 'a', '--steer', join(ROOT, FIXTURES, 'steering-u32.gguf'));
  expect(wide).toMatchObject({ code: 1, out: '' });
  expect(wide.err).toContain('holds vectors of 64 numbers, and the model');
});
