// Builds, packages and runs the end-to-end tests: `npm run test:e2e [-- FILE…]`, with files such as test/e2e/explain.test.ts; with
// `--recording` it records README's moving picture instead: `npm run recording`.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { installLocked } from './lib/install.mjs';
import { ROOT } from './lib/paths.mjs';
import { requireLinux } from './lib/systems.mjs';

function run(command, args) {
  const { status } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

requireLinux('npm run test:e2e');
installLocked(join(ROOT, 'test', 'native'));
run(process.execPath, ['esbuild.mjs', '--minify']);
run(process.execPath, ['scripts/setup-vscode.mjs']);
run(process.execPath, ['scripts/package.mjs']);
const args = process.argv.slice(2);
const project = args[0] === '--recording' ? ['recording', ...args.slice(1)] : ['product', ...args];
run(join(ROOT, 'node_modules', '.bin', 'vitest'), ['run', '--project', ...project]);
