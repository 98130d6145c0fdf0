// Everything that must hold: types, lint, and every test, the real VS Code included. Closes with `N passed, N failed`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installLocked } from './lib/install.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = join(root, 'node_modules', '.bin');
const artifacts = join(root, 'artifacts');
let passed = 0;
let failed = 0;

function run(title, command, args) {
  console.log(`\n> ${title}`);
  return spawnSync(command, args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' }).status === 0;
}

/** A step that counts as one test. */
function check(title, command, args) {
  if (run(title, command, args)) passed++;
  else {
    failed++;
    console.error(`FAILED: ${title}`);
  }
}

/** A vitest project: every test counts; a runner that ends without a report counts as one failure. */
function tests(project) {
  const report = join(artifacts, `${project}.json`);
  rmSync(report, { force: true });
  const clean = run(`tests: ${project}`, join(bin, 'vitest'), ['run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]);
  if (!existsSync(report)) {
    failed++;
    return;
  }
  const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(report, 'utf8'));
  passed += numPassedTests;
  failed += numFailedTests;
  // A suite that cannot even be collected has no failed tests of its own; a skipped test proves nothing.
  if (!clean && numFailedTests === 0) failed++;
  if (numPendingTests > 0) {
    console.error(`${numPendingTests} tests were skipped.`);
    failed += numPendingTests;
  }
}

mkdirSync(artifacts, { recursive: true });
installLocked(join(root, 'test', 'native'));
check('types', join(bin, 'tsc'), ['-p', '.']);
check('lint', join(bin, 'oxlint'), ['--type-aware', 'src', 'webview', 'test', 'scripts', 'esbuild.mjs', 'vitest.config.ts']);
check('build', process.execPath, ['esbuild.mjs', '--minify']);
check('development VS Code', process.execPath, ['scripts/setup-vscode.mjs']);
check('package', process.execPath, ['scripts/package.mjs']);
tests('code');
tests('product');

console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
