// Installs the development VS Code (test/vscode) once, from npm packages and without compiling anything.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureBrowser } from './lib/browser.mjs';
import { SERVER_NODE, VSCODE, VSCODE_FOLDER } from './lib/paths.mjs';

const STAND_INS = join(VSCODE_FOLDER, 'stand-ins');
const STAMP = join(VSCODE_FOLDER, 'node_modules/.explain-tokens');
/** Parts of VS Code that are removed because nothing here uses them (180 MB). */
const UNUSED = ['@github/copilot-sdk-linux-x64', '@github/copilot-sdk-linux-arm64', '@microsoft/mxc-sdk'];

/** Installs VS Code, its Node and vsce into test/vscode, unless they already match the lockfile. */
export function setupVSCode(say = console.log) {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
    throw new Error(
      `The development VS Code runs on Linux (x64, arm64), not on ${process.platform} ${process.arch}: install VS Code, so that ` +
        `"code" is on the PATH.`,
    );
  }
  const wanted = fingerprint();
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return;
  say('Installing the development VS Code (once, about a minute)');
  npm(['ci', '--ignore-scripts', '--omit=dev'], VSCODE_FOLDER);
  if (!existsSync(SERVER_NODE))
    throw new Error(`npm did not install node-linux-${process.arch}, which VS Code needs: run npm without --omit=optional.`);
  // `npm ci` would fail: the shrinkwrap that code-server ships lacks one package.
  npm(['install', '--ignore-scripts', '--omit=dev'], VSCODE);
  for (const name of UNUSED) rmSync(join(VSCODE, 'node_modules', name), { recursive: true, force: true });
  // Two native modules come without a binary; JavaScript stand-ins replace them, so that no compiler is needed.
  for (const name of ['spdlog', 'native-watchdog']) {
    writeFileSync(join(VSCODE, `node_modules/@vscode/${name}/index.js`), readFileSync(join(STAND_INS, `${name}.cjs`)));
  }
  writeFileSync(STAMP, wanted);
}

function fingerprint() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`);
  for (const file of ['package-lock.json', 'stand-ins/spdlog.cjs', 'stand-ins/native-watchdog.cjs'])
    hash.update(readFileSync(join(VSCODE_FOLDER, file)));
  return hash.digest('hex');
}

function npm(args, cwd) {
  try {
    execFileSync('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
  } catch (error) {
    throw new Error(`"npm ${args.join(' ')}" failed in ${cwd}.`, { cause: error });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    setupVSCode();
    ensureBrowser(console.log);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
