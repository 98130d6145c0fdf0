import { expect, it } from 'vitest';
import { NoMemoryError, UserError, userSentence } from '../../../src/core/errors.ts';
import { english, msg, translated, type Translate } from '../../../src/core/translatable.ts';

const german: Readonly<Record<string, string>> = { '{0} holds {1}.': 'In {0}: {1}.', '{0} tokens': '{0} Token' };
const translate: Translate = (text, ...values) => english(german[text] ?? text, ...values);

it('a sentence is said in English, and in another language with its parts translated', () => {
  const sentence = msg`${'a.gguf'} holds ${msg`${3} tokens`}.`;
  expect(translated(sentence, english)).toBe('a.gguf holds 3 tokens.');
  expect(translated(sentence, translate)).toBe('In a.gguf: 3 Token.');
});

it('what looks like a place in a value stays as it is', () => {
  expect(translated(msg`${'{1}'} holds ${'{0} $&'}.`, translate)).toBe('In {1}: {0} $&.');
  expect(translated(msg`line "${'a\nb'}" and \`ticks\``, translate)).toBe('line "a\nb" and `ticks`');
});

it('an error has its English sentence as message, and says it in the user’s language', () => {
  const error = new NoMemoryError(msg`${'a.gguf'} holds ${'b'}.`);
  expect(error.message).toBe('a.gguf holds b.');
  expect(userSentence(error, translate)).toBe('In a.gguf: b.');
  expect(userSentence(new UserError('Schon übersetzt.'), translate)).toBe('Schon übersetzt.');
});
