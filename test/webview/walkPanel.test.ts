import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Frame, FrameLocator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser, type Browser } from '../e2e/browser.ts';
import { openBundled, openFamily } from './family.ts';
import { startHarness, type HarnessServer } from './harness/server.ts';

const ROOT = new URL('../../', import.meta.url);
const PICTURES = fileURLToPath(new URL('artifacts/webview/', ROOT));
const TEXT = 'The model reads a line of text.\n你好，世界！今天天气很好。\nfor (let i = 0; i < 10; i++) {\n  console.log(i);\n}\n';

let browser: Browser;
let panel: FrameLocator;
let server: HarnessServer;
beforeAll(async () => {
  execFileSync(process.execPath, ['esbuild.mjs', 'webview'], { cwd: fileURLToPath(ROOT) });
  mkdirSync(PICTURES, { recursive: true });
  browser = await openBrowser();
});
afterAll(() => browser.close());

async function open(options = ''): Promise<void> {
  await browser.page.goto(`${server.url}?family&${options}`);
  panel = browser.page.frameLocator('iframe');
  await panel.locator('.strip .token').first().waitFor();
}
const frame = (): Frame => browser.page.frames().find((one) => one.url().endsWith('/panel')) ?? expect.fail('The panel has no frame.');
const settled = (): Promise<void> => expect.poll(() => panel.locator('[aria-busy="true"]').count()).toBe(0);
const tab = async (name: string): Promise<void> => {
  await panel.getByRole('tab', { name }).click();
  await settled();
};
const step = async (name: string | RegExp): Promise<void> => {
  await panel.locator('.step-map').getByRole('button', { name }).click();
  await settled();
};
async function picture(name: string): Promise<void> {
  await browser.page.screenshot({ path: `${PICTURES}${name}.png` });
  const overflow = await frame().evaluate(() => Math.max(document.documentElement.scrollWidth - innerWidth, ...[...document.querySelectorAll('.panels')].map((one) => one.scrollWidth - one.clientWidth)));
  expect(overflow, name).toBeLessThanOrEqual(0);
}

describe('the bundled model', () => {
  beforeAll(async () => {
    server = await startHarness(await openBundled(TEXT));
  });
  afterAll(() => server.close());

  it('fits its window in all themes at all widths', async () => {
    for (const [theme, width] of [['dark', 1400], ['light', 480], ['high-contrast', 900], ['high-contrast-light', 480]] as const) {
      await browser.page.setViewportSize({ width, height: 1100 });
      await open(`theme=${theme}`);
      await panel.locator('.strip .token').nth(9).click();
      await tab('Forward pass');
      for (const name of ['Token embedding', 'Query, key and value', 'Scores', 'Weighted sum', 'MLP: SwiGLU', 'Through all layers', 'Unembedding', 'The draw']) {
        await step(new RegExp(name));
        await picture(`forward-${name.toLowerCase().replace(/\W+/g, '-')}-${theme}-${width}`);
      }
      await tab('Positions');
      await picture(`positions-${theme}-${width}`);
      await browser.page.setViewportSize({ width, height: 2600 });
      await settled();
      await picture(`positions-long-${theme}-${width}`);
    }
  });
});
