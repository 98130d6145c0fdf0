import { expect, test } from 'vitest';
import { budgeted, filesOf, percentOf } from '../../../src/core/contextBudget.ts';
import { countTree } from '../../../src/core/countTree.ts';

const FILES = [
  { path: 'readme.md', tokens: 5, bytes: 20 },
  { path: 'src/a.ts', tokens: 3, bytes: 10 },
  { path: 'src/b.ts', tokens: 4, bytes: 12 },
];

test('the files of a tree come as it lists them', () => {
  expect(filesOf(countTree(FILES)).map(({ path }) => path)).toEqual(['src/b.ts', 'src/a.ts', 'readme.md']);
  expect(filesOf([])).toEqual([]);
});

test('files that are read together are added up with what the tokenizer puts around them, once', () => {
  expect(budgeted(FILES, { tokens: 9, added: 1 }).map(({ sum, fits }) => [sum, fits])).toEqual([
    [6, true],
    [9, true],
    [13, false],
  ]);
});

test('shares of a context are as exact as they are of use', () => {
  expect([3, 317, 3140, 38_000, 340_000].map((tokens) => percentOf(tokens, 100_000, 'en'))).toEqual(['0.003', '0.3', '3.1', '38', '340']);
});
