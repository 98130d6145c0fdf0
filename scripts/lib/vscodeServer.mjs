import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { SERVER_MAIN, SERVER_NODE } from './paths.mjs';
import { endTree, recordProcess, removeFolder, sessionFolder } from './processes.mjs';

const START_TIMEOUT_MS = 180_000;

/** Settings that turn off everything that asks questions, advertises, updates or uses the network. */
const QUIET = {
  'telemetry.telemetryLevel': 'off',
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.welcomePage.walkthroughs.openOnInstall': false,
  'workbench.enableExperiments': false,
  'workbench.settings.enableNaturalLanguageSearch': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'update.mode': 'none',
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'chat.disableAIFeatures': true,
  'git.openRepositoryInParentFolders': 'never',
  'window.commandCenter': false,
};

/**
 * Serves VS Code on 127.0.0.1 with a copy of `workspace` open and the VSIX files installed. The server passes `env` and `nodeArgs` on to
 * its extension host. All files that it writes are in a temporary folder, which `stop` removes. Throws where the server does not start.
 */
export async function startVSCode({
  workspace,
  vsix = [],
  settings = {},
  port = 0,
  args = [],
  nodeArgs = [],
  env = {},
  trust = false,
  keybindings = [],
}) {
  const folder = await sessionFolder();
  const code = { folder, workspace: join(folder, 'workspace'), userData: join(folder, 'user'), token: randomUUID() };
  cpSync(workspace, code.workspace, { recursive: true });
  for (const name of ['user/User', 'user/Machine', 'extensions']) mkdirSync(join(folder, name), { recursive: true });
  writeUserSettings(code, settings);
  writeFileSync(join(code.userData, 'User/keybindings.json'), JSON.stringify(keybindings));
  const base = [
    SERVER_MAIN,
    '--user-data-dir',
    code.userData,
    '--extensions-dir',
    join(folder, 'extensions'),
    '--server-data-dir',
    join(folder, 'server'),
    '--telemetry-level',
    'off',
    ...(trust ? [] : ['--disable-workspace-trust']),
    '--accept-server-license-terms',
  ];
  const options = { cwd: folder, env: { PATH: process.env.PATH, LANG: 'C.UTF-8', HOME: folder, TMPDIR: folder, EXTENSIONS_GALLERY: '{}' } };
  const manage = (...what) => promisify(execFile)(SERVER_NODE, [...base, ...what], options);
  const install = (file) => manage('--install-extension', resolve(file), '--force');
  const uninstall = (id) => manage('--uninstall-extension', id);
  for (const file of vsix) await install(file);
  const child = spawn(
    SERVER_NODE,
    [...nodeArgs, ...base, '--host', '127.0.0.1', '--port', String(port), '--connection-token', code.token, ...args],
    { ...options, env: { ...options.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: true },
  );
  recordProcess(folder, child.pid);
  const stop = async () => {
    await endTree(child.pid);
    removeFolder(folder);
  };
  try {
    return { ...code, port: await listening(child), pid: child.pid, install, uninstall, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Replaces the user settings. */
export function writeUserSettings(code, settings) {
  writeFileSync(join(code.userData, 'User/settings.json'), JSON.stringify({ ...QUIET, ...settings }, null, 2));
}

/** Replaces the machine settings, which override the user's; a running VS Code applies them at once. */
export function writeSettings(code, settings) {
  writeFileSync(join(code.userData, 'Machine/settings.json'), JSON.stringify(settings, null, 2));
}

/** Address of the workbench; `openFile` is a path inside the workspace. */
export function workbenchUrl(code, openFile) {
  const query = new URLSearchParams({ tkn: code.token, folder: code.workspace });
  if (openFile)
    query.set('payload', JSON.stringify([['openFile', `vscode-remote://127.0.0.1:${code.port}${join(code.workspace, openFile)}`]]));
  return `http://127.0.0.1:${code.port}/?${query}`;
}

/** The port that the server reports to listen on. Throws where it ends or does not report one in time. */
function listening(child) {
  return new Promise((done, fail) => {
    let log = '';
    const timer = setTimeout(() => fail(new Error(`VS Code did not start within ${START_TIMEOUT_MS / 1000} s.\n${log}`)), START_TIMEOUT_MS);
    const read = (chunk) => {
      log += chunk;
      const port = /agent listening on (\d+)/.exec(log)?.[1];
      if (!port) return;
      clearTimeout(timer);
      done(Number(port));
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', (code) => {
      clearTimeout(timer);
      fail(new Error(`VS Code ended with exit code ${code} instead of starting.\n${log}`));
    });
  });
}
