// Soak test of half an hour: explanations, cancels and kills, fuzzed files, downloads from a hub that lies, in two processes and onto a
// full disk, and long texts. Prints tables, the last of which counts the failures of each kind, and writes artifacts/soak.json.
// `SOAK_SHARE=0.1 npm run soak` does a tenth of everything.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installLocked } from './lib/install.mjs';
import { ARTIFACTS, ROOT } from './lib/paths.mjs';
import { printTables } from './lib/tables.mjs';

const rows = join(ARTIFACTS, 'bench.jsonl');
installLocked(join(ROOT, 'test/native'));
const built = spawnSync(process.execPath, ['esbuild.mjs', '--minify'], { cwd: ROOT, stdio: 'inherit' });
if (built.status !== 0) process.exit(built.status ?? 1);
mkdirSync(ARTIFACTS, { recursive: true });
rmSync(rows, { force: true });
const { status } = spawnSync(join(ROOT, 'node_modules/.bin/vitest'), ['run', '--project', 'soak'], { cwd: ROOT, stdio: 'inherit' });
const report = printTables(rows);
const summary = Object.entries(report.tables).map(([name, kind]) => ({
  what: name.replace('soak: ', ''),
  count: sum(kind, 'count'),
  'did not hold': sum(kind, 'did not hold'),
}));
console.log('\nall of it');
console.table(summary);
writeFileSync(join(ARTIFACTS, 'soak.json'), JSON.stringify({ ...report, summary }, null, 2));
process.exitCode = status ?? 1;

/** @param {readonly object[]} table @param {string} column */
function sum(table, column) {
  return table.reduce((before, row) => before + Number(/** @type {Record<string, unknown>} */ (row)[column] ?? 0), 0);
}
