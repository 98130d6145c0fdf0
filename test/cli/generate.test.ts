import { countText } from '../../src/core/countText.ts';
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUNDLED_CONTEXT } from '../bundledContext.ts';
import { runHere } from './commandLine.ts';

const root = join(import.meta.dirname, '..', '..');
const bundled = join(root, 'media', 'models', 'explain-tokens-9m');
let work = '';

interface Result {
  readonly code: number | null;
  readonly chunks: readonly string[];
  readonly out: string;
  readonly err: string;
}

function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Result> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, 'dist', 'cli.js'), ...args], { cwd: work, env: { ...process.env, ...env } });
    const chunks: string[] = [];
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.on('close', (code) => resolve({ code, chunks, out: chunks.join(''), err }));
  });
}

interface Generated {
  readonly model: Readonly<Record<string, unknown>>;
  readonly sampling: Readonly<Record<string, number>>;
  readonly eos: readonly number[];
  readonly prompt: readonly number[];
  readonly steps: readonly {
    readonly position: number;
    readonly id: number;
    readonly text: string;
    readonly prob: number;
    readonly tempered: number;
    readonly final: number;
    readonly rank: number;
    readonly filters: readonly { readonly filter: string; readonly kept: number; readonly dropped: number; readonly removed: number }[];
    readonly keptCount: number;
    readonly draw: { readonly uniform: number; readonly from: number; readonly to: number } | null;
    readonly stop: string | null;
    readonly reading: { readonly run: number; readonly known: number };
    readonly cache: { readonly positions: number; readonly bytes: number };
    readonly top: readonly { readonly id: number; readonly text: string; readonly prob: number; readonly final: number }[];
  }[];
  readonly text: string;
  readonly end: string;
}

async function generate(...args: readonly string[]): Promise<Generated> {
  const { code, out, err } = await runHere(['generate', ...args], work);
  expect([code, err]).toEqual([0, '']);
  return JSON.parse(out) as Generated;
}

/** One line that begins with the program's name, and no stack. */
function expectRefusal({ code, out, err }: Result, expectedCode: number, message: RegExp): void {
  expect(err).toMatch(/^explain-tokens: [^\n]+\n$/);
  expect(err).toMatch(message);
  expect([code, out]).toEqual([expectedCode, '']);
}

/** The bundled model with other files beside its weights; null takes one away. */
function variant(name: string, files: Readonly<Record<string, string | null>>): string {
  const path = join(work, name);
  mkdirSync(path);
  for (const file of readdirSync(bundled).filter((own) => files[own] !== null)) copyFileSync(join(bundled, file), join(path, file));
  for (const [file, text] of Object.entries(files)) if (text !== null) writeFileSync(join(path, file), text);
  return path;
}

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'explain-tokens-generate-'));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

describe('generation_config.json', () => {
  it('is done, shown as filters of the step, and what is not done is named', async () => {
    const config = { eos_token_id: 1, repetition_penalty: 1.2, suppress_tokens: [5], typical_p: 0.9, do_sample: true, temperature: 0.7 };
    const model = variant('rules', { 'generation_config.json': JSON.stringify(config) });
    const { code, out, err } = await run([
      'generate',
      '--model',
      model,
      '--text',
      'The story begins',
      '--greedy',
      '--tokens',
      '3',
      '--format',
      'json',
      '--top',
      '1',
    ]);
    expect([code, err]).toEqual([0, "explain-tokens: Not done, though the model's generation_config.json asks for it: typical_p 0.9.\n"]);
    const { generationConfig, steps } = JSON.parse(out) as Generated & { readonly generationConfig: unknown };
    expect(generationConfig).toEqual({
      applied: { repetition_penalty: 1.2, suppress_tokens: [5] },
      leftOut: { typical_p: 0.9 },
      suggested: { do_sample: true, temperature: 0.7 },
    });
    for (const step of steps) {
      expect(step.filters.map(({ filter }) => filter)).toEqual(['repetition_penalty', 'suppress_tokens']);
      expect(step.filters[1]).toMatchObject({ dropped: 1 });
    }
    const text = await run(['generate', '--model', model, '--text', 'The story begins', '--greedy', '--tokens', '3', '--format', 'text']);
    expect(text.err).toContain(
      "explain-tokens: Done at every step, as the model's generation_config.json says: repetition_penalty 1.2, suppress_tokens [5].\n",
    );
  });

  it('an adapter beside the model is said by every command', async () => {
    const model = variant('adapted', { 'adapter_config.json': '{}', 'adapter_model.safetensors': 'x' });
    const said =
      /^explain-tokens: adapted also holds an adapter \(adapter_config\.json, adapter_model\.safetensors\), which is not applied/m;
    for (const args of [
      ['trace', '--ids', '1,2'],
      ['generate', '--ids', '1,2', '--tokens', '1', '--format', 'json'],
      ['compare', '--text', 'a', '--with-text', 'b'],
    ]) {
      const [command = '', ...rest] = args;
      const { code, err } = await runHere([command, '--model', model, ...rest], work);
      expect([code, err]).toEqual([0, expect.stringMatching(said)]);
    }
  });
});

