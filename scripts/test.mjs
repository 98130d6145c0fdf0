// All checks: formatting, types, lint and tests, including those in a real VS Code. Ends with `N passed, N failed`. With `--all`, which is
// `npm run test:all`, every case of what `npm test` tries on the first of several, and the tests that it leaves out: see vitest.config.ts.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installLocked } from './lib/install.mjs';
import { requireLinux } from './lib/systems.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = join(root, 'node_modules', '.bin');
const artifacts = join(root, 'artifacts');
const env = process.argv.includes('--all') ? process.env : { ...process.env, TEST_FIRST: '1' };
let passed = 0;
let failed = 0;
/** Failures, repeated at the end of the log, where people look first. */
const failures = [];

function run(title, command, args) {
  console.log(`\n> ${title}`);
  return spawnSync(command, args, { cwd: root, env, stdio: 'inherit' }).status === 0;
}

function count(title, succeeded) {
  if (succeeded) passed++;
  else {
    failed++;
    failures.push(title);
  }
}

/** Runs a command that counts as one test. */
function check(title, command, args) {
  count(title, run(title, command, args));
}

/** The same beside what follows; the result tells when it has ended. */
function checkBeside(title, command, args) {
  console.log(`\n> ${title}`);
  const ended = once(spawn(command, args, { cwd: root, stdio: 'inherit' }), 'exit');
  return ended.then(
    ([code]) => count(title, code === 0),
    () => count(title, false),
  );
}

/** Runs a vitest project. Each of its tests counts; a runner that ends without a report counts as one failure. */
function tests(project) {
  const report = join(artifacts, `${project}.json`);
  rmSync(report, { force: true });
  const clean = run(`tests: ${project}`, join(bin, 'vitest'), [
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ]);
  if (!existsSync(report)) {
    failed++;
    failures.push(`${project}: ended without a report`);
    return;
  }
  const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
  passed += numPassedTests;
  failed += numFailedTests;
  for (const { name, status, message, assertionResults } of testResults) {
    if (status !== 'failed') continue;
    const broken = assertionResults.filter((result) => result.status === 'failed');
    if (broken.length === 0) failures.push(`${relative(root, name)}: ${message}`);
    for (const { fullName, failureMessages } of broken)
      failures.push(`${relative(root, name)}: ${fullName}\n${failureMessages.join('\n')}`);
  }
  // A suite that cannot even be collected has no failed tests of its own. A skipped test counts as failed, since it proves nothing.
  if (!clean && numFailedTests === 0) {
    failed++;
    failures.push(`${project}: ended badly though no test failed`);
  }
  if (numPendingTests > 0) {
    console.error(`${numPendingTests} tests were skipped.`);
    failed += numPendingTests;
  }
}

requireLinux('npm test');
mkdirSync(artifacts, { recursive: true });
// It waits for the disk and the network, the checks for the processor.
const vscode = checkBeside('development VS Code', process.execPath, ['scripts/setup-vscode.mjs']);
installLocked(join(root, 'test', 'native'));
const checked = [
  checkBeside('formatting', join(bin, 'prettier'), ['--check', '.']),
  checkBeside('types', join(bin, 'tsc'), ['-p', '.']),
  checkBeside('lint', join(bin, 'oxlint'), ['--type-aware', 'src', 'webview', 'test', 'scripts', 'esbuild.mjs', 'vitest.config.ts']),
];
await Promise.all(checked);
check('build', process.execPath, ['esbuild.mjs', '--minify']);
await vscode;
check('package', process.execPath, ['scripts/package.mjs', '--all']);
tests('code');
tests('product');

for (const failure of failures) console.error(`\nFAILED ${failure}`);
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
