import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Page } from 'playwright-core';
import { findBrowser } from '../../scripts/lib/browser.mjs';
import { removeFolder, sessionFolder } from '../../scripts/lib/processes.mjs';

/** A page, with its requests and errors. */
export interface Window {
  readonly page: Page;
  /** Addresses outside of this machine that the page requested. */
  readonly outside: readonly string[];
  /** Uncaught errors and error messages of the page and its frames. */
  readonly errors: readonly string[];
}

/** A running browser with its first page. */
export interface Browser extends Window {
  /** Opens another page, whose `outside` begins empty. The previous page stays open. */
  nextWindow(): Promise<Window>;
  /** Session folder of the browser's process, by which it can be ended if nobody closes it. */
  readonly folder: string;
  close(): Promise<void>;
}

const LOCAL = /^\w+:\/\/([\w-]+\.)?(127\.0\.0\.1|localhost)[:/]/;
/** Addresses that the webview's service worker answers from the extension's own files, without a request to such a host. */
const WEBVIEW_RESOURCE = /^https:\/\/[\w.+%-]*\.vscode-resource\.vscode-cdn\.net\//;

/** Starts Chromium with a new profile and no access beyond this machine. */
export async function openBrowser(): Promise<Browser> {
  const executablePath = findBrowser({ headless: true });
  if (executablePath === undefined) throw new Error('No browser: run node scripts/setup-vscode.mjs first.');
  const folder = await sessionFolder();
  const profile = join(folder, 'profile');
  mkdirSync(join(profile, 'Default'), { recursive: true });
  // VS Code on the web gives each webview its own origin, whose service worker falls under the settings of third-party cookies.
  writeFileSync(
    join(profile, 'Default/Preferences'),
    JSON.stringify({ profile: { cookie_controls_mode: 0, block_third_party_cookies: false } }),
  );
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    viewport: { width: 1440, height: 900 },
    permissions: ['clipboard-read', 'clipboard-write'],
    args: [
      '--no-sandbox',
      '--no-first-run',
      '--disable-quic',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      // A graphics card imitated by the processor takes half as long again as drawing without one, and nothing here needs it.
      '--disable-gpu',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE *.localhost',
    ],
  });
  let outside: string[] = [];
  context.on('request', (request) => {
    const url = request.url();
    if (/^(https?|wss?):/.test(url) && !LOCAL.test(url) && !WEBVIEW_RESOURCE.test(url)) outside.push(url);
  });
  const windowOf = (page: Page): Window => {
    page.setDefaultTimeout(180_000);
    const errors: string[] = [];
    outside = [];
    page.on('pageerror', (error) => errors.push(`uncaught: ${error.stack ?? String(error)}`));
    page.on('console', (message) => {
      if (message.type() === 'error') errors.push(`${message.text()} (${message.location().url})`);
    });
    return { page, outside, errors };
  };
  return {
    ...windowOf(context.pages()[0] ?? (await context.newPage())),
    nextWindow: async () => windowOf(await context.newPage()),
    folder,
    close: async () => {
      await context.close();
      removeFolder(folder);
    },
  };
}