describe('generate', () => {
  it('takes greedily what one full pass over the result finds likeliest', async () => {
    const { prompt, steps, model, text, end, sampling } = await generate(
      '--text',
      'The story begins',
      '--greedy',
      '--tokens',
      '8',
      '--top',
      '2',
    );
    expect([steps.length, end, sampling['temperature'], model['name']]).toEqual([8, 'limit', 0, 'explain-tokens-9m']);
    const ids = [...prompt, ...steps.map(({ id }) => id)];
    const { tokens } = JSON.parse((await runHere(['trace', '--ids', ids.join(','), '--top', '2'], work)).out) as {
      tokens: { logprob: number | null; rank: number | null; top: { id: number; prob: number }[] }[];
    };
    for (const step of steps) {
      expect(step.id).toBe(tokens[step.position - 1]?.top[0]?.id);
      expect(step.prob).toBeCloseTo(Math.exp(tokens[step.position]?.logprob ?? NaN), 5);
      step.top.forEach(({ id, prob }, k) =>
        expect([id, prob]).toEqual([
          tokens[step.position - 1]?.top[k]?.id,
          expect.closeTo(tokens[step.position - 1]?.top[k]?.prob ?? NaN, 5),
        ]),
      );
      expect([step.rank, step.draw, step.keptCount, step.stop]).toEqual([1, null, 1, null]);
    }
    expect(text).toBe(steps.map((step) => step.text).join(''));
  });

  it('draws the same with the same seed, and tells each step whole', async () => {
    const args = [
      '--text',
      'The story begins',
      '--tokens',
      '6',
      '--temperature',
      '0.8',
      '--top-k',
      '50',
      '--top-p',
      '0.9',
      '--min-p',
      '0.01',
      '--top',
      '3',
    ];
    const [one, again, other] = [
      await generate(...args, '--seed', '11'),
      await generate(...args, '--seed', '11'),
      await generate(...args, '--seed', '12'),
    ];
    expect(again.steps.map(({ id }) => id)).toEqual(one.steps.map(({ id }) => id));
    expect(other.steps.map(({ id }) => id)).not.toEqual(one.steps.map(({ id }) => id));
    expect(one.sampling).toEqual({ temperature: 0.8, topK: 50, topP: 0.9, minP: 0.01, seed: 11 });
    one.steps.forEach((step, n) => {
      expect(Object.keys(step)).toEqual([
        'position',
        'id',
        'text',
        'prob',
        'tempered',
        'final',
        'rank',
        'entropy',
        'entropyTempered',
        'entropyFinal',
        'filters',
        'keptCount',
        'draw',
        'stop',
        'reading',
        'cache',
        'top',
      ]);
      expect(step.position).toBe(one.prompt.length + n);
      expect(step.reading).toMatchObject(n === 0 ? { run: one.prompt.length, known: 0 } : { run: 1, known: step.position - 1 });
      expect(step.cache).toMatchObject({ positions: step.position, bytes: step.position * 6 * 8 * 32 * 2 * 4 });
      expect(step.filters.map(({ filter }) => filter)).toEqual(['topK', 'topP', 'minP']);
      expect((step.draw?.to ?? 0) - (step.draw?.from ?? 0)).toBeCloseTo(step.final, 6);
      expect(step.top).toHaveLength(3);
    });
  });

  it('writes each step as it is taken', async () => {
    const { chunks, out } = await run(['generate', '--text', 'The story begins', '--tokens', '30']);
    expect(chunks.length).toBeGreaterThan(10);
    expect(chunks.slice(0, 5).join('')).not.toContain('"end"');
    expect((JSON.parse(out) as Generated).steps).toHaveLength(30);
  });

  it('writes the text alone where asked, whole characters at a time, and says why it ended', async () => {
    const args = ['--text', '今天天气很好，我们', '--tokens', '25', '--seed', '4'];
    const { text } = await generate(...args);
    const { code, chunks, out, err } = await run(['generate', ...args, '--format', 'text']);
    expect([code, out]).toEqual([0, text]);
    expect(chunks.length).toBeGreaterThan(5);
    expect(chunks.slice(0, -1).join('')).not.toContain('\ufffd');
    expect(err).toBe('explain-tokens: Ended after 25 tokens, which is the limit: see --tokens.\n');
  });

  it('ends at a token that ends a text, at the limit where there is none, and where the context is full', async () => {
    const first = (await generate('--text', 'The story begins', '--greedy', '--tokens', '2')).steps[1]?.id;
    const ended = await generate(
      '--model',
      variant('ends', { 'generation_config.json': JSON.stringify({ eos_token_id: [1, first] }) }),
      '--text',
      'The story begins',
      '--greedy',
    );
    expect([ended.eos, ended.steps.length, ended.end, ended.steps.at(-1)?.stop]).toEqual([[1, first], 2, 'eos', 'eos']);
    const onward = await generate('--model', join(work, 'ends'), '--text', 'The story begins', '--greedy', '--past-end', '--tokens', '5');
    expect([onward.steps.length, onward.end, onward.steps[1]?.id, onward.steps[1]?.stop]).toEqual([5, 'limit', first, null]);
    const { eos_token_id: _, ...config } = JSON.parse(readFileSync(join(bundled, 'config.json'), 'utf8')) as Record<string, unknown>;
    const endless = await generate(
      '--model',
      variant('endless', { 'generation_config.json': null, 'config.json': JSON.stringify(config) }),
      '--text',
      'The story begins',
      '--tokens',
      '3',
    );
    expect([endless.eos, endless.end]).toEqual([[], 'limit']);
    const ids = Array.from({ length: BUNDLED_CONTEXT - 2 }, (__, i) => (i * 37) % 16384).join(',');
    const full = await generate('--ids', ids, '--tokens', '9', '--model', join(work, 'endless'));
    expect([full.steps.length, full.end]).toEqual([2, 'context']);
    expect((await generate('--text', 'a', '--tokens', '0')).steps).toEqual([]);
  });

  it('needs no tokenizer with ids, but for text', async () => {
    const model = join(root, 'test', 'fixtures', 'models', 'gpt2');
    const { steps, text, prompt } = await generate('--model', model, '--ids', '5,6,7', '--tokens', '4', '--greedy');
    expect([prompt, steps.length, text]).toEqual([[5, 6, 7], 4, '']);
    expectRefusal(await run(['generate', '--model', model, '--ids', '5', '--format', 'text']), 1, /no tokenizer\.json/);
  });

  it('goes on from a chat where the model has a template', async () => {
    const model = variant('chat', { 'tokenizer_config.json': JSON.stringify({ chat_template: 'User: {{ messages[0].content }} Model:' }) });
    const chat = await generate('--model', model, '--text', 'The story begins', '--chat', '--tokens', '2');
    const plain = await generate('--model', model, '--text', 'User: The story begins Model:', '--tokens', '2');
    expect(chat.steps.map(({ id }) => id)).toHaveLength(2);
    expect(chat.prompt.length).toBeGreaterThanOrEqual(plain.prompt.length - 1);
    expectRefusal(await run(['generate', '--text', 'a', '--chat']), 1, /no chat template/);
  });

  it('stays defined at settings without sense', async () => {
    for (const extreme of [
      ['--temperature', '100', '--top-k', '99999', '--top-p', '7'],
      ['--temperature', '1e-300', '--top-p', '0', '--min-p', '3'],
    ]) {
      const { steps } = await generate('--text', 'The story begins', '--tokens', '2', ...extreme);
      for (const { prob, tempered, final } of steps) for (const p of [prob, tempered, final]) expect(p >= 0 && p <= 1 + 1e-6).toBe(true);
    }
  });

  it('runs natively where onnxruntime-node is found, with the same tokens', async () => {
    const args = ['generate', '--text', 'The story begins', '--tokens', '5', '--seed', '3'];
    const native = await run([...args, '--runtime', 'native', '--native-runtime', join(root, 'test', 'native')]);
    expect([native.code, native.err]).toEqual([0, '']);
    const [a, b] = [JSON.parse(native.out) as Generated, await generate(...args.slice(1), '--runtime', 'wasm')];
    expect([a.model['runtime'], b.model['runtime']]).toEqual(['native', 'wasm']);
    expect(a.text).toBe(b.text);
  });
});

