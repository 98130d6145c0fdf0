// Opens a VS Code with the extension and a sample text: `npm start [-- --serve] [-- --port N]`.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findBrowser } from './lib/browser.mjs';
import { ROOT } from './lib/paths.mjs';
import { startVSCode, workbenchUrl } from './lib/vscodeServer.mjs';
import { packageExtension } from './package.mjs';

const SAMPLES = join(ROOT, 'samples');
const SAMPLE = 'hello.md';

/** Opens a new window of the VS Code installed on this machine, which runs the extension from this folder. */
function openInstalled() {
  execFileSync(process.execPath, ['esbuild.mjs'], { cwd: ROOT, stdio: 'inherit' });
  const { status } = spawnSync(
    'code',
    [`--extensionDevelopmentPath=${ROOT}`, '--new-window', SAMPLES, '--goto', `${join(SAMPLES, SAMPLE)}:3`],
    { stdio: 'inherit' },
  );
  if (status !== 0) throw new Error('"code" could not open a window: try npm start -- --serve.');
}

/**
 * Settings that restore all editors, the panel among them, when the printed address is loaded again. The address names a file to open,
 * and by default VS Code then drops its other editors; the second setting keeps it from opening the file twice.
 */
const KEEP_EDITORS = { 'window.restoreWindows': 'preserve', 'workbench.editor.revealIfOpen': true };

/** Serves the development VS Code on loopback until Ctrl+C. */
async function serve(port) {
  const [vsix] = await packageExtension();
  const code = await startVSCode({ workspace: SAMPLES, vsix: [vsix], port, settings: KEEP_EDITORS });
  const url = workbenchUrl(code, SAMPLE);
  console.log(
    `\nVS Code with Explain Tokens is ready. Open\n\n  ${url}\n\nSelect text, press F1 and run "Explain Tokens". Ctrl+C stops it.`,
  );
  const display = process.env.DISPLAY || process.env.WAYLAND_DISPLAY;
  const window = display ? openWindow(url, code.folder) : undefined;
  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    window?.kill();
    await code.stop();
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void stop());
}

function openWindow(url, folder) {
  const browser = findBrowser();
  const [command, args] = browser
    ? [browser, ['--no-first-run', `--user-data-dir=${join(folder, 'browser')}`, `--app=${url}`]]
    : ['xdg-open', [url]];
  const child = spawn(command, args, { stdio: 'ignore' });
  child.on('error', () => console.log('No browser could be opened here: open the address yourself.'));
  return child;
}

try {
  const { values } = parseArgs({ options: { serve: { type: 'boolean', default: false }, port: { type: 'string', default: '0' } } });
  const hasCode = spawnSync('code', ['--version'], { stdio: 'ignore' }).status === 0;
  if (hasCode && !values.serve) openInstalled();
  else await serve(Number(values.port));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
