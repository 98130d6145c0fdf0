import { expect, test } from 'vitest';
import { paragraphAround } from '../../../src/host/editor/paragraph.ts';

const around = (text: string, cursor: number) => {
  const lines = text.split('\n');
  return paragraphAround({ count: lines.length, isBlank: (line) => (lines[line] ?? '').trim() === '' }, cursor);
};

test('a paragraph is the lines around the cursor up to blank ones', () => {
  expect(around('a\n\nb\nc\n \nd', 3)).toEqual([2, 3]);
  expect(around('a\nb', 0)).toEqual([0, 1]);
});

test('from a blank line it is the nearest below, else above', () => {
  expect(around('a\n\nb\nc', 1)).toEqual([2, 3]);
  expect(around('a\nb\n\n', 3)).toEqual([0, 1]);
});

test('a text of white space has none', () => {
  expect(around('', 0)).toBe(null);
  expect(around('  \n\t\n', 1)).toBe(null);
});

test('a document without blank lines is not read as a whole', () => {
  let looked = 0;
  const found = paragraphAround({ count: 10_000_000, isBlank: () => (looked++, false) }, 5_000_000);
  expect(found).toEqual([5_000_000 - 400, 5_000_000 + 400]);
  expect(looked).toBeLessThan(1000);
});
