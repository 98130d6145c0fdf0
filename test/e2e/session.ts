import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Page } from 'playwright-core';
import { ARTIFACTS } from '../../scripts/lib/paths.mjs';
import { endDescendants } from '../../scripts/lib/processes.mjs';
import {
  startVSCode,
  workbenchUrl,
  writeSettings,
  writeUserSettings,
  type VSCode,
  type VSCodeOptions,
} from '../../scripts/lib/vscodeServer.mjs';
import { ownTarget, vsixOf } from '../../scripts/package.mjs';
import { takesPictures } from '../pictures.ts';
import { openBrowser, type Browser, type Window } from './browser.ts';
import { workbenchOf, type Workbench } from './workbench.ts';

/** A window of VS Code for one test file. */
export interface Session {
  readonly code: VSCode;
  readonly browser: Window;
  readonly page: Page;
  readonly workbench: Workbench;
  /** Saves a screenshot of the window in artifacts/screenshots, as `keepScreenshot` does. */
  screenshot(name: string): Promise<void>;
  /** Errors of the extension in the window, its panel and the extension host: uncaught, logged, or violations of the page's policy. */
  ownErrors(): readonly string[];
  close(): Promise<void>;
}

/** Options for a session. */
export interface SessionOptions {
  /** Contents of the workspace's files by name. */
  readonly files: Readonly<Record<string, string>>;
  /** Does more to the workspace's folder before it is opened. */
  readonly prepare?: (folder: string) => void;
  /** Name of the file to open. */
  readonly open: string;
  /** VSIX files installed before the window opens; the built extension by default. */
  readonly vsix?: readonly string[];
  /** Text on screen once the file is open. */
  readonly expect: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly args?: readonly string[];
  /** Environment variables and Node options of the server and the extension host. */
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeArgs?: readonly string[];
  /** See `startVSCode`; only for a VS Code that is not shared. */
  readonly trust?: VSCodeOptions['trust'];
  readonly keybindings?: VSCodeOptions['keybindings'];
  /** Display language of extensions, English by default. VS Code itself stays in English. */
  readonly language?: string;
  /**
   * Whether the session has a VS Code of its own. By default it shares one, whose start takes longer than most tests, unless an option
   * concerns the server.
   */
  readonly alone?: boolean;
}

/** Pattern of errors that concern the extension: by their location, or by the policy that only its page has. */
const OWN = /explain-tokens|explainTokens|Content Security Policy|Refused to|^uncaught/i;

/** Settings that make tests repeatable: hovers appear quickly, nothing animates or blinks. */
const TEST_SETTINGS = {
  'editor.hover.delay': 150,
  'editor.cursorBlinking': 'solid',
  'editor.minimap.enabled': false,
  // Each line on screen is a line of the text, so that arrow keys move by whole lines.
  '[markdown]': { 'editor.wordWrap': 'off' },
  'workbench.reduceMotion': 'on',
  'files.hotExit': 'off',
  'window.confirmBeforeClose': 'never',
};

/** Path of the VSIX of a target, by default that of this machine. Throws where `npm run package` has not made it. */
export function vsixPath(target = ownTarget()): string {
  const path = vsixOf(target);
  if (!existsSync(path)) throw new Error(`There is no VSIX to test: run npm run package -- --target ${target} first.`);
  return path;
}

/** A new temporary folder with these files, which the caller removes. */
export function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'explain-tokens-'));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

/** A running VS Code with a browser. */
interface Started {
  readonly code: VSCode;
  readonly browser: Browser;
  stop(): Promise<void>;
}

async function start(
  workspace: string,
  {
    vsix = [vsixPath()],
    settings,
    args = [],
    env = {},
    nodeArgs = [],
    trust = false,
    keybindings = [],
  }: Omit<SessionOptions, 'files' | 'prepare' | 'open' | 'expect'>,
): Promise<Started> {
  const code = await startVSCode({ workspace, vsix, settings: { ...TEST_SETTINGS, ...settings }, args, env, nodeArgs, trust, keybindings });
  try {
    const browser = await openBrowser();
    const stop = async (): Promise<void> => {
      await browser.close();
      await code.stop();
    };
    return { code, browser, stop };
  } catch (error) {
    await code.stop();
    throw error;
  }
}

