// Measures the times that users wait, prints tables and writes artifacts/bench.json: `npm run bench [part]`, a part being the beginning of
// the name of a file in test/bench, such as engine, panel, compare, cancel, answers, wholeFile, typing or attention.
// `npm run bench compare GPT-2`: only what is named so, here a model; the other models' figures in README.md stay.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { installLocked } from './lib/install.mjs';
import { ARTIFACTS, ROOT } from './lib/paths.mjs';
import { printTables } from './lib/tables.mjs';

const [part = '', named] = process.argv.slice(2);
/** A real VS Code, or its browser, is needed for some parts alone. */
const inEditor = part === '' || ['attention', 'page', 'panel', 'panelFirst', 'typing'].some((name) => name.startsWith(part));
const rows = join(ARTIFACTS, 'bench.jsonl');
const node = (/** @type {string[]} */ ...args) => {
  const { status } = spawnSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
};

const [load = 0] = loadavg();
if (load > 1) console.log(`This machine is busy (load ${load.toFixed(1)}): times, and ratios too, are not those of a quiet one.`);
installLocked(join(ROOT, 'test/native'));
if (inEditor) node('scripts/setup-vscode.mjs');
node('esbuild.mjs', '--minify');
if (inEditor) node('scripts/package.mjs');
mkdirSync(ARTIFACTS, { recursive: true });
rmSync(rows, { force: true });
const only = named === undefined ? [] : ['-t', named];
/** What is measured in this process computes with the memory of the product's own, see `allocatorOf` in src/worker/port.node.ts. */
const { always, native } = JSON.parse(readFileSync(join(ROOT, 'src/worker/glibc.json'), 'utf8'));
const { status } = spawnSync(join(ROOT, 'node_modules/.bin/vitest'), ['run', '--project', 'bench', part, ...only], {
  cwd: ROOT,
  env: { ...always, ...native, ...process.env },
  stdio: 'inherit',
});

const report = printTables(rows);
writeFileSync(join(ARTIFACTS, 'bench.json'), JSON.stringify(report, null, 2));
if (status === 0 && 'compare'.startsWith(part)) node('scripts/speed.mjs');
process.exitCode = status ?? 1;
