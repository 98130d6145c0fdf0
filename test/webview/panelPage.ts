import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Frame, FrameLocator, Locator } from 'playwright-core';
import { afterAll, beforeAll, expect } from 'vitest';
import { ARTIFACTS } from '../../scripts/lib/paths.mjs';
import type { PanelMessage } from '../../src/protocol/messages.ts';
import { openBrowser, type Browser } from '../e2e/browser.ts';
import { settled } from '../e2e/panel.ts';
import { takesPictures } from '../pictures.ts';
import type { HarnessServer } from './harness/server.ts';

const PICTURES = join(ARTIFACTS, 'webview');

/** The built panel in a browser, shared by the tests of a file. */
export interface PanelPage {
  readonly browser: Browser;
  /** The panel's document in the page that was opened last. */
  readonly panel: FrameLocator;
  /**
   * Opens the panel under the extension's policy. `server` serves and answers it; `options` is the query string for the harness. Without
   * the state that earlier panels kept, unless `kept`.
   */
  open(server: HarnessServer, options: string, kept?: 'kept'): Promise<void>;
  /** The same of a panel to which nothing is explained yet. */
  openEmpty(server: HarnessServer, options?: string): Promise<void>;
  /** Messages that the panel has sent to the extension since it was opened. */
  posted(): Promise<readonly PanelMessage[]>;
  /** Waits until no view is busy. */
  settled(): Promise<void>;
  /**
   * Chooses an entry of the menu that a button opens, and returns the name and the content of the file that the page has saved then, bytes
   * as Latin-1; without a name what was copied.
   */
  savedFrom(button: Locator, entry: string): Promise<readonly [name: string, content: string]>;
  /** Opens a tab and waits until no view is busy. */
  tab(name: string): Promise<void>;
  /** Expects that nothing overflows the window. With the environment variable PICTURES it saves a screenshot in artifacts/webview. */
  picture(name: string): Promise<void>;
  /** Violations of the page's content security policy. */
  violations(): Promise<readonly string[]>;
}

/** A panel whose browser opens before the tests of a file and closes after them. */
export function panelPage(): PanelPage {
  let opened: Browser | undefined;
  const browser = (): Browser => opened ?? expect.fail('The browser opens before the tests.');
  const frame = (): Frame =>
    browser()
      .page.frames()
      .find((one) => one.url().endsWith('/panel')) ?? expect.fail('The panel has no frame.');
  const panel = (): FrameLocator => browser().page.frameLocator('iframe');
  beforeAll(async () => {
    mkdirSync(PICTURES, { recursive: true });
    opened = await openBrowser();
  });
  afterAll(() => opened?.close());
  return {
    get browser() {
      return browser();
    },
    get panel() {
      return panel();
    },
    settled: () => settled(panel()),
    open: async (server, options, kept) => {
      await browser().page.goto(`${server.url}?${options}${kept === undefined ? '&forget' : ''}`);
      await panel().locator('.strip .token').first().waitFor();
    },
    openEmpty: async (server, options = '') => {
      await browser().page.goto(`${server.url}?empty&${options}&forget`);
      await panel().locator('.start-example').first().waitFor();
    },
    posted: () =>
      browser().page.evaluate(async () => {
        // Behind what the panel has sent already, which is still on its way.
        await new Promise<void>((resolve) => {
          const arrived = ({ source }: MessageEvent): void => {
            if (source !== window) return;
            removeEventListener('message', arrived);
            resolve();
          };
          addEventListener('message', arrived);
          postMessage('all', '*');
        });
        return window.harness.posted;
      }),
    savedFrom: async (button, entry) => {
      const saved = () =>
        browser().page.evaluate(() =>
          window.harness.posted.flatMap((message): readonly (readonly [string, string])[] => {
            if (message.type === 'copy') return [['', message.text]];
            if (message.type !== 'saveFile') return [];
            const { name, content } = message;
            return [[name, typeof content === 'string' ? content : Array.from(content, (byte) => String.fromCharCode(byte)).join('')]];
          }),
        );
      const before = (await saved()).length;
      await button.click();
      await panel().getByRole('menuitem', { name: entry, exact: true }).click();
      await expect.poll(async () => (await saved()).length).toBe(before + 1);
      return (await saved()).at(-1) ?? expect.fail('Nothing was saved.');
    },
    tab: async (name) => {
      await panel().getByRole('tab', { name }).click();
      await settled(panel());
    },
    picture: async (name) => {
      if (takesPictures) await browser().page.screenshot({ path: join(PICTURES, `${name}.png`) });
      const overflow = await frame().evaluate(() =>
        Math.max(
          document.documentElement.scrollWidth - innerWidth,
          // What lies below the window would let the header scroll away.
          document.documentElement.scrollHeight - innerHeight,
          ...[...document.querySelectorAll('.panels')].map((one) => one.scrollWidth - one.clientWidth),
        ),
      );
      expect(overflow, name).toBeLessThanOrEqual(0);
    },
    violations: () => frame().evaluate(() => (window as unknown as { violations: string[] }).violations),
  };
}
