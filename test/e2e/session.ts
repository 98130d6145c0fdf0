import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Page } from 'playwright-core';
import { ARTIFACTS, ROOT } from '../../scripts/lib/paths.mjs';
import { endDescendants } from '../../scripts/lib/processes.mjs';
import { startVSCode, workbenchUrl, writeSettings, writeUserSettings, type VSCode } from '../../scripts/lib/vscodeServer.mjs';
import { openBrowser, type Browser, type Window } from './browser.ts';
import { workbenchOf, type Workbench } from './workbench.ts';

export interface Session {
  readonly code: VSCode;
  readonly browser: Window;
  readonly page: Page;
  readonly workbench: Workbench;
  /** Keeps a picture of the window under artifacts/screenshots. */
  screenshot(name: string): Promise<void>;
  /** Errors of our own code in the window, its panel and the extension host: uncaught, logged, or against the page's policy. */
  ownErrors(): readonly string[];
  close(): Promise<void>;
}

export interface SessionOptions {
  /** File names and contents of the workspace. */
  readonly files: Readonly<Record<string, string>>;
  readonly open: string;
  /** What is installed before the window opens: the built extension unless given. */
  readonly vsix?: readonly string[];
  /** Text that shows when the file is open. */
  readonly expect: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly args?: readonly string[];
  /** Environment and options of Node for the server and the extension host. */
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeArgs?: readonly string[];
  /** Display language, English unless given. VS Code itself stays in English; extensions see this one. */
  readonly language?: string;
  /** A VS Code and a home of its own. Without anything that is special about the server it is shared, as starting it takes longer than most tests. */
  readonly alone?: boolean;
}

/** Marks an error as ours: its place, or the policy that only our page has. */
const OWN = /explain-tokens|explainTokens|Content Security Policy|Refused to|^uncaught/i;

/** What makes a test repeatable: hovers come fast, nothing animates or blinks. */
const TEST_SETTINGS = {
  'editor.hover.delay': 150,
  'editor.cursorBlinking': 'solid',
  'editor.minimap.enabled': false,
  // A line down is a line of the text.
  '[markdown]': { 'editor.wordWrap': 'off' },
  'workbench.reduceMotion': 'on',
  'files.hotExit': 'off',
  'window.confirmBeforeClose': 'never',
};

/** The VSIX that `npm run package` made. */
export function vsixPath(): string {
  const { name, version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { name: string; version: string };
  const path = join(ROOT, `${name}-${version}.vsix`);
  if (!existsSync(path)) throw new Error('There is no VSIX to test: run npm run package first.');
  return path;
}

/** A folder that holds the files; the caller removes it. */
export function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'explain-tokens-'));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

/** A VS Code with a browser. */
interface Started {
  readonly code: VSCode;
  readonly browser: Browser;
  stop(): Promise<void>;
}

async function start(workspace: string, { vsix = [vsixPath()], settings, args = [], env = {}, nodeArgs = [] }: Omit<SessionOptions, 'files' | 'open' | 'expect'>): Promise<Started> {
  const code = await startVSCode({ workspace, vsix, settings: { ...TEST_SETTINGS, ...settings }, args, env, nodeArgs });
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

/** What the test files of one process share, one after the other: the product's files run without isolation. */
let shared: { readonly started: Promise<Started>; sessions: number } | null = null;

/** A window that was left is forgotten after this, with its extension host. */
const RECONNECTION_SECONDS = 30;

async function startShared(): Promise<Started> {
  const empty = folderOf({});
  const started = await start(empty, { args: ['--reconnection-grace-time', String(RECONNECTION_SECONDS)] });
  rmSync(empty, { recursive: true, force: true });
  const { code, browser } = started;
  const end = (): void => endDescendants(code.folder, browser.folder);
  process.once('exit', end);
  process.once('SIGTERM', () => process.exit());
  return { ...started, stop: async () => {
    process.off('exit', end);
    await started.stop();
  } };
}

/** A window of the shared VS Code, with settings and a workspace of its own. */
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

/** A real VS Code with the built extension installed and a file open, in a real browser. As with a test, what fails twice is broken. */
export async function openSession(options: SessionOptions): Promise<Session> {
  return openOnce(options).catch((error: unknown) => {
    console.warn(`A window with ${options.open} did not open and is opened again: ${String(error)}`);
    return openOnce(options);
  });
}

async function openOnce(options: SessionOptions): Promise<Session> {
  const { alone = options.vsix !== undefined || options.args !== undefined || options.env !== undefined || options.nodeArgs !== undefined } = options;
  const files = folderOf(options.files);
  const opened = alone ? await start(files, options).then((started) => ({ ...started, window: started.browser })) : await openShared(files, options.settings);
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
      // Leaving the page tells VS Code that the window is done with.
      await page.goto('about:blank');
      await page.close();
    },
  };
  try {
    if (options.language !== undefined) await page.addInitScript((language) => Object.assign(globalThis, { _VSCODE_NLS_LANGUAGE: language }), options.language);
    await page.goto(workbenchUrl(code, options.open), { timeout: 60_000 });
    await workbench.ready(options.expect);
  } catch (error) {
    await keepScreenshot(page, `failed to open ${options.open}`);
    // Whatever is wrong with it, the next session starts anew.
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
  return readdirSync(logs, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('exthost.log')).map((name) => join(logs, name));
}

/** What the extension hosts of this session logged as errors: those whose logs were not `known` before. */
function hostErrors(code: VSCode, known: readonly string[]): readonly string[] {
  return hostLogs(code).filter((path) => !known.includes(path)).flatMap((path) => readFileSync(path, 'utf8').split('\n')).filter((line) => line.includes('[error]'));
}

export async function keepScreenshot(page: Page, name: string): Promise<void> {
  const folder = join(ARTIFACTS, 'screenshots');
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name.replace(/[^\w.-]+/g, '-')}.png`) });
}
