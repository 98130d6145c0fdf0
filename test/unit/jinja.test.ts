import { readFileSync } from 'node:fs';
import { expect, it, test } from 'vitest';
import { chatTemplate, readChatTemplate } from '../../src/model/chat/chatTemplate.ts';
import { filesOf } from './model/folder.ts';

interface Case {
  readonly template: string;
  /** By transformers, for the message "hello". */
  readonly written: string;
}
const CASES = (JSON.parse(readFileSync('test/fixtures/tokenizer/jinja.json', 'utf8')) as readonly Case[]).map(
  (one) => [one.template, one.written] as const,
);

test.each(CASES)('%j writes what Jinja2 writes', (template, written) => {
  expect(chatTemplate(template, {})('hello').text).toBe(written);
});

it('line ends of a template are LF wherever it is kept', async () => {
  const [, written] = CASES.find(([template]) => template.includes('\r\n')) ?? expect.fail('no case');
  const template = CASES.find(([, text]) => text === written)?.[0] ?? '';
  for (const files of [{ 'chat_template.jinja': template }, { 'tokenizer_config.json': JSON.stringify({ chat_template: template }) }]) {
    expect((await readChatTemplate(filesOf(files)))?.('hello').text).toBe(written);
  }
});

it.each([
  ["{{ messages[0].content }}{{ '%d' % 'a' }}", /%d of what is no number/],
  ["{{ messages[0].content }}{{ '%s' % ('a', 'b') }}", /too many values/],
  ['{{ messages[0].content }}{{ 1 % 0 }}', /by 0/],
  ["{{ messages[0].content }}{{ '%2000d' % 1 }}", /too wide/],
])('%j is refused', (template, message) => {
  expect(() => chatTemplate(template, {})('hello')).toThrow(message);
});
