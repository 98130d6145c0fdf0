import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { UserError } from '../../src/core/errors.ts';
import type { TokenizedText } from '../../src/core/trace.ts';
import { chatTemplate, readChatTemplate, type ChatTemplate } from '../../src/model/chat/chatTemplate.ts';
import { openTokenizer, type TextTokenizer } from '../../src/model/tokenizer/textTokenizer.ts';
import { memoryFiles } from '../../src/worker/files.memory.ts';

type Json = Record<string, unknown>;
interface Chat {
  readonly kind: string;
  readonly added_tokens: readonly unknown[];
  readonly config: Json;
  readonly texts: readonly string[];
  readonly ids: readonly (readonly number[])[];
}

const read = (name: string): unknown =>
  JSON.parse(gunzipSync(readFileSync(new URL(`../fixtures/tokenizer/${name}`, import.meta.url))).toString('utf8'));
const kinds = read('kinds.json.gz') as { readonly tokenizers: Readonly<Record<string, Json>> };
const { lines, chats } = read('chats.json.gz') as { readonly lines: readonly string[]; readonly chats: Readonly<Record<string, Chat>> };

const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
const filesOf = (chat: Chat): ReturnType<typeof memoryFiles> =>
  memoryFiles('chat', {
    'tokenizer.json': bytes({ ...kinds.tokenizers[chat.kind], added_tokens: chat.added_tokens }),
    'tokenizer_config.json': bytes(chat.config),
  });
const specials = ({ tokens }: TokenizedText): number => tokens.filter((token) => token.special).length;
const own = ({ tokens }: TokenizedText): TokenizedText['tokens'] => tokens.filter((token) => !token.special);
const chatOf = (name: string): Chat => chats[name] ?? expect.fail(name);

describe.each(Object.keys(chats))('%s against apply_chat_template of transformers', (name) => {
  const chat = chatOf(name);
  let tokenizer: TextTokenizer;
  let template: ChatTemplate;
  beforeAll(async () => {
    tokenizer = await openTokenizer(filesOf(chat), 2000);
    template = (await readChatTemplate(filesOf(chat))) ?? expect.fail('no template');
  });

  it('writes the same text, in which the message lies where it says', () => {
    expect(tokenizer.hasChat).toBe(true);
    lines.forEach((line, i) => {
      const { text, start, end, skipped } = template(line);
      expect(text).toBe(chat.texts[i]);
      expect(text.slice(start, end)).toBe(line.slice(skipped, skipped + end - start));
    });
  });

  it('gives the same ids; the message’s tokens spell the message, the template’s are special and hold nothing', () => {
    lines.forEach((line, i) => {
      if (template(line).start === template(line).end) return;
      let chatted: TokenizedText;
      try {
        chatted = tokenizer.encodeChat(line);
      } catch (error) {
        // White space and its mark alone, and what its rules read as such, which this tokenizer drops.
        expect([
          name,
          Array.from(line)
            .filter((character) => /[^\p{C}\s▁]/u.test(character))
            .join(''),
        ]).toEqual(['plain_unigram', '']);
        expect(error).toBeInstanceOf(UserError);
        return;
      }
      expect([...chatted.ids], JSON.stringify(line)).toEqual(chat.ids[i]);
      expect(Buffer.from(own(chatted).flatMap((token) => [...token.bytes])).toString()).toBe(line);
      for (const token of chatted.tokens)
        if (token.special)
          expect([token.bytes.length, token.start === token.end, token.start === 0 || token.start === line.length]).toEqual([
            0,
            true,
            true,
          ]);
    });
  });

  it('keeps the template whole when a long message is cut', () => {
    const long = 'The quick brown fox jumps over the lazy dog. '.repeat(60).trim();
    const whole = tokenizer.encodeChat(long);
    const { tokenized, length } = tokenizer.encodeChatFirst(long, 100);
    expect(tokenized.tokens.length).toBeLessThanOrEqual(100);
    expect(tokenized.tokens.length).toBeGreaterThan(95);
    expect(specials(tokenized)).toBe(specials(whole));
    expect(Buffer.from(own(tokenized).flatMap((token) => [...token.bytes])).toString()).toBe(long.slice(0, length));
    expect(tokenizer.encodeChatFirst('short', 100)).toEqual({ tokenized: tokenizer.encodeChat('short'), length: 5 });
    expect(() => tokenizer.encodeChatFirst(long, 3)).toThrow(UserError);
  });
});

