import { expect, test } from 'vitest';
import { steerBy, steerOptions } from '../../../src/cli/steerOptions.ts';

const made = { output: 'a.gguf' };

test('what a vector is made of: texts of two sides, or tokens', () => {
  expect(steerOptions({ ...made, 'positive-text': ['a', 'b'], 'negative-file': 'c', layers: '4, 2,4' })).toMatchObject({
    source: {
      kind: 'texts',
      positive: { kind: 'texts', texts: ['a', 'b'] },
      negative: { kind: 'file', path: 'c', option: 'negative-file' },
      read: 'last',
    },
    layers: [2, 4],
    name: '',
  });
  expect(steerOptions({ ...made, token: '5', file: 'c' })).toMatchObject({
    source: { kind: 'tokens', token: '5', rival: null, text: { path: 'c', option: 'file' } },
    layers: null,
  });
});

test.each([
  [{ 'positive-text': ['a'] }, 'One of --negative-text and --negative-file is needed.'],
  [{ 'positive-text': ['a'], 'positive-file': 'b' }, 'One of --positive-text and --positive-file is needed, not both of them.'],
  [{ 'positive-text': [''], 'negative-text': ['b'] }, '--positive-text is empty.'],
  [{ 'positive-text': ['a'], 'negative-file': '' }, '--negative-file names no file.'],
  [{ 'positive-text': ['a'], 'negative-text': ['b'], rival: '5' }, '--rival goes with --token'],
  [
    { 'positive-text': ['a'], 'negative-text': ['b'], layers: '1-3' },
    '--layers are numbers with commas between, or all; "1-3" is not one.',
  ],
  [{ 'positive-text': ['a'], 'negative-text': ['b'], read: 'first' }, '--read is one of last, mean, not "first".'],
  [{ token: 'a', 'positive-text': ['b'] }, '--token makes the vector of tokens: --positive-text does not go with it.'],
  [{ token: 'a' }, 'One of --text and --file is needed.'],
  [{ token: '', text: 'a' }, '--token names no token.'],
])('says of %j what is wrong', (values, sentence) => {
  expect(() => steerOptions({ ...made, ...values })).toThrow(sentence);
});

test('a control vector is added so many times, to the tokens that are meant', () => {
  expect(steerBy({})).toBe(null);
  expect(steerBy({ steer: 'a.gguf' })).toEqual({ path: 'a.gguf', strength: 1, on: 'all' });
  expect(steerBy({ steer: 'a.gguf', strength: '-.5e1', 'steer-on': 'prompt' })).toEqual({ path: 'a.gguf', strength: -5, on: 'prompt' });
  expect(() => steerBy({ strength: '1' })).toThrow('--strength goes with --steer.');
  expect(() => steerBy({ steer: '' })).toThrow('--steer names no file.');
  expect(() => steerBy({ steer: 'a', strength: 'much' })).toThrow('--strength is a number from -1000000 to 1000000, not "much".');
  expect(() => steerBy({ steer: 'a', 'steer-on': 'none' })).toThrow('--steer-on is one of all, prompt, generated, not "none".');
});
