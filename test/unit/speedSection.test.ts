import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { withoutPlots } from '../../scripts/package.mjs';
import { compares, SPEED, speedSection, withKept, withSpeed, type BenchReport } from '../../scripts/lib/speedSection.mjs';

const model = { model: 'a shape', parameters: 134_515_008 };
const report: BenchReport = {
  machine: { cpu: 'a processor', cores: 2, node: 'v20.1.0' },
  tables: {
    [SPEED.shown]: [
      { ...model, tokens: 16, transformers: 99.96, native: 7.42, WASM: 1040, 'native ratio': 0.0742, 'WASM ratio': 10.4 },
      { ...model, tokens: 4096, transformers: null, native: 23_040, WASM: null, 'native ratio': null, 'WASM ratio': null },
    ],
    [SPEED.memory]: [
      { ...model, tokens: 16, transformers: 1024, native: 512, WASM: 640 },
      { ...model, tokens: 4096, transformers: null, native: 2048, WASM: null },
    ],
    [SPEED.forward]: [{ ...model, tokens: 256, transformers: 800, native: 400, WASM: 1600, 'native ratio': 0.5 }],
    [SPEED.generation]: [{ ...model, tokens: 256, transformers: 10, native: 105, WASM: 4.04, 'native ratio': 10.5 }],
    [SPEED.rate]: [{ ...model, share: 0.698, threads: 2, torch: '2.13', transformers: '5.18' }],
  },
};

it('tells the figures with as many digits as they are worth, and a dash for what did not fit', () => {
  const rows = speedSection(report).split('\n');
  expect(rows[0]).toBe('### How fast');
  expect(rows).toContain('a processor, 2 threads; torch 2.13, transformers 5.18, Node 20.1.0.');
  expect(rows).toContain('| a shape | 16 | 100 ms | 7.4 ms | 0.074x | 1.04 s | 10x | 1.00 GiB | 0.50 GiB | 0.63 GiB |');
  expect(rows).toContain('| a shape | 4,096 | – | 23.0 s | – | – | – | – | 2.00 GiB | – |');
  expect(rows).toContain('| a shape | 135M | 800 ms | 400 ms | 0.50x | 70 % | 10.0 | 105 | 11x | 4.04 |');
});

it('stands between the markers of README.md, whose pictures are there', () => {
  const readme = readFileSync('README.md', 'utf8');
  const page = withSpeed(readme, speedSection(report));
  expect(page).toContain(`\n${speedSection(report)}\n<!-- /speed -->`);
  expect(withSpeed(page, 'x')).toBe(withSpeed(readme, 'x'));
  expect(() => withSpeed('no markers', '')).toThrow(/lacks <!-- speed -->/);
  for (const [, path] of readme.matchAll(/!\[[^\]]*\]\(([^)]+)\)/g)) expect([path, existsSync(path ?? '')]).toEqual([path, true]);
});

it('has no pictures in a package, where the files are not', () => {
  const section = speedSection(report);
  expect(section.match(/media\/plots/g)).toHaveLength(2);
  expect(withoutPlots(section)).not.toContain('![');
  expect(withoutPlots(section)).toContain('grows with the square of the text');
});

it('keeps the figures of models that were not measured anew, unless another machine measured them', () => {
  const of = (name: string, parameters: number, native: number): BenchReport => ({
    ...report,
    tables: Object.fromEntries(
      Object.entries(report.tables).map(([table, rows]) => [table, rows.map((row) => ({ ...row, model: name, parameters, native }))]),
    ),
  });
  const kept = withKept(of('large', 500e6, 1), of('small', 9e6, 2));
  const both = withKept(of('small', 9e6, 3), kept);
  const shown = both.tables[SPEED.shown] ?? [];
  expect(shown.map(({ model: name, tokens, native }) => [name, tokens, native])).toEqual([
    ['small', 16, 3],
    ['small', 4096, 3],
    ['large', 16, 1],
    ['large', 4096, 1],
  ]);
  expect(both.tables[SPEED.forward]).toHaveLength(2);
  expect(speedSection(both)).toContain('| large | 500M |');
  const elsewhere = { ...report, machine: { ...report.machine, cpu: 'another' } };
  expect(withKept(elsewhere, kept)).toBe(elsewhere);
  expect(withKept(report, null)).toBe(report);
});

it('tells how long a model takes to open', () => {
  const opening = [{ ...model, MiB: 1885, reading: 900, native: 2130, ratio: 2.37 }];
  const rows = speedSection({ ...report, tables: { ...report.tables, [SPEED.opening]: opening } }).split('\n');
  expect(rows).toContain('| a shape | 1.84 GiB | 900 ms | 2.13 s | 2.4x |');
});

it('knows a report without transformers', () => {
  expect(compares(report)).toBe(true);
  const alone = (report.tables[SPEED.shown] ?? []).map((row) => ({ ...row, transformers: null }));
  expect(compares({ ...report, tables: { [SPEED.shown]: alone } })).toBe(false);
  expect(compares({ ...report, tables: {} })).toBe(false);
});
