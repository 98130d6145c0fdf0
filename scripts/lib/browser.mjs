import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Chromium without the parts that show windows: the same pages for two thirds of the processor's time. */
const HEADLESS = 'chromium-headless-shell';
const NAMES = ['chromium', 'google-chrome', 'google-chrome-stable', 'chromium-browser', 'microsoft-edge'];
const FIREFOX = ['firefox-esr', 'firefox'];
const FONTS = ['fonts-dejavu-core', 'fonts-noto-cjk', 'fonts-noto-color-emoji'];

/**
 * Path of a Chromium that Playwright can drive; undefined where none is found. `headless`: one that shows no window is taken first.
 * Throws for a CHROMIUM_PATH that does not exist.
 */
export function findBrowser({ headless = false } = {}) {
  return chosenBy('CHROMIUM_PATH') ?? onPath([...(headless ? [HEADLESS] : []), ...NAMES]) ?? downloadedBrowser(headless);
}

/** Path of a Firefox; undefined where none is found. Throws for a FIREFOX_PATH that does not exist. */
export function findFirefox() {
  return chosenBy('FIREFOX_PATH') ?? onPath(FIREFOX);
}

/** Path of a Firefox for tests, installed if none is found. Throws one sentence on failure. */
export function ensureFirefox(say) {
  const present = findFirefox();
  if (present) return present;
  say('Installing Firefox');
  // Debian has it under its own name for the long-lived version; where a system has it under another, the next name is tried.
  let found;
  for (const name of FIREFOX) found ??= install([name]) ? findFirefox() : undefined;
  if (!found)
    throw new Error('No Firefox was found and none could be installed: install firefox-esr or Firefox, or set FIREFOX_PATH to one.');
  return found;
}

/**
 * Path of a browser for tests and pictures, installed if none is found, together with fonts for Chinese text and emoji. Throws one
 * sentence on failure.
 */
export function ensureBrowser(say) {
  const present = findBrowser({ headless: true });
  const missingFonts = hasChineseFont() ? [] : FONTS;
  if (present && missingFonts.length === 0) return present;
  say(present ? 'Installing fonts' : 'Installing Chromium and fonts');
  const installWith = (name) => install([...(present ? [] : [name]), ...missingFonts]);
  // Debian has the headless browser in a package of its own, Ubuntu does not.
  const installedBySystem = installWith(HEADLESS) || (!present && installWith('chromium'));
  const find = () => findBrowser({ headless: true });
  const browser = find() ?? (playwrightInstall(say) ? find() : undefined);
  if (!browser)
    throw new Error('No Chromium was found and none could be installed: install chromium or Google Chrome, or set CHROMIUM_PATH to one.');
  if (!installedBySystem) install(FONTS);
  if (!hasChineseFont()) say('No Chinese font could be installed: Chinese will show as boxes on screenshots.');
  return browser;
}

/** The path in an environment variable; undefined where it is not set. Throws for one that does not exist. */
function chosenBy(variable) {
  const chosen = process.env[variable];
  if (!chosen) return undefined;
  if (!existsSync(chosen)) throw new Error(`${variable} names a file that does not exist: ${chosen}`);
  return chosen;
}

/** The first of the programs that a folder of PATH has. */
function onPath(names) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path) && !isSnapStub(path));
}

/** Whether a path is Ubuntu's script of a browser's name, which only starts the snap; a snap cannot use a profile in /tmp. */
function isSnapStub(path) {
  if (path.startsWith('/snap/')) return true;
  const head = readFileSync(path).subarray(0, 4096).toString('latin1');
  return head.startsWith('#!') && /\/snap\/bin|snap (install|run)/.test(head);
}

/** The browser in the cache of `playwright-core install chromium`. */
function downloadedBrowser(headless) {
  const cache = process.env.PLAYWRIGHT_BROWSERS_PATH ?? join(homedir(), '.cache/ms-playwright');
  if (!existsSync(cache)) return undefined;
  const pattern = headless ? /^chromium(_headless_shell)?-\d+$/ : /^chromium-\d+$/;
  const files = [
    'chrome-headless-shell-linux64/chrome-headless-shell',
    'chrome-linux/headless_shell',
    'chrome-linux64/chrome',
    'chrome-linux/chrome',
  ];
  return readdirSync(cache)
    .filter((name) => pattern.test(name))
    .sort((a, b) => Number(b.includes('shell')) - Number(a.includes('shell')))
    .flatMap((name) => files.map((file) => join(cache, name, file)))
    .find((path) => existsSync(path));
}

function hasChineseFont() {
  const list = spawnSync('fc-list', [':lang=zh', 'family'], { encoding: 'utf8' });
  return list.status === 0 ? list.stdout.trim() !== '' : existsSync('/usr/share/fonts/opentype/noto');
}

function install(packages) {
  if (spawnSync('apt-get', ['--version']).status !== 0) return false;
  const root = process.getuid?.() === 0;
  const run = (args) => {
    const [command, ...rest] = root ? ['apt-get', ...args] : ['sudo', 'apt-get', ...args];
    return (
      spawnSync(command, rest, { stdio: ['inherit', 'ignore', 'inherit'], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
        .status === 0
    );
  };
  return run(['update', '-q']) && run(['install', '-q', '-y', '--no-install-recommends', ...packages]);
}

function playwrightInstall(say) {
  say('Downloading Chromium with Playwright');
  const cli = createRequire(import.meta.url).resolve('playwright-core/cli.js');
  return spawnSync(process.execPath, [cli, 'install', '--with-deps', '--only-shell', 'chromium'], { stdio: 'inherit' }).status === 0;
}
