import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DIGITS, MOST_ANSWER_UNITS } from '../../src/agents/toolAnswer.ts';
import { AGENT_TOOLS } from '../../src/agents/tools.ts';
import { FIXTURES } from '../golden/compare.ts';
import { runCommand } from './commandLine.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const TEXT = 'Paris is the capital of France. 巴黎是法国的首都。 Paris is the capital of';
const OTHER = 'Rome is the capital of Italy. 巴黎是法国的首都。 Paris is the capital of';
const NO_TOKENIZER = join(FIXTURES, 'gpt2');

/** The number as tools write it. */
const told = (value: number | null): number | null => (value === null ? null : Number(value.toPrecision(DIGITS)));

let work = '';
let client: Client;
const clients: Client[] = [];

async function connected(models: readonly string[] = []): Promise<Client> {
  const made = new Client({ name: 'test', version: '1' });
  clients.push(made);
  await made.connect(
    new StdioClientTransport({ command: process.execPath, args: [join(ROOT, 'dist/cli.js'), 'mcp', ...models], stderr: 'pipe' }),
  );
  return made;
}

/** The text of a tool's answer, and whether it is an error. */
async function asked(
  name: string,
  given: Record<string, unknown>,
  by = client,
): Promise<{ readonly text: string; readonly failed: boolean }> {
  const { content, isError } = await by.callTool({ name, arguments: given }, undefined, { timeout: 200_000 });
  const [first] = content as readonly { readonly text: string }[];
  return { text: first?.text ?? '', failed: isError === true };
}

async function answered(name: string, given: Record<string, unknown>, by = client): Promise<Record<string, unknown>> {
  const { text, failed } = await asked(name, given, by);
  expect(failed, text).toBe(false);
  expect(text.length).toBeLessThanOrEqual(MOST_ANSWER_UNITS);
  return JSON.parse(text) as Record<string, unknown>;
}

const OF_COMMANDS = {
  trace: ['trace', '--text', TEXT, '--top', '5'],
  compare: ['compare', '--text', TEXT, '--with-text', OTHER],
  why: ['why', '--text', TEXT, '--token', ' France', '--rival', ' England', '--method', 'hidden'],
  score: ['score', '--by', 'word', '--format', 'json', 'text.txt'],
} as const;
let commands: Record<keyof typeof OF_COMMANDS, unknown>;

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'explain-tokens-mcp-'));
  writeFileSync(join(work, 'text.txt'), TEXT);
  const names = Object.keys(OF_COMMANDS) as readonly (keyof typeof OF_COMMANDS)[];
  const [opened, ...ran] = await Promise.all([
    connected([NO_TOKENIZER, join(work, 'nowhere')]),
    ...names.map((name) => runCommand(OF_COMMANDS[name], { cwd: work })),
  ]);
  client = opened;
  commands = Object.fromEntries(names.map((name, i) => [name, JSON.parse(ran[i]?.out ?? '')])) as typeof commands;
});
afterAll(async () => {
  await Promise.all(clients.map((one) => one.close()));
  rmSync(work, { recursive: true, force: true });
});

const BUNDLED = 'explain-tokens-9m';

interface Traced {
  readonly tokens: readonly {
    readonly id: number;
    readonly top: readonly { readonly id: number; readonly text: string; readonly prob: number }[];
  }[];
}
interface Compared {
  readonly finalKl: number;
  readonly sides: readonly { readonly bits: number; readonly bitsPerByte: number }[];
  readonly rows: readonly {
    readonly a: readonly { index: number }[];
    readonly same: boolean;
    readonly difference: number | null;
    readonly kl: number;
  }[];
}
interface Why {
  readonly target: number;
  readonly attribution: readonly { readonly values: readonly number[] }[];
  readonly direct: { readonly heads: readonly (readonly number[])[] };
}
interface Scored {
  readonly files: readonly {
    readonly words: readonly { readonly text: string; readonly bits: number }[];
    readonly tokens: number;
    readonly bits: number;
    readonly bitsPerByte: number;
  }[];
}

