import { expect, it } from 'vitest';
import {
  choiceArgument,
  flagArgument,
  optionalText,
  readArguments,
  schemaOf,
  textArgument,
  wholeArgument,
} from '../../../src/agents/toolArguments.ts';

const SHAPE = {
  text: textArgument('A text.', 10),
  other: optionalText('Another.', 10),
  by: choiceArgument('A unit.', ['token', 'word'], 'token'),
  top: wholeArgument('How many.', 1, 50, 10),
  layer: wholeArgument('Which.', 0, 5, null),
  chat: flagArgument('As a chat.'),
};

it('reads what is given, and stands in for what is left out or null', () => {
  const left = { text: 'a', other: null, by: 'token', top: 10, layer: null, chat: false };
  expect(readArguments(SHAPE, { text: 'a' })).toEqual(left);
  expect(readArguments(SHAPE, { text: 'a', other: null, by: null, top: null, layer: null, chat: null })).toEqual(left);
  const all = { text: 'a', other: 'b', by: 'word', top: 1, layer: 5, chat: true };
  expect(readArguments(SHAPE, all)).toEqual(all);
});

it.each([
  [undefined, 'text is missing.'],
  [[], 'The arguments are an object with a member for each.'],
  [{ text: '' }, 'text is empty.'],
  [{ text: 'a', other: '' }, 'other is empty.'],
  [{ text: ['a'] }, 'text is a text, not ["a"].'],
  [{ text: 'a', by: 'line' }, 'by is one of token, word, not "line".'],
  [{ text: 'a', top: 1.5 }, 'top is a whole number from 1 to 50, not 1.5.'],
  [{ text: 'a', top: '5' }, 'top is a whole number from 1 to 50, not "5".'],
  [{ text: 'a', layer: -1 }, 'layer is a whole number from 0 to 5, not -1.'],
  [{ text: 'a', chat: 'yes' }, 'chat is true or false, not "yes".'],
  [
    JSON.parse('{"text":"a","__proto__":{"x":1}}') as unknown,
    'There is no argument "__proto__"; there are text, other, by, top, layer, chat.',
  ],
  [{ text: 'a', by: { long: 'x'.repeat(1000) } }, /^by is one of token, word, not .{59}…\.$/],
])('refuses %j in a sentence', (given, sentence) => {
  expect(() => readArguments(SHAPE, given)).toThrow(sentence);
});

it('tells agents the same in JSON Schema', () => {
  expect(schemaOf(SHAPE)).toEqual({
    type: 'object',
    properties: {
      text: { type: 'string', minLength: 1, maxLength: 10, description: 'A text.' },
      other: { type: 'string', minLength: 1, maxLength: 10, description: 'Another.' },
      by: { type: 'string', enum: ['token', 'word'], default: 'token', description: 'A unit.' },
      top: { type: 'integer', minimum: 1, maximum: 50, default: 10, description: 'How many.' },
      layer: { type: 'integer', minimum: 0, maximum: 5, description: 'Which.' },
      chat: { type: 'boolean', default: false, description: 'As a chat.' },
    },
    required: ['text'],
    additionalProperties: false,
  });
});
