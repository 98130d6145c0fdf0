import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { coveredFamilies } from './familyTable.ts';

test('README lists every family with the options that its golden cases cover', () => {
  const readme = readFileSync('README.md', 'utf8');
  for (const { family, options } of coveredFamilies()) expect(readme).toContain(`| ${family} | ${options.join(', ')} | `);
});
