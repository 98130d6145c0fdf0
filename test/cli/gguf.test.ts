import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runHere } from './commandLine.ts';

const root = join(import.meta.dirname, '..', '..');
const fixtures = join(root, 'test', 'fixtures', 'models', 'ggufChat');
interface Chat {
  readonly text: string;
  readonly prompt: readonly number[];
  readonly answer: readonly number[];
  readonly plain: Readonly<Record<string, readonly number[]>>;
}
const chats = JSON.parse(readFileSync(join(fixtures, 'chats.json'), 'utf8')) as Readonly<Record<string, Chat>>;
let work = '';

const run = async (...args: readonly string[]): Promise<unknown> => JSON.parse((await runHere(args, work)).out) as unknown;

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'gguf-chat-'));
  for (const name of Object.keys(chats))
    writeFileSync(join(work, `${name}.gguf`), gunzipSync(readFileSync(join(fixtures, `${name}.gguf.gz`))));
});
afterAll(() => rmSync(work, { recursive: true }));

describe.each(Object.entries(chats))("a GGUF file of llama.cpp's converter: %s", (name, { text, prompt, answer, plain }) => {
  it('answers as the folder does with transformers: its chat template, its tokens, its weights, and ends where it should', async () => {
    const generated = (await run('generate', '--model', `${name}.gguf`, '--chat', '--text', text, '--greedy', '--tokens', '24')) as {
      readonly prompt: unknown;
      readonly steps: readonly { readonly id: number; readonly stop: string | null }[];
    };
    expect(generated.prompt).toEqual(prompt);
    expect(generated.steps.map((step) => step.id)).toEqual(answer);
    expect(generated.steps.at(-1)?.stop).toBe('eos');
  });

  it('reads a plain text with the same ids, and tells every byte of it', async () => {
    for (const [plainText, ids] of Object.entries(plain)) {
      const { tokens } = (await run('trace', '--model', `${name}.gguf`, '--text', plainText)) as {
        readonly tokens: readonly { readonly id: number; readonly bytes: readonly number[] }[];
      };
      expect(tokens.map((token) => token.id)).toEqual(ids);
      expect(Buffer.from(tokens.flatMap((token) => token.bytes)).toString()).toBe(plainText);
    }
  });
});
