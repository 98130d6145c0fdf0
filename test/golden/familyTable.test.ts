import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { coveredFamilies } from './familyTable.ts';

/** What the tests let through, in the table's order of columns. */
const TOLERANCES = [2e-5, 2e-5, 1e-4, 2e-5, 1e-4];

test('README lists every family with the options that its golden cases cover, and the worst differences found', () => {
  const readme = readFileSync('README.md', 'utf8');
  const lines = readme.split('\n');
  for (const { family, options } of coveredFamilies()) {
    const start = `| ${family} | ${options.join(', ')} | `;
    const cells =
      lines
        .find((line) => line.startsWith(start))
        ?.slice(start.length, -2)
        .split(' | ') ?? [];
    expect(cells, family).toHaveLength(TOLERANCES.length);
    // Interventions are compared for families that differ in what matters to them.
    for (const [index, cell] of cells.entries())
      if (index !== 3 || cell !== '–') expect(Number(cell), `${family}: ${cell}`).toBeLessThanOrEqual(TOLERANCES[index] ?? 0);
  }
});
