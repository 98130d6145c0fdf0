import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { terminalText } from '../../src/cli/output.ts';

const root = join(import.meta.dirname, '..', '..');
const bundled = join(root, 'media', 'models', 'explain-tokens-9m');
/** A title, the clipboard, a colour by one character of C1, a turn of the direction. */
const ACTS = '\u001b]0;title\u0007\u001b]52;c;eA==\u0007\u009b31m\u202eabc\u2066';
const ACTIVE = /(?![\n\t])[\p{Cc}\u202a-\u202e\u2066-\u2069\u2028\u2029]/u;
/** Standard output as a terminal says it is one; its bytes still come to the test. */
const AS_TERMINAL = ['--import', 'data:text/javascript,process.stdout.isTTY=true;process.stderr.isTTY=true'];
let work = '';

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'explain-tokens-terminal-'));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

function run(
  terminal: boolean,
  ...args: readonly string[]
): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...(terminal ? AS_TERMINAL : []), join(root, 'dist', 'cli.js'), ...args], { cwd: work });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('close', (code) => resolve({ code, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() }));
  });
}

/** The bundled model, with a file of it changed. */
function variant(name: string, file: string, change: (json: Record<string, unknown>) => unknown): string {
  const path = join(work, name);
  cpSync(bundled, path, { recursive: true });
  writeFileSync(join(path, file), JSON.stringify(change(JSON.parse(readFileSync(join(bundled, file), 'utf8')) as Record<string, unknown>)));
  return path;
}

it('text for a terminal shows what would act there, and JSON stays equal', () => {
  expect(terminalText(ACTS)).not.toMatch(ACTIVE);
  expect(terminalText('a\u001b[2J\rb\u202e')).toBe(String.raw`a\u001b[2J\u000db\u202e`);
  expect(terminalText('你好\tمرحبا 👩‍👩‍👧‍👦\n')).toBe('你好\tمرحبا 👩‍👩‍👧‍👦\n');
  const json = JSON.stringify({ text: `${ACTS}\u{e0041}\u0085` });
  expect(JSON.parse(terminalText(json))).toEqual(JSON.parse(json));
  expect(terminalText(json)).not.toBe(json);
});

describe.each([true, false])('what a stranger writes, on a terminal: %s', (terminal) => {
  it('never acts by a message', async () => {
    const messages = [
      await run(
        terminal,
        'trace',
        '--text',
        'a',
        '--model',
        variant(`type${terminal}`, 'config.json', (json) => ({ ...json, model_type: ACTS })),
      ),
      await run(
        terminal,
        'trace',
        '--text',
        'a',
        '--model',
        variant(`processor${terminal}`, 'tokenizer.json', (json) => ({ ...json, post_processor: { type: ACTS } })),
      ),
      await run(
        terminal,
        'trace',
        '--text',
        'a',
        '--chat',
        '--model',
        variant(`chat${terminal}`, 'tokenizer_config.json', (json) => ({
          ...json,
          chat_template: `{{ raise_exception(${JSON.stringify(ACTS)}) }}`,
        })),
      ),
      await run(terminal, 'trace', '--text', 'a', '--model', join(work, `missing ${ACTS.replace('/', '')}`)),
      await run(terminal, 'trace', '--file', ACTS),
      await run(terminal, `--${ACTS}`),
    ];
    for (const { code, out, err } of messages) {
      expect(code).not.toBe(0);
      expect(out).toBe('');
      expect(err).toMatch(/^explain-tokens: [^\n]+\n$/);
      expect(err).not.toMatch(ACTIVE);
    }
    expect(messages.filter(({ err }) => /title/.test(err)).length).toBeGreaterThan(3);
  });

  it('is exact in a pipe and seen on a terminal, where the model generates it', async () => {
    const json = JSON.parse((await run(false, 'generate', '--text', 'One day', '--greedy', '--tokens', '3', '--format', 'json')).out) as {
      steps: { id: number }[];
    };
    const first = json.steps[0]?.id ?? expect.fail('nothing was generated');
    const path = variant(`generates${terminal}`, 'tokenizer.json', (tokenizer) => ({
      ...tokenizer,
      added_tokens: [
        ...(tokenizer['added_tokens'] as unknown[]),
        { id: first, content: ACTS, special: false, single_word: false, lstrip: false, rstrip: false, normalized: false },
      ],
    }));
    const { code, out, err } = await run(
      terminal,
      'generate',
      '--text',
      'One day',
      '--greedy',
      '--tokens',
      '3',
      '--format',
      'text',
      '--model',
      path,
    );
    expect([code, err.split('\n').length]).toEqual([0, 2]);
    expect(out.includes(ACTS)).toBe(!terminal);
    expect(out.includes(terminalText(ACTS))).toBe(terminal);
    if (terminal) expect(out).not.toMatch(ACTIVE);
  });

  it('is exact in a file, JSON or text', async () => {
    const { code, out } = await run(terminal, 'trace', '--text', ACTS, '--top', '1', '--output', `trace${terminal}.json`);
    expect([code, out]).toEqual([0, '']);
    const read = (text: string): string =>
      (JSON.parse(text) as { tokens: { bytes: number[] }[] }).tokens
        .flatMap(({ bytes }) => bytes)
        .map((byte) => String.fromCharCode(byte))
        .join('');
    expect(Buffer.from(read(readFileSync(join(work, `trace${terminal}.json`), 'utf8')), 'latin1').toString()).toContain(ACTS);
    const shown = await run(terminal, 'trace', '--text', ACTS, '--top', '1');
    expect(Buffer.from(read(shown.out), 'latin1').toString()).toContain(ACTS);
    if (terminal) expect(shown.out).not.toMatch(ACTIVE);
  });
});
