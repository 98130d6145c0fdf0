import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Page } from 'playwright-core';
import { ARTIFACTS, ROOT } from '../../scripts/lib/paths.mjs';
import { startVSCode, workbenchUrl, type VSCode } from '../../scripts/lib/vscodeServer.mjs';
import { openBrowser, type Browser } from './browser.ts';
import { workbenchOf, type Workbench } from './workbench.ts';

export interface Session {
  readonly code: VSCode;
  readonly browser: Browser;
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

/** A real VS Code with the built extension installed and a file open, in a real browser. */
export async function openSession(options: SessionOptions): Promise<Session> {
  const workspace = folderOf(options.files);
  const code = await startVSCode({ workspace, vsix: options.vsix ?? [vsixPath()], settings: { ...TEST_SETTINGS, ...options.settings }, args: options.args ?? [], env: options.env ?? {}, nodeArgs: options.nodeArgs ?? [] });
  rmSync(workspace, { recursive: true, force: true });
  const browser = await openBrowser().catch(async (error: unknown) => {
    await code.stop();
    throw error;
  });
  const { page } = browser;
  const workbench = workbenchOf(page);
  const session: Session = {
    code,
    browser,
    page,
    workbench,
    ownErrors: () => [...browser.errors, ...hostErrors(code)].filter((line) => OWN.test(line)),
    screenshot: (name) => keepScreenshot(page, name),
    close: async () => {
      await browser.close();
      await code.stop();
    },
  };
  try {
    if (options.language !== undefined) await page.addInitScript((language) => Object.assign(globalThis, { _VSCODE_NLS_LANGUAGE: language }), options.language);
    await page.goto(workbenchUrl(code, options.open), { timeout: 60_000 });
    await workbench.ready(options.expect);
  } catch (error) {
    await keepScreenshot(page, `failed to open ${options.open}`);
    await session.close();
    throw error;
  }
  return session;
}

/** What the extension host logged as an error. */
function hostErrors(code: VSCode): readonly string[] {
  const logs = join(code.userData, 'logs');
  if (!existsSync(logs)) return [];
  const files = readdirSync(logs, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('exthost.log'));
  return files.flatMap((name) => readFileSync(join(logs, name), 'utf8').split('\n')).filter((line) => line.includes('[error]'));
}

export async function keepScreenshot(page: Page, name: string): Promise<void> {
  const folder = join(ARTIFACTS, 'screenshots');
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name.replace(/[^\w.-]+/g, '-')}.png`) });
}
