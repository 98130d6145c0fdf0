import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { ignoredBy } from '../../../src/host/counts/ignoreFiles.ts';

const RULES = {
  '': '# built\n/dist\n*.log\n!keep.log\nbuild/\ndocs/**/draft.*\n\\#odd\nTrailing\\ \n',
  'src/': '*.gen.ts\n!important.log\n/only-here.txt\n',
  'src/deep/': '!*.gen.ts\n*\n!*.md\n!*/\n',
  'dist/': '!a.js\n',
  '词/': '草稿*\n',
};
const PATHS = [
  'dist/a.js',
  'a.log',
  'keep.log',
  'src/b.log',
  'src/important.log',
  'src/x.gen.ts',
  'src/x.ts',
  'src/only-here.txt',
  'src/deep/only-here.txt',
  'src/deep/y.gen.ts',
  'src/deep/notes.md',
  'src/deep/inner/notes.md',
  'src/deep/inner/z.txt',
  'src/build/x.ts',
  'build.md',
  'docs/draft.md',
  'docs/a/b/draft.txt',
  'docs/a/b/final.txt',
  '#odd',
  'Trailing ',
  'DIST/a.js',
  'A.LOG',
  '词/草稿1.md',
  '词/终稿.md',
];

test('files are ignored as Git ignores them', () => {
  const root = mkdtempSync(join(tmpdir(), 'explain-tokens-ignore-'));
  try {
    const write = (path: string, text: string): void => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    };
    for (const path of PATHS) write(path, '');
    for (const [folder, text] of Object.entries(RULES)) write(`${folder}.gitignore`, text);
    execFileSync('git', ['init', '-q'], { cwd: root });
    const left = execFileSync('git', ['-c', 'core.ignorecase=false', 'ls-files', '-z', '--others', '--exclude-standard'], { cwd: root })
      .toString()
      .split('\0');
    const isIgnored = ignoredBy(new Map(Object.entries(RULES)));
    for (const path of PATHS) expect(isIgnored(path), path).toBe(!left.includes(path));
    expect(PATHS.filter(isIgnored).length).toBeGreaterThan(8);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

test('without rules nothing is', () => {
  expect(ignoredBy(new Map())('a/b.log')).toBe(false);
});