describe('generate is refused', () => {
  it.each<[string, readonly string[], RegExp]>([
    ['a wrong number of tokens', ['--tokens', '-1'], /--tokens/],
    ['a wrong temperature', ['--temperature', 'warm'], /--temperature.*"warm"/],
    ['an infinite temperature', ['--temperature', '1e999'], /--temperature/],
    ['a negative top-p', ['--top-p=-0.5'], /--top-p/],
    ['a top-k that is no whole number', ['--top-k', '1.5'], /--top-k/],
    ['a wrong seed', ['--seed', 'x'], /--seed/],
    ['greedy with a temperature', ['--greedy', '--temperature', '1'], /--greedy/],
    ['a format of trace', ['--format', 'safetensors'], /text or json/],
  ])('with code 2: %s', async (_, args, message) => expectRefusal(await run(['generate', '--text', 'a', ...args]), 2, message));

  it('with code 2: its options for trace', async () =>
    expectRefusal(await run(['trace', '--text', 'a', '--seed', '1']), 2, /--seed is for generate/));

  it('with code 1: a text that fills the context, and files that cannot be used, leaving no output', async () => {
    writeFileSync(join(work, 'long.txt'), 'One more sentence of the story. '.repeat(1000));
    expectRefusal(
      await run(['generate', '--file', 'long.txt', '--output', 'out.json']),
      1,
      new RegExp(`reads ${countText(BUNDLED_CONTEXT)} tokens at once: the text takes more.*no room`),
    );
    expectRefusal(
      await run(['generate', '--ids', Array.from({ length: BUNDLED_CONTEXT }, () => 5).join(','), '--output', 'out.json']),
      1,
      /no room/,
    );
    expectRefusal(
      await run([
        'generate',
        '--text',
        'a',
        '--model',
        variant('damaged', { 'generation_config.json': '{"eos_token_id": "x"}' }),
        '--output',
        'out.json',
      ]),
      1,
      /generation_config\.json/,
    );
    expectRefusal(await run(['generate', '--text', 'a', '--output', join('nowhere', 'a.json')]), 1, /nowhere/);
    expect(readdirSync(work).filter((name) => /partial|out\.json/.test(name))).toEqual([]);
  });

  it('with code 0 and no word when its reader goes away', async () => {
    const result = await new Promise<{ code: number | null; err: string }>((resolve) => {
      const child = spawn(process.execPath, [join(root, 'dist', 'cli.js'), 'generate', '--text', 'The story begins', '--tokens', '400'], {
        cwd: work,
      });
      let err = '';
      child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
      child.stdout.once('data', () => child.stdout.destroy());
      child.on('close', (code) => resolve({ code, err }));
    });
    expect(result).toEqual({ code: 0, err: '' });
  });
});
