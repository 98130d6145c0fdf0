import type { FrameLocator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Browser } from '../e2e/browser.ts';
import { openFamily } from './family.ts';
import { startHarness, type HarnessServer } from './harness/server.ts';
import { panelPage } from './panelPage.ts';

const page = panelPage();
const { picture, posted, tab } = page;
let browser: Browser;
let panel: FrameLocator;
let server: HarnessServer;
beforeAll(async () => {
  ({ browser, panel } = page);
});

async function open(options = ''): Promise<void> {
  await page.open(server, `family&${options}`);
}
/** Pictures of tabs in two themes at two widths; nothing may stick out of its window. */
async function pictures(name: string, tabs: readonly string[]): Promise<void> {
  for (const [theme, width] of [
    ['dark', 480],
    ['light', 1400],
  ] as const) {
    await browser.page.setViewportSize({ width, height: 1100 });
    await open(`theme=${theme}`);
    for (const title of tabs) {
      await tab(title);
      await picture(`${name}-${title.toLowerCase()}-${theme}-${width}`);
    }
  }
}

describe('a model with sinks and experts (gpt_oss)', () => {
  beforeAll(async () => {
    server = await startHarness(await openFamily('gpt_oss.1'));
  });
  afterAll(() => server?.close());

  it('tells the sink’s share under the pointer, and offers no chat without a template', async () => {
    await open();
    await tab('Attention');
    expect(await panel.getByRole('button', { name: 'Chat' }).count()).toBe(0);
    // From the head it opens on to the first of all.
    for (const key of ['ArrowUp', 'ArrowUp', 'ArrowUp', 'ArrowLeft', 'ArrowLeft', 'ArrowLeft'])
      await panel.locator('.overview-canvas').press(key);
    await expect.poll(() => panel.getByRole('heading', { level: 2, name: /^Layer 0, head 0/ }).innerText()).toContain('window 5');
    const plot = panel.getByRole('application', { name: /Attention of one head/ }).locator('.nsewdrag');
    const box = (await plot.boundingBox()) ?? expect.fail('no map');
    await plot.hover({ position: { x: 3, y: box.height / 2 } });
    await expect.poll(() => panel.locator('.tooltip').innerText()).toContain('sink: no token');
    expect(await panel.locator('.step-name').allInnerTexts()).toEqual(['Score', 'Scale', 'Window', 'Exponential', 'Sink', 'Share']);
  });

  it('opens Experts with a key, moves by keyboard, and tells weights under the pointer', async () => {
    await open();
    await panel.locator('.strip .token[aria-selected="true"]').press('8');
    expect(await panel.getByRole('tab', { name: 'Experts' }).getAttribute('aria-selected')).toBe('true');
    await expect.poll(() => panel.locator('.chosen-experts li').allInnerTexts()).toHaveLength(2);
    const map = panel.getByRole('application', { name: /Experts of each token/ });
    await map.press('ArrowDown');
    await expect.poll(posted).toContainEqual({ type: 'select', token: 1 });
    const plot = map.locator('.nsewdrag');
    const box = (await plot.boundingBox()) ?? expect.fail('no map');
    await plot.hover({ position: { x: box.width / 8, y: 4 } });
    await expect.poll(() => panel.locator('.tooltip').innerText()).toMatch(/Expert\s+0/);
    await panel.getByRole('slider', { name: 'Layer' }).first().press('ArrowRight');
    await expect
      .poll(async () =>
        (await posted()).flatMap((message) =>
          message.type === 'query' && message.query.name === 'experts' ? [message.query.args.layer] : [],
        ),
      )
      .toEqual([0, 1]);
  });

  it('fits its window', () => pictures('sinks', ['Attention', 'Experts']));
});

describe('a model with latent attention and a chat template (deepseek_v3)', () => {
  beforeAll(async () => {
    server = await startHarness(await openFamily('deepseek_v3.1', true));
  });
  afterAll(() => server?.close());

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
    await expect
      .poll(() => panel.getByRole('region', { name: 'Compressed keys and values' }).locator('.caption').innerText())
      .toMatch(/kept in place of/);
  });

  it('fits its window', () => pictures('latent', ['Tokens', 'Attention', 'Experts']));
});
