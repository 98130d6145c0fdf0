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
afterAll(() => server?.close());

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

it('says that such a layer rotates nothing, and leads to one that does', async () => {
  await page.open(server, 'family');
  await tab('Positions');
  const positions = panel.getByRole('tabpanel', { name: 'Positions' });
  await expect.poll(() => positions.innerText()).toContain('Layer 0 is a gated delta net: it has no queries and keys to rotate.');
  expect(await positions.getByRole('alert').count()).toBe(0);
  await picture('hybrid-positions-still');
  await positions.getByRole('button', { name: 'Show layer 1' }).click();
  await expect.poll(() => positions.innerText()).toContain('Every pair, rotated');
  expect(await positions.innerText()).not.toContain('to rotate.');
  await picture('hybrid-positions');
  await positions.getByRole('slider', { name: 'Layer' }).fill('0');
  await expect.poll(() => positions.innerText()).toContain('to rotate.');
});

it('goes through such a layer in the forward pass, and adds up its part of a logit', async () => {
  await page.open(server, 'family');
  await tab('Forward pass');
  const forward = panel.getByRole('tabpanel', { name: 'Forward pass' });
  const next = forward.getByRole('button', { name: 'Next' });
  for (const [presses, title] of [
    [2, 'Short convolution'],
    [1, 'Strength of writing'],
    [1, 'Decay'],
    [1, 'State updated'],
    [1, 'State read'],
    [1, 'Norm and gate'],
    [1, 'Output projection'],
  ] as const) {
    for (let press = 0; press < presses; press++) await next.click();
    await expect.poll(() => forward.locator('h2').allInnerTexts()).toContain(title);
    await picture(`hybrid-forward-${title.replaceAll(' ', '-')}`);
  }
  await tab('Why');
  const why = panel.getByRole('tabpanel', { name: 'Why' });
  await expect.poll(() => why.innerText()).toContain('Layer 0: a gated delta net');
  await picture('hybrid-why');
});

it('tells no number of a head that a layer does not have, nor offers to switch it off', async () => {
  await page.open(server, 'family');
  await tab('Why');
  const grid = panel.getByRole('application', { name: /^What each head adds/ });
  const detail = panel.locator('.why-heads > .why-head');
  await grid.press('ArrowUp');
  await expect.poll(() => detail.locator('h3').innerText()).toBe('Layer 0: a gated delta net');
  expect(await detail.innerText()).toContain('No head of this layer has attention weights');
  expect(await detail.innerText()).not.toMatch(/logits/);
  expect(await detail.locator('.head-switch').isVisible()).toBe(false);
  await grid.press('ArrowDown');
  await expect.poll(() => detail.locator('h3').innerText()).toMatch(/^Layer 1, head \d.*logits/);
  expect(await detail.locator('.head-switch').isVisible()).toBe(true);
});

it('gives a layer without attention weights the room of the arithmetic that it does not have', async () => {
  await browser.page.setViewportSize({ width: 1400, height: 900 });
  await page.open(server, 'family');
  await tab('Attention');
  await panel.locator('.overview-canvas').press('ArrowUp');
  await expect.poll(title).toBe('Layer 0: a gated delta net');
  const view = (await panel.locator('.attention-view').boundingBox()) ?? expect.fail('no view');
  const card = (await panel.locator('.map-card').boundingBox()) ?? expect.fail('no card');
  expect(view.x + view.width - card.x - card.width).toBeLessThan(1);
});

it('shows a model with several residual streams: its path, its picture, and why what asks for one stream is not told', async () => {
  const streams = await startHarness(await openFamily('gemma3n_text.1'));
  try {
    for (const [theme, width] of [
      ['light', 1400],
      ['dark', 480],
    ] as const) {
      await browser.page.setViewportSize({ width, height: 1100 });
      await page.open(streams, `family&theme=${theme}`);
      await tab('Forward pass');
      const forward = panel.getByRole('tabpanel', { name: 'Forward pass' });
      await forward.getByRole('slider', { name: 'Step' }).fill('1');
      await expect.poll(() => forward.innerText()).toContain('Streams predicted (AltUp)');
      await picture(`streams-forward-${theme}-${width}`);
      await tab('Model');
      const model = panel.getByRole('tabpanel', { name: 'Model' });
      await expect.poll(() => model.innerText()).toContain('3 residual streams, drawn without lengths');
      expect(await model.innerText()).not.toContain('nothing to read');
      // What has no length is not framed either.
      expect(await model.locator('.river-added').count()).toBe(0);
      await picture(`streams-model-${theme}-${width}`);
      await tab('Predictions');
      const predictions = panel.getByRole('tabpanel', { name: 'Predictions' });
      await expect.poll(() => predictions.innerText()).toContain('Logit lens');
      await picture(`streams-predictions-${theme}-${width}`);
      await tab('Why');
      const why = panel.getByRole('tabpanel', { name: 'Why' });
      await expect.poll(() => why.innerText()).toContain('per-layer embedding');
      await picture(`streams-why-${theme}-${width}`);
    }
  } finally {
    streams.close();
  }
});
