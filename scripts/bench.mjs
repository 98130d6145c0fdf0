// Measures what users wait for, prints tables and writes artifacts/bench.json. `npm run bench [engine|panel]`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { installLocked } from './lib/install.mjs';
import { ARTIFACTS, ROOT } from './lib/paths.mjs';

const [part = ''] = process.argv.slice(2);
const rows = join(ARTIFACTS, 'bench.jsonl');
const node = (/** @type {string[]} */ ...args) => {
  const { status } = spawnSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
};

installLocked(join(ROOT, 'test/native'));
if (part !== 'engine') node('scripts/setup-vscode.mjs');
node('esbuild.mjs', '--minify');
if (part !== 'engine') node('scripts/package.mjs');
mkdirSync(ARTIFACTS, { recursive: true });
rmSync(rows, { force: true });
const { status } = spawnSync(join(ROOT, 'node_modules/.bin/vitest'), ['run', '--project', 'bench', part], { cwd: ROOT, stdio: 'inherit' });

const measured = existsSync(rows) ? readFileSync(rows, 'utf8').trim().split('\n').map((line) => JSON.parse(line)) : [];
/** @type {Record<string, object[]>} */
const tables = {};
for (const { table, row } of measured) (tables[table] ??= []).push(Object.fromEntries(Object.entries(row).map(([key, value]) => [key, typeof value === 'number' ? Number(value.toFixed(1)) : value])));
const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version };
console.log(`\n${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; medians`);
for (const [name, table] of Object.entries(tables)) {
  console.log(`\n${name}`);
  console.table(table);
}
writeFileSync(join(ARTIFACTS, 'bench.json'), JSON.stringify({ machine, tables }, null, 2));
process.exitCode = status ?? 1;
