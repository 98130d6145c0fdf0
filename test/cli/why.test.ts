import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ATTRIBUTION_METHODS, SPAN_METHODS } from '../../src/core/attribution.ts';
import { at } from '../../src/core/tensor.ts';
import { caseFolder } from '../golden/compare.ts';
import { expectClose, openGolden, type Golden } from '../golden/oracle.ts';
import { folder } from '../unit/model/folder.ts';
import { runCommand, runHere, type Ran } from './commandLine.ts';

const root = join(import.meta.dirname, '..', '..');
const models = join(root, 'test', 'fixtures', 'models');
/** Share of the largest number that a number may be off. */
const TOLERANCE = 1e-4;
/** A tiny model, whose tokens have no text. */
const TINY = ['--model', join(models, 'gpt2'), '--ids', '1,20,3,40,5'] as const;
const TEXT = 'Paris is the capital of';
let work = '';
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'explain-tokens-why-'));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

interface Named {
  readonly id: number;
  readonly text: string;
}
interface WhyJson {
  readonly tokens: readonly (Named & { readonly index: number })[];
  readonly position: number;
  readonly token: Named;
  readonly rival: Named | null;
  readonly target: number;
  readonly candidates: readonly (Named & { readonly logit: number; readonly prob: number })[];
  readonly direct: {
    readonly embedding: number;
    readonly heads: readonly (readonly number[])[];
    readonly mlp: readonly number[];
    readonly rest: number;
    readonly sum: number;
  };
  readonly gradientTimesInput: readonly (readonly number[])[];
  readonly units?: {
    readonly by: string;
    readonly list: readonly { readonly first: number; readonly last: number; readonly text: string }[];
  };
  readonly attribution: readonly {
    readonly method: string;
    readonly values: readonly number[];
    readonly sum: number;
    readonly byUnit?: readonly number[];
  }[];
  readonly deletion?: readonly {
    readonly order: string;
    readonly counts: readonly number[];
    readonly logprob: readonly number[];
    readonly mean: number;
  }[];
}

interface SpanJson {
  readonly position: number;
  readonly end: number;
  readonly span: readonly (Named & { readonly index: number; readonly logprob: number })[];
  readonly target: number;
  readonly deletion: NonNullable<WhyJson['deletion']>;
}

const run = (args: readonly string[]): Promise<Ran> => runHere(['why', ...args], work);

async function why(...args: readonly string[]): Promise<WhyJson> {
  const { code, out, err } = await run(args);
  expect([code, err]).toEqual([0, '']);
  return JSON.parse(out) as WhyJson;
}

async function tensors(...args: readonly string[]): Promise<Golden> {
  expect(await run([...args, '--format', 'safetensors', '--output', 'why.safetensors'])).toEqual({ code: 0, out: '', err: '' });
  return openGolden(folder(work), 'why.safetensors');
}

