import { expect, test } from 'vitest';
import { countTree, type CountNode } from '../../../src/core/countTree.ts';

/** A tree in short: names with tokens and bytes. */
const inShort = (nodes: readonly CountNode[]): readonly unknown[] =>
  nodes.map(({ name, path, tokens, bytes, children }) => [name, path, tokens, bytes, ...(children === null ? [] : [inShort(children)])]);

test('files are in their folders, which have their sums, the largest first', () => {
  const file = (path: string, tokens: number) => ({ path, tokens, bytes: 10 * tokens });
  expect(inShort(countTree([file('readme.md', 5), file('src/a.ts', 3), file('src/b.ts', 4), file('docs/deep/er/c.md', 1)]))).toEqual([
    [
      'src',
      'src/',
      7,
      70,
      [
        ['b.ts', 'src/b.ts', 4, 40],
        ['a.ts', 'src/a.ts', 3, 30],
      ],
    ],
    ['readme.md', 'readme.md', 5, 50],
    ['docs/deep/er', 'docs/deep/er/', 1, 10, [['c.md', 'docs/deep/er/c.md', 1, 10]]],
  ]);
  expect(countTree([])).toEqual([]);
});