/** The VS Code that the test files share. They run one after another in one process, without isolation. */
let shared: { readonly started: Promise<Started>; sessions: number } | null = null;

/** Time after which VS Code ends the extension host of a window that was closed. */
const RECONNECTION_SECONDS = 30;

async function startShared(): Promise<Started> {
  const empty = folderOf({});
  const started = await start(empty, { args: ['--reconnection-grace-time', String(RECONNECTION_SECONDS)] });
  rmSync(empty, { recursive: true, force: true });
  const { code, browser } = started;
  const end = (): void => endDescendants(code.folder, browser.folder);
  process.once('exit', end);
  process.once('SIGTERM', () => process.exit());
  return {
    ...started,
    stop: async () => {
      process.off('exit', end);
      await started.stop();
    },
  };
}

/** Opens a window of the shared VS Code with its own settings and workspace. */
async function openShared(files: string, settings: SessionOptions['settings']): Promise<Started & { readonly window: Window }> {
  shared ??= { started: startShared(), sessions: 0 };
  const own = shared;
  try {
    const { code, browser, stop } = await own.started;
    own.sessions++;
    const workspace = join(code.folder, String(own.sessions), 'workspace');
    cpSync(files, workspace, { recursive: true });
    writeUserSettings(code, { ...TEST_SETTINGS, ...settings });
    writeSettings(code, {});
    return { code: { ...code, workspace }, browser, window: own.sessions === 1 ? browser : await browser.nextWindow(), stop };
  } catch (error) {
    shared = null;
    throw error;
  }
}

/** Opens a real VS Code in a real browser, with the built extension installed and a file open. */
export async function openSession(options: SessionOptions): Promise<Session> {
  const {
    alone = options.vsix !== undefined || options.args !== undefined || options.env !== undefined || options.nodeArgs !== undefined,
  } = options;
  const files = folderOf(options.files);
  options.prepare?.(files);
  const opened = alone
    ? await start(files, options).then((started) => ({ ...started, window: started.browser }))
    : await openShared(files, options.settings);
  rmSync(files, { recursive: true, force: true });
  const { code, window, stop } = opened;
  const { page } = window;
  const workbench = workbenchOf(page);
  const known = hostLogs(code);
  const session: Session = {
    code,
    browser: window,
    page,
    workbench,
    ownErrors: () => [...window.errors, ...hostErrors(code, known)].filter((line) => OWN.test(line)),
    screenshot: (name) => keepScreenshot(page, name),
    close: async () => {
      if (alone) return stop();
      // Navigating away tells VS Code that the window is closed.
      await page.goto('about:blank');
      await page.close();
    },
  };
  try {
    if (options.language !== undefined)
      await page.addInitScript((language) => Object.assign(globalThis, { _VSCODE_NLS_LANGUAGE: language }), options.language);
    await page.goto(workbenchUrl(code, options.open), { timeout: 120_000 });
    await workbench.ready(options.expect, options.vsix?.length === 0);
  } catch (error) {
    await keepScreenshot(page, `failed to open ${options.open}`);
    // The shared VS Code may be broken, so the next session starts a new one.
    shared = alone ? shared : null;
    await stop();
    throw error;
  }
  return session;
}

/** Paths of the extension hosts' logs. */
function hostLogs({ userData }: VSCode): readonly string[] {
  const logs = join(userData, 'logs');
  if (!existsSync(logs)) return [];
  return readdirSync(logs, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('exthost.log'))
    .map((name) => join(logs, name));
}

/** Lines that the extension hosts of this session logged as errors; logs `known` before the session are left out. */
function hostErrors(code: VSCode, known: readonly string[]): readonly string[] {
  return hostLogs(code)
    .filter((path) => !known.includes(path))
    .flatMap((path) => readFileSync(path, 'utf8').split('\n'))
    .filter((line) => line.includes('[error]'));
}

/** Saves a screenshot of a page in artifacts/screenshots where the tests take pictures, and of what failed always. */
export async function keepScreenshot(page: Page, name: string): Promise<void> {
  if (!takesPictures && !name.startsWith('failed')) return;
  const folder = join(ARTIFACTS, 'screenshots');
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name.replace(/[^\w.-]+/g, '-')}.png`) });
}