describe.each(['gpt2', 'llama', 'gemma2.1', 'bloom.1', 'mixtral.1'])('the tensors of %s', (name) => {
  const path = join(root, caseFolder(name));
  const expected = (file: string): Promise<Golden> => openGolden(folder(models), `${file}.safetensors`);
  const asked = async (): Promise<string[]> => ['--model', path, '--ids', [...(await idsOf())].join(',')];
  const idsOf = async (): Promise<Int32Array> => (await openGolden(folder(path), 'golden.safetensors')).ids();

  it('are the parts of the logit, which sum to it, by PyTorch’s hooks', async () => {
    const direct = await expected('direct');
    const [token, rival] = await direct.wholeNumbers(`${name}/token`);
    const found = await tensors(...(await asked()), '--token', `${token}`, '--rival', `${rival}`);
    for (const of of ['embedding', 'heads', 'mlp'])
      expectClose(await found.floats(`direct.${of}`), await direct.floats(`${name}/${of}`), of, TOLERANCE);
    const target = at((await found.floats('target')).data, 0);
    expect(Math.abs(target - at((await direct.floats(`${name}/target`)).data, 0))).toBeLessThan(TOLERANCE);
    let sum = 0;
    for (const of of ['embedding', 'heads', 'mlp', 'rest']) for (const part of (await found.floats(`direct.${of}`)).data) sum += part;
    expect(Math.abs(sum - target)).toBeLessThan(TOLERANCE);
  });

  it('are the gradients of PyTorch’s autograd at the input of each block, and nothing else is in the file', async () => {
    const gradients = await expected('gradients');
    const [, , , position, token, rival] = await gradients.wholeNumbers(`${name}/targets`);
    const found = await tensors(...(await asked()), '--position', `${position}`, '--token', `${token}`, '--rival', `${rival}`);
    const layers = found.names.filter((of) => of.startsWith('grad.resid.')).length;
    for (let layer = 0; layer < layers; layer++)
      expectClose(
        await found.floats(`grad.resid.${layer}`),
        await gradients.floats(`${name}/difference/resid.${layer}`),
        `layer ${layer}`,
        TOLERANCE,
      );
    expect(found.names).toEqual([
      ...'target direct.embedding direct.heads direct.mlp direct.rest'.split(' '),
      ...Array.from({ length: layers }, (_, layer) => `grad.resid.${layer}`),
      'attribution.gradient-x-input',
    ]);
    expect(layers).toBe(at((await found.floats('direct.mlp')).dims, 0));
  });

  it('are the attribution of PyTorch', async () => {
    const attribution = await expected('attribution');
    const [position, token, rival] = await attribution.wholeNumbers(`${name}/target`);
    const found = await tensors(...(await asked()), '--position', `${position}`, '--token', `${token}`, '--rival', `${rival}`);
    const method = 'gradient-x-input';
    expectClose(await found.floats(`attribution.${method}`), await attribution.floats(`${name}/${method}`), method, TOLERANCE);
  });
});