describe('explain-tokens mcp, asked by the protocol’s own client', () => {
  it('lists its tools, which only read, with a schema that names every argument', async () => {
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(AGENT_TOOLS.map(({ name }) => name));
    for (const { annotations, inputSchema, description } of tools) {
      expect(annotations).toMatchObject({ readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false });
      expect(inputSchema).toMatchObject({ type: 'object', additionalProperties: false });
      expect(description?.length).toBeGreaterThan(40);
    }
    expect(client.getInstructions()).toContain(`${MOST_ANSWER_UNITS} characters`);
  });

  it('names the models of the user’s list and of no other, and says which cannot be used', async () => {
    const { models } = (await answered('list_models', {})) as { readonly models: readonly Record<string, unknown>[] };
    expect(models.map(({ name }) => name)).toEqual(['gpt2', 'nowhere', BUNDLED]);
    expect(models[1]?.['cannotBeUsed']).toContain('nowhere');
    expect(models[2]).toMatchObject({ family: 'llama', layers: 6, heads: 8, contextLength: 1024 });
    for (const model of ['/etc/passwd', '../models', NO_TOKENIZER, ''])
      expect(await asked('count_tokens', { text: 'a', model })).toMatchObject({
        failed: true,
        text: expect.stringMatching(/^(There is no model|model is empty)/),
      });
    // The first of the list is asked where none is named.
    expect((await asked('count_tokens', { text: 'a' })).text).toContain('tokenizer');
  });

  it('scores a text as the command line does', async () => {
    const [file] = (commands.score as Scored).files;
    const answer = await answered('score_text', { text: TEXT, by: 'word', model: BUNDLED });
    expect(answer).toMatchObject({ tokens: file?.tokens, bits: told(file?.bits ?? NaN), bitsPerByte: told(file?.bitsPerByte ?? NaN) });
    const words = answer['mostSurprising'] as readonly { readonly text: string; readonly bits: number }[];
    const [most] = file?.words.toSorted((a, b) => b.bits - a.bits) ?? [];
    expect(words[0]).toMatchObject({ text: most?.text, bits: told(most?.bits ?? NaN) });
  });

  it('gives the next tokens that a trace has, and a lens that ends with them', async () => {
    const last = (commands.trace as Traced).tokens.at(-1);
    const next = await answered('next_tokens', { text: TEXT, top: 5, model: BUNDLED });
    expect(next['next']).toEqual(last?.top.map(({ id, text, prob }) => ({ id, text, prob: told(prob) })));
    const lens = (await answered('lens', { text: TEXT, model: BUNDLED })) as { readonly layers: readonly Record<string, unknown>[] };
    expect(lens.layers).toHaveLength(7);
    expect(lens.layers.at(-1)).toMatchObject({ top: { id: last?.top[0]?.id }, kl: 0, entropy: next['entropyBits'] });
  });

  it('compares two texts as the command line does', async () => {
    const { sides, finalKl, rows } = commands.compare as Compared;
    const answer = await answered('compare_texts', { text: TEXT, other: OTHER, model: BUNDLED });
    expect(answer).toMatchObject({
      first: { bits: told(sides[0]?.bits ?? NaN), bitsPerByte: told(sides[0]?.bitsPerByte ?? NaN) },
      second: { bits: told(sides[1]?.bits ?? NaN) },
      finalKl: told(finalKl),
    });
    const shared = answer['shared'] as readonly { readonly index: number; readonly difference: number; readonly kl: number }[];
    const expected = rows.filter(({ same, difference }) => same && difference !== null);
    expect(shared).toHaveLength(expected.length);
    for (const row of shared) {
      const found = expected.find(({ a }) => a[0]?.index === row.index);
      expect([row.difference, row.kl]).toEqual([told(found?.difference ?? NaN), told(found?.kl ?? NaN)]);
    }
    expect(answer['firstOnly']).not.toHaveLength(0);
  });

  it('says why as the command line does', async () => {
    const { target, attribution, direct } = commands.why as Why;
    const answer = await answered('why', { text: TEXT, token: ' France', rival: ' England', method: 'hidden', model: BUNDLED });
    expect(answer['target']).toBe(told(target));
    for (const { index, value } of answer['byToken'] as readonly { readonly index: number; readonly value: number }[])
      expect(value).toBe(told(attribution[0]?.values[index] ?? NaN));
    for (const { layer, head, value } of answer['heads'] as readonly { layer: number; head: number; value: number }[])
      expect(value).toBe(told(direct.heads[layer]?.[head] ?? NaN));
  });

  it('tells which heads do what, and what one token attends to', async () => {
    const heads = await answered('attention_summary', { text: TEXT, model: BUNDLED });
    expect(heads).toMatchObject({ layers: 6, heads: 8, previous: expect.any(Array), induction: expect.any(Array) });
    const [best] = heads['previous'] as readonly { readonly layer: number; readonly head: number; readonly value: number }[];
    const row = await answered('attention_summary', { text: TEXT, layer: best?.layer, head: best?.head, query: 5, model: BUNDLED });
    const keys = row['keys'] as readonly { readonly index: number; readonly weight: number }[];
    expect(keys[0]?.index).toBe(4);
    expect(keys.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 4);
  });

  it('refuses what does not fit in one sentence, and goes on', async () => {
    const wrong: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
      ['score_text', {}, /^text is missing\.$/],
      ['score_text', { text: 7 }, /^text is a text, not 7\.$/],
      ['score_text', { text: 'x'.repeat(500_001) }, /^text has 500001 characters; at most 500000 are read\.$/],
      ['next_tokens', { text: 'a', top: 1e9 }, /^top is a whole number from 1 to 50/],
      ['next_tokens', { text: 'a', path: '/etc/passwd' }, /^There is no argument "path"; there are text, top/],
      [
        'next_tokens',
        { text: 'a', position: 99, model: BUNDLED },
        /^position: the tokens read are numbered from 0 to 1, there is no 99\.$/,
      ],
      ['attention_summary', { text: 'a', layer: 0, model: BUNDLED }, /^layer and head go together\.$/],
      [
        'attention_summary',
        { text: 'a', layer: 6, head: 0, model: BUNDLED },
        /^layer: explain-tokens-9m has layers 0 to 5, there is no 6\.$/,
      ],
      ['why', { text: 'a', token: 'no such token', model: BUNDLED }, /^token: "no such token" is not exactly one token; it is read as /],
      ['why', { text: 'a', method: '__proto__' }, /^method is one of gradient-x-input/],
    ];
    for (const [name, given, sentence] of wrong) {
      const { text, failed } = await asked(name, given);
      expect([failed, text]).toEqual([true, expect.stringMatching(sentence)]);
    }
    await expect(client.callTool({ name: 'rm', arguments: {} })).rejects.toThrow('There is no tool "rm"');
    // A lone surrogate, NUL, right-to-left marks and markup are text like any other.
    expect(await answered('next_tokens', { text: '\ud800\u0000\u202e<script>alert(1)</script>', model: BUNDLED })).toHaveProperty('next');
  });

  it('keeps an answer within its budget, and says what it left out', async () => {
    const long = 'The quick brown fox jumps over the lazy dog near the river bank. '.repeat(40);
    const row = await answered('attention_summary', { text: long, layer: 0, head: 0, model: BUNDLED });
    const keys = row['keys'] as readonly unknown[];
    expect(keys.length + (row['keysLeftOut'] as number)).toBe(row['tokens']);
  });

  it('stops a call that its client cancels, reports progress that increases, and answers two clients alike', async () => {
    const other = await connected();
    const given = { text: 'One more sentence of the story. '.repeat(3000), model: BUNDLED };
    const counts: number[] = [];
    const stop = new AbortController();
    const long = client.callTool({ name: 'score_text', arguments: given }, undefined, {
      signal: stop.signal,
      timeout: 200_000,
      onprogress: ({ progress }) => {
        counts.push(progress);
        if (counts.length === 5) stop.abort('enough');
      },
    });
    await expect(long).rejects.toThrow('enough');
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    const same = { text: TEXT, top: 5, model: BUNDLED };
    const [one, two] = await Promise.all([asked('next_tokens', same), asked('next_tokens', same, other)]);
    expect(one).toEqual(two);
    expect(one.failed).toBe(false);
  });
});
