import type { FrameLocator } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Browser } from '../e2e/browser.ts';
import { openFamily } from './family.ts';
import { startHarness, type HarnessServer } from './harness/server.ts';
import { panelPage } from './panelPage.ts';

// A model of whose three layers the first and last are gated delta nets.
const page = panelPage();
const { picture, tab } = page;
let browser: Browser;
let panel: FrameLocator;
let server: HarnessServer;
beforeAll(async () => {
  ({ browser, panel } = page);
  server = await startHarness(await openFamily('qwen3_5_text.1'));
});
afterAll(() => server.close());

const title = (): Promise<string> => panel.locator('.map-card h2').innerText();

it('opens on a head with weights, and shows what a layer without them reads as what it is', async () => {
  for (const [theme, width] of [
    ['light', 1400],
    ['dark', 480],
  ] as const) {
    await browser.page.setViewportSize({ width, height: 1100 });
    await page.open(server, `family&theme=${theme}`);
    await tab('Attention');
    // The page remembers the layer.
    if (width === 1400) {
      await expect.poll(title).toMatch(/^Layer 1, head/);
      await panel.locator('.overview-canvas').press('ArrowUp');
    }
    await expect.poll(title).toBe('Layer 0: a gated delta net');
    await expect.poll(() => panel.locator('.map-card').innerText()).toContain('rows do not sum to 1');
    await expect.poll(() => panel.getByRole('application', { name: /What is measured of one head/ }).isVisible()).toBe(true);
    expect(await panel.getByRole('application', { name: /^Attention of one head/ }).isVisible()).toBe(false);
    expect(await panel.getByRole('button', { name: 'Switch this head off' }).isVisible()).toBe(false);
    await picture(`hybrid-attention-${theme}-${width}`);
  }
});

it('never hides the first token of what such a layer reads', async () => {
  await browser.page.setViewportSize({ width: 800, height: 1100 });
  await page.open(server, 'family');
  await tab('Attention');
  await expect.poll(title).toBe('Layer 0: a gated delta net');
  expect(await panel.getByRole('checkbox', { name: 'Hide the first token' }).isVisible()).toBe(false);
  expect(await panel.locator('.map-card').innerText()).not.toContain('the first token, hidden');
  await picture('hybrid-attention-800');
});

it('goes through such a layer in the forward pass, and adds up its part of a logit', async () => {
  await page.open(server, 'family');
  await tab('Forward pass');
  const forward = panel.getByRole('tabpanel', { name: 'Forward pass' });
  for (let step = 0; step < 2; step++) await forward.getByRole('button', { name: 'Next' }).click();
  await expect.poll(() => forward.innerText()).toContain('A gated delta net');
  await picture('hybrid-forward');
  await tab('Why');
  const why = panel.getByRole('tabpanel', { name: 'Why' });
  await expect.poll(() => why.innerText()).toContain('Layer 0: a gated delta net');
  await picture('hybrid-why');
});