describe('the JSON', () => {
  it('adds the tokens’ numbers up by word, line and sentence, to the same sum', async () => {
    for (const [by, texts] of [
      ['word', ['Paris', ' is', ' beautiful', '.\n', 'Rome', ' is', ' old', '.']],
      ['sentence', ['Paris is beautiful.\n', 'Rome is old.']],
      ['line', ['Paris is beautiful.\n', 'Rome is old.']],
    ] as const) {
      const found = await why('--text', 'Paris is beautiful.\nRome is old.', '--by', by);
      expect(found.units?.by).toBe(by);
      expect(found.units?.list.slice(1).map(({ text }) => text)).toEqual(texts);
      const [{ values, byUnit = [], sum } = expect.fail('Nothing is attributed.')] = found.attribution;
      for (const [index, { first, last }] of (found.units?.list ?? []).entries())
        expect(byUnit[index]).toBeCloseTo(
          values.slice(first, last + 1).reduce((all, value) => all + value, 0),
          6,
        );
      expect(byUnit.reduce((all, value) => all + value, 0)).toBeCloseTo(sum, 6);
    }
  });

  it('explains the likeliest token after the last, and has the numbers of the tensors', async () => {
    const found = await why(...TINY, '--method', 'all');
    expect(found.position).toBe(found.tokens.length - 1);
    expect(found.rival).toBeNull();
    const [best] = found.candidates;
    expect(best).toMatchObject(found.token);
    expect(Math.abs((best?.logit ?? NaN) - found.target)).toBeLessThan(TOLERANCE);
    expect(found.candidates).toHaveLength(10);
    expect(Math.abs(found.direct.sum - found.target)).toBeLessThan(TOLERANCE);
    expect(found.attribution.map(({ method }) => method)).toEqual(ATTRIBUTION_METHODS);
    const written = await tensors(...TINY, '--method', 'all');
    const { direct, attribution } = found;
    const numbers: Readonly<Record<string, readonly number[]>> = {
      target: [found.target],
      'direct.embedding': [direct.embedding],
      'direct.heads': direct.heads.flat(),
      'direct.mlp': direct.mlp,
      'direct.rest': [direct.rest],
      ...Object.fromEntries(attribution.map(({ method, values }) => [`attribution.${method}`, values])),
    };
    for (const [name, values] of Object.entries(numbers)) {
      const { data } = await written.floats(name);
      expect(data.length, name).toBe(values.length);
      for (const [index, value] of values.entries()) expect(Math.abs(value - at(data, index)), name).toBeLessThan(TOLERANCE);
    }
    for (const { values, sum } of attribution) expect(values.reduce((total, value) => total + value, 0)).toBeCloseTo(sum, 6);
    expect(found.gradientTimesInput[0]).toEqual(attribution.find(({ method }) => method === 'gradient-x-input')?.values);
  });

  it('explains the model as a recipe changes it: what a cut key said is gone, as far as hiding it says', async () => {
    const cut = { version: 1, steps: [{ kind: 'key', key: 1, action: 'cut' }] };
    writeFileSync(join(work, 'cut.json'), JSON.stringify(cut));
    const asked = [...TINY, '--token', '7', '--method', 'hidden'];
    const [plain, changed] = [await why(...asked), await why(...asked, '--recipe', 'cut.json')];
    expect(plain.target - changed.target).toBeCloseTo(at(plain.attribution[0]?.values ?? [], 1), 4);
    expect(at(changed.attribution[0]?.values ?? [], 1)).toBeCloseTo(0, 5);
    expect(Math.abs(changed.direct.sum - changed.target)).toBeLessThan(TOLERANCE);
  });

  it('compares methods by hiding what they find important, and random tokens', async () => {
    const found = await why(...TINY, '--method', 'rollout,value-weighted', '--deletion');
    expect(found.deletion?.map(({ order }) => order)).toEqual(['rollout', 'value-weighted', 'random.0', 'random.1', 'random.2']);
    const [first] = found.deletion ?? [];
    for (const { counts, logprob, mean } of found.deletion ?? []) {
      expect(counts).toEqual(found.tokens.slice(0, found.position + 1).map(({ index }) => index));
      expect(Math.exp(at(logprob, 0))).toBeCloseTo(found.candidates[0]?.prob ?? NaN, 4);
      // Where all are hidden, it does not matter in which order.
      expect(at(logprob, counts.length - 1)).toBeCloseTo(at(first?.logprob ?? [], counts.length - 1), 4);
      expect(mean).toBeLessThan(0);
    }
  });

  it('explains the token that follows a position, and tokens by their text', async () => {
    const { tokens, token } = await why('--text', TEXT, '--position', '1');
    const [, first, second] = tokens;
    expect(token).toEqual({ id: second?.id, text: second?.text });
    const found = await why('--text', TEXT, '--position', '1', '--token', ' the', '--rival', JSON.stringify(first?.text));
    expect([found.token.text, found.rival?.id]).toEqual([' the', first?.id]);
    const digit = await why('--text', TEXT, '--token', '"7"', '--rival', '7');
    expect([digit.token.text, digit.rival?.id]).toEqual(['7', 7]);
  }, 180_000);
});

describe('a span', () => {
  it('has the attribution of PyTorch, and nothing that is about one prediction', async () => {
    const path = join(root, caseFolder('gpt2'));
    const ids = await (await openGolden(folder(path), 'golden.safetensors')).ids();
    const attribution = await openGolden(folder(models), 'attribution.safetensors');
    const [position, end = 0] = await attribution.wholeNumbers('gpt2/span');
    const asked = ['--model', path, '--ids', [...ids].join(','), '--position', `${position}-${end}`, '--method', 'all'];
    const found = await tensors(...asked);
    for (const method of SPAN_METHODS.filter((name) => name !== 'integrated-gradients'))
      expectClose(await found.floats(`attribution.${method}`), await attribution.floats(`gpt2/span/${method}`), method, TOLERANCE);
    const layers = found.names.filter((of) => of.startsWith('grad.resid.')).length;
    expect(found.names).toEqual([
      'target',
      ...Array.from({ length: layers }, (_, layer) => `grad.resid.${layer}`),
      ...SPAN_METHODS.map((method) => `attribution.${method}`),
    ]);
    const { code, out, err } = await runCommand(['why', ...asked, '--deletion'], { cwd: work });
    expect([code, err]).toEqual([0, '']);
    const json = JSON.parse(out) as SpanJson;
    expect([json.position, json.end, 'token' in json, 'direct' in json]).toEqual([position, end, false, false]);
    expect(json.span.map(({ id }) => id)).toEqual([...ids.subarray((position ?? 0) + 1, end + 2)]);
    expect(json.span.reduce((sum, { logprob }) => sum + logprob, 0)).toBeCloseTo(json.target, 4);
    expect(json.target).toBeCloseTo(at((await found.floats('target')).data, 0), 4);
    expect(json.deletion.map(({ order }) => order)).toEqual([...SPAN_METHODS, 'random.0', 'random.1', 'random.2']);
    for (const { logprob, counts } of json.deletion) {
      expect(at(logprob, 0)).toBeCloseTo(json.target, 4);
      expect(counts.at(-1)).toBe(end);
    }
  });
});

