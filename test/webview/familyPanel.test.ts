import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Frame, FrameLocator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PanelMessage } from '../../src/protocol/messages.ts';
import { openBrowser, type Browser } from '../e2e/browser.ts';
import { openFamily } from './family.ts';
import { startHarness, type HarnessServer } from './harness/server.ts';

const ROOT = new URL('../../', import.meta.url);
const PICTURES = fileURLToPath(new URL('artifacts/webview/', ROOT));

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
const posted = (): Promise<readonly PanelMessage[]> => browser.page.evaluate(() => window.harness.posted);
const tab = async (name: string): Promise<void> => {
  await panel.getByRole('tab', { name }).click();
  await expect.poll(() => panel.locator('[aria-busy="true"]').count()).toBe(0);
};
/** Pictures of tabs in two themes at two widths; nothing may stick out of its window. */
async function pictures(name: string, tabs: readonly string[]): Promise<void> {
  for (const [theme, width] of [['dark', 480], ['light', 1400]] as const) {
    await browser.page.setViewportSize({ width, height: 1100 });
    await open(`theme=${theme}`);
    for (const title of tabs) {
      await tab(title);
      await browser.page.screenshot({ path: `${PICTURES}${name}-${title.toLowerCase()}-${theme}-${width}.png` });
      const overflow = await frame().evaluate(() => Math.max(document.documentElement.scrollWidth - innerWidth, ...[...document.querySelectorAll('.panels')].map((one) => one.scrollWidth - one.clientWidth)));
      expect(overflow, `${title}, ${theme}, ${width} px`).toBeLessThanOrEqual(0);
    }
  }
}

describe('a model with sinks and experts (gpt_oss)', () => {
  beforeAll(async () => {
    server = await startHarness(await openFamily('gpt_oss.1'));
  });
  afterAll(() => server.close());

  it('tells the sink’s share under the pointer, and offers no chat without a template', async () => {
    await open();
    await tab('Attention');
    expect(await panel.getByRole('button', { name: 'Chat' }).count()).toBe(0);
    await expect.poll(() => panel.getByRole('heading', { level: 2, name: /^Layer 0, head 0/ }).innerText()).toContain('window 5');
    const plot = panel.getByRole('application', { name: /Attention of one head/ }).locator('.nsewdrag');
    const box = (await plot.boundingBox()) ?? expect.fail('no map');
    await plot.hover({ position: { x: 3, y: box.height / 2 } });
    await expect.poll(() => panel.locator('.tooltip').innerText()).toContain('sink: no token');
    expect(await panel.locator('.step-name').allInnerTexts()).toEqual(['Score', 'Scale', 'Window', 'Exponential', 'Sink', 'Share']);
  });

  it('opens Experts with a key, moves by keyboard, and tells weights under the pointer', async () => {
    await open();
    await panel.locator('.strip .token[aria-selected="true"]').press('6');
    expect(await panel.getByRole('tab', { name: 'Experts' }).getAttribute('aria-selected')).toBe('true');
    await expect.poll(() => panel.locator('.chosen-experts li').allInnerTexts()).toHaveLength(2);
    const map = panel.getByRole('application', { name: /Experts of each token/ });
    await map.press('ArrowUp');
    await expect.poll(posted).toContainEqual({ type: 'select', token: 37 });
    const plot = map.locator('.nsewdrag');
    const box = (await plot.boundingBox()) ?? expect.fail('no map');
    await plot.hover({ position: { x: box.width / 8, y: 4 } });
    await expect.poll(() => panel.locator('.tooltip').innerText()).toMatch(/Expert\s+0/);
    await panel.getByRole('slider', { name: 'Layer' }).first().press('ArrowRight');
    await expect.poll(async () => (await posted()).flatMap((message) => (message.type === 'query' && message.query.name === 'experts' ? [message.query.layer] : []))).toEqual([0, 1]);
  });

  it('fits its window', () => pictures('sinks', ['Attention', 'Experts']));
});

describe('a model with latent attention and a chat template (deepseek_v3)', () => {
  beforeAll(async () => {
    server = await startHarness(await openFamily('deepseek_v3.1', true));
  });
  afterAll(() => server.close());

  it('asks for the text as it is when Chat is released', async () => {
    await open();
    const chat = panel.getByRole('button', { name: 'Chat' });
    expect(await chat.getAttribute('aria-pressed')).toBe('true');
    expect(await panel.locator('.strip .token.special').count()).toBe(2);
    await chat.click();
    await expect.poll(posted).toContainEqual({ type: 'chat', on: false });
  });

  it('shows what is kept of the key’s token', async () => {
    await open();
    await tab('Attention');
    await expect.poll(() => panel.getByRole('region', { name: 'Compressed keys and values' }).locator('.caption').innerText()).toMatch(/kept in place of/);
  });

  it('fits its window', () => pictures('latent', ['Tokens', 'Attention', 'Experts']));
});