it('a token on the border of template and message is the message’s, with its part of the bytes', async () => {
  const tokenizer = await openTokenizer(filesOf(chatOf('plain')), 2000);
  const [first] = own(tokenizer.encodeChat('the fox'));
  expect(first).toMatchObject({ start: 0, end: 3, text: 'the', special: false });
  expect(tokenizer.piece(first?.id ?? 0)).toBe(' the');
});

const render = async (files: Record<string, unknown>): Promise<string | null> =>
  (await readChatTemplate(memoryFiles('m', Object.fromEntries(Object.entries(files).map(([name, value]) => [name, bytes(value)])))))?.('hi')
    .text ?? null;

describe('where the template is', () => {
  it('chat_template.jinja, then tokenizer_config.json: a text, or the default of a list', async () => {
    const named = [
      { name: 'tool_use', template: 'T{{ messages[0].content }}' },
      { name: 'default', template: 'D{{ messages[0].content }}' },
    ];
    expect(await render({ 'chat_template.jinja': 'J{{ messages[0].content }}', 'tokenizer_config.json': { chat_template: 'C' } })).toBe(
      'Jhi',
    );
    expect(
      await render({
        'tokenizer_config.json': { chat_template: 'C{{ bos_token }}{{ messages[0].content }}', bos_token: { content: '<s>' } },
      }),
    ).toBe('C<s>hi');
    expect(await render({ 'tokenizer_config.json': { chat_template: named } })).toBe('Dhi');
    expect(await render({ 'tokenizer_config.json': {} })).toBe(null);
    expect(await render({})).toBe(null);
  });

  it('a broken tokenizer_config.json is told when the tokenizer is opened: it names tokens', async () => {
    const files = memoryFiles('m', { 'tokenizer.json': bytes(kinds.tokenizers['gpt_neox']), 'tokenizer_config.json': bytes('{') });
    await expect(openTokenizer(files, 2000)).rejects.toThrow(/tokenizer_config\.json/);
  });

  it('a model without one says so', async () => {
    const tokenizer = await openTokenizer(memoryFiles('m', { 'tokenizer.json': bytes(kinds.tokenizers['gpt_neox']) }), 2000);
    expect(tokenizer.hasChat).toBe(false);
    expect(() => tokenizer.encodeChat('a')).toThrow(UserError);
  });
});

describe('templates that cannot be used', () => {
  it.each<[string, string, RegExp]>([
    ['broken syntax', '{% for %}', /cannot be used/],
    ['an error of its own', "{{ raise_exception('no users') }}", /no users/],
    ['no message', 'hello', /exactly once/],
    ['the message twice', '{{ messages[0].content }}{{ messages[0].content }}', /exactly once/],
    ['a changed message', '{{ messages[0].content | upper }}', /changes the text/],
    ['a message cut', "{{ messages[0].content.split('x')[0] }}", /changes the text/],
    ['too long a loop', '{% for i in range(1000000000) %}x{% endfor %}', /range is too long/],
    [
      'too much text',
      "{% for i in range(9999) %}{{ 'x' * 1 }}" + 'y'.repeat(200) + '{% endfor %}{{ messages[0].content }}',
      /too much text|cannot be used/,
    ],
    ['too large', ' '.repeat(300_000), /too large/],
  ])('%s', (_, source, message) => {
    const render = (): unknown => chatTemplate(source, {})('axb');
    expect(render).toThrow(UserError);
    expect(render).toThrow(message);
  });
});