describe('bad usage of why', () => {
  it.each<[string, readonly string[], number, RegExp]>([
    ['a token outside the vocabulary', ['--token', '16384'], 2, /--token: 16384 is outside the model's vocabulary of 16384\./],
    ['a text of several tokens', ['--token', ' unimaginably odd'], 2, /--token: " unimaginably odd" is \d tokens, not one: ".+" \(\d+\), /],
    ['no token', ['--token', ''], 2, /--token names no token/],
    ['a position outside the text', ['--position', '99'], 2, /--position: the \d tokens read are numbered from 0 to \d, there is no 99/],
    ['a position that is no number', ['--position', 'last'], 2, /--position is a whole number, not "last"/],
    ['a span beyond the text', ['--position', '1-9'], 2, /--position 1-9: a token follows the positions up to \d of the \d tokens read/],
    ['a span that ends first', ['--position', '3-2'], 2, /--position 3-2 ends before it begins/],
    ['a span with a token', ['--position', '1-2', '--token', '7'], 2, /--token does not go with --position 1-2/],
    ['a method of one position', ['--position', '1-2', '--method', 'rollout'], 2, /rollout is not defined for several tokens together: /],
    ['a rival that is the token', ['--token', '7', '--rival', '7'], 2, /--rival is the token itself \(7\)/],
    ['an unknown method', ['--method', 'gradient-x-input,luck'], 2, /--method is gradient-x-input.* or all, not "luck"/],
    ['a curve as tensors', ['--deletion', '--format', 'safetensors', '--output', 'w'], 2, /--deletion is for --format json/],
    ['a format', ['--format', 'text'], 2, /--format is json or safetensors, not "text"/],
    ['an option of another command', ['--seed', '1'], 2, /--seed is for generate, not for why/],
    ['an output that cannot be', ['--output', 'nowhere/why.json'], 1, /--output nowhere\/why\.json cannot be written/],
    ['a model that is missing', ['--model', 'nowhere'], 1, /nowhere/],
  ])('%s', async (_, args, code, message) => {
    const result = await run(['--text', TEXT, ...args]);
    expect([result.code, result.out]).toEqual([code, '']);
    expect(result.err).toMatch(/^explain-tokens: [^\n]+\n$/);
    expect(result.err).toMatch(message);
  });

  it('a text without tokens’ names, whose token is a text', async () => {
    const result = await run(['--model', join(models, 'gpt2'), '--ids', '1,2,3', '--token', ' the']);
    expect([result.code, result.out]).toEqual([2, '']);
    expect(result.err).toMatch(/--token is a token's id for a model without a tokenizer, not " the"/);
  });

  it('the rival of the likeliest token, itself', async () => {
    const { token } = await why(...TINY);
    const result = await run([...TINY, '--rival', `${token.id}`]);
    expect([result.code, result.out]).toEqual([2, '']);
    expect(result.err).toMatch(/--rival is the token itself/);
  });

  it('describes its methods in --help', async () => {
    const { out } = await runCommand(['why', '--help'], { cwd: work });
    for (const method of ATTRIBUTION_METHODS) expect(out).toContain(`    ${method}: `);
  });
});
