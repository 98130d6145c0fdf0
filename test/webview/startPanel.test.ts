import axe from 'axe-core';
import { readFileSync } from 'node:fs';
import type { Frame, FrameLocator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXAMPLE_TEXTS, examplesIn } from '../../src/protocol/exampleTexts.ts';
import { explainKeys } from '../../webview/parts/start.ts';
import { zh } from '../e2e/chinese.ts';
import type { Browser } from '../e2e/browser.ts';
import { startHarness, type HarnessServer } from './harness/server.ts';
import { checker } from './layout/checker.ts';
import { panelPage } from './panelPage.ts';

const page = panelPage();
let browser: Browser;
let panel: FrameLocator;
let server: HarnessServer;
beforeAll(async () => {
  server = await startHarness();
  ({ browser, panel } = page);
});
afterAll(() => server?.close());

const frame = (): Frame => browser.page.frames().find((one) => one.url().endsWith('/panel')) ?? expect.fail('The panel has no frame.');

const open = (language: string): Promise<void> => page.openEmpty(server, `language=${language}`);

it.each([
  ['Mozilla/5.0 (X11; Linux x86_64)', 'key'],
  ['Mozilla/5.0 (Windows NT 10.0; Win64; x64)', 'key'],
  ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)', 'mac'],
] as const)('an empty panel names the keys that package.json binds: %s', (userAgent, of) => {
  const { contributes } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    readonly contributes: { readonly keybindings: readonly { readonly command: string; readonly key: string; readonly mac?: string }[] };
  };
  const bound = contributes.keybindings.find(({ command }) => command === 'explainTokens.explain');
  expect(explainKeys(userAgent).join('+').toLowerCase()).toBe(bound?.[of]);
});

describe('an empty panel', { timeout: 120_000 }, () => {
  it.each([
    ['en', (english: string) => english],
    ['zh-cn', zh],
  ] as const)('begins with the open text or an example, by keyboard alone (%s)', async (language, say) => {
    await open(language);
    expect(await panel.locator('kbd').allInnerTexts()).toEqual(['Ctrl', 'Alt', 'E']);
    expect(await panel.locator('.status.whole').innerText()).not.toContain('\u0000');
    const names = examplesIn(language);
    await panel.locator('.start-example .start-text').first().waitFor();
    expect(await panel.locator('.start-text').allInnerTexts()).toEqual(
      names.map((name) => EXAMPLE_TEXTS[name].text.trim().replaceAll(/\s+/g, ' ')),
    );
    await browser.page.locator('iframe').focus();
    await browser.page.keyboard.press('Tab');
    expect(await panel.locator(':focus').innerText()).toBe(say('Explain the Open Text'));
    await browser.page.keyboard.press('Enter');
    for (const _ of names) {
      await browser.page.keyboard.press('Tab');
      await browser.page.keyboard.press('Enter');
    }
    expect((await page.posted()).filter(({ type }) => type === 'command' || type === 'example')).toEqual([
      { type: 'command', name: 'explain' },
      ...names.map((name) => ({ type: 'example', name })),
    ]);
    expect(await page.violations()).toEqual([]);
  });

  it('frames its buttons in the colours of VS Code, the secondary ones in their own where there is one', async () => {
    await open('en');
    await browser.page.evaluate(() => window.harness.theme('light'));
    const frames = (variables: Readonly<Record<string, string>>): Promise<readonly string[]> =>
      frame().evaluate((set) => {
        for (const [name, value] of Object.entries(set)) document.documentElement.style.setProperty(name, value);
        return ['.button.primary', '.button.secondary'].map(
          (one) => getComputedStyle(document.querySelector(one) ?? document.body).borderColor,
        );
      }, variables);
    const blue = { '--vscode-button-border': '#0069cc' };
    expect(await frames(blue)).toEqual(['rgb(0, 105, 204)', 'rgb(0, 105, 204)']);
    // As the light theme of VS Code 1.139 has them.
    expect(await frames({ ...blue, '--vscode-button-secondaryBorder': '#eaeaea' })).toEqual(['rgb(0, 105, 204)', 'rgb(234, 234, 234)']);
  });

  it.each(['en', 'zh-cn'])('is whole at every width and in every theme, and keeps the rules of axe (%s)', async (language) => {
    await open(language);
    await frame().evaluate(axe.source);
    await frame().evaluate(await checker());
    const faults: string[] = [];
    for (const theme of ['light', 'dark', 'high-contrast', 'high-contrast-light'] as const) {
      await browser.page.evaluate((name) => window.harness.theme(name), theme);
      for (const width of [480, 640, 800, 1000, 1400]) {
        await browser.page.setViewportSize({ width, height: 380 });
        await page.picture(`start-${language}-${theme}-${width}`);
        faults.push(...(await frame().evaluate(() => window.layout.layoutFaults())).map((fault) => `${theme}, ${width} px: ${fault}`));
      }
      // What the browser draws itself, as the arrows of a number's field.
      const scheme = await panel.locator('body').evaluate((body) => getComputedStyle(body).colorScheme);
      if ((scheme === 'dark') !== ['dark', 'high-contrast'].includes(theme)) faults.push(`${theme}: ${scheme}`);
      faults.push(
        ...(await frame().evaluate(async () => {
          const { axe: rules } = window as unknown as { readonly axe: typeof axe };
          const { violations } = await rules.run(document, { resultTypes: ['violations'] });
          return violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(' ')}`));
        })),
      );
    }
    expect(faults).toEqual([]);
  });

  it('scrolls from its first line on where the panel is low', async () => {
    await open('en');
    await browser.page.setViewportSize({ width: 480, height: 320 });
    await page.picture('start-low');
    const { top } = await panel.locator('.status h1').evaluate((heading) => heading.getBoundingClientRect().toJSON() as DOMRect);
    expect(top).toBeGreaterThan(0);
    await panel.locator('.start-example').last().scrollIntoViewIfNeeded();
    const last = (await panel.locator('.start-example').last().boundingBox()) ?? expect.fail('no example');
    expect(last.y + last.height).toBeLessThanOrEqual(320);
  });
});
