import type { FrameLocator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { HEAD_METRICS } from '../../src/core/headMetrics.ts';
import type { HostMessage, PanelMessage } from '../../src/protocol/messages.ts';
import type { Browser } from '../e2e/browser.ts';
import { openBundled, type OpenPanel } from './family.ts';
import { startHarness, type HarnessServer } from './harness/server.ts';
import { panelPage } from './panelPage.ts';

const TEXT = 'The keeper closed the door of the house. The keeper went home.';
let family: OpenPanel;
let server: HarnessServer;
let browser: Browser;
let panel: FrameLocator;
const page = panelPage();

beforeAll(async () => {
  family = await openBundled(TEXT);
  server = await startHarness({ ...family, answer: oneLayer });
  ({ browser, panel } = page);
});
afterAll(() => server?.close());
beforeEach(() => browser.page.setViewportSize({ width: 900, height: 1200 }));
afterEach(() => browser.page.unrouteAll({ behavior: 'ignoreErrors' }));

/** As a slow model answers: the heads of one layer at a time. */
const oneLayer: OpenPanel['answer'] = async (query, side) => {
  const answer = await family.answer(query, side);
  if (query.name !== 'heads' || !('metrics' in answer)) return answer;
  const { heads } = family.shown.explanation.model;
  return {
    ...answer,
    metrics: answer.metrics.slice(0, heads * HEAD_METRICS.length),
    thumbnails: answer.thumbnails.slice(0, heads * answer.thumbnailSize ** 2),
  };
};
const asks = (url: URL, name: string): boolean => url.search.includes(`%22${name}%22`);
const asked = async (name: string): Promise<readonly PanelMessage[]> =>
  (await page.posted()).filter((message) => message.type === 'query' && message.query.name === name);
const overview = () => panel.locator('.overview-frame');
const card = () => panel.getByRole('region', { name: 'One head' });
/** Whether both wait for numbers, which are asked for a moment before that is drawn. */
const busy = async () => [await overview().getAttribute('aria-busy'), await card().getAttribute('aria-busy')];

/** Keeps the heads of all layers from this one on back until the returned function is called. */
async function heldFrom(layer: number): Promise<() => Promise<void>> {
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  await browser.page.route(
    (url) => asks(url, 'heads') && Number(/%22layer%22%3A(\d+)/.exec(url.search)?.[1]) >= layer,
    async (route) => {
      await gate;
      await route.continue();
    },
  );
  return async () => {
    release();
    await page.settled();
  };
}

describe('the numbers of all heads', () => {
  it('are asked for by no other view', async () => {
    await page.open(server, 'family&alone');
    for (const name of ['Tokens', 'Positions']) await page.tab(name);
    expect(await asked('heads')).toEqual([]);
  });

  it('are shown layer by layer; what is not known says so, and no head stands out before all are known', async () => {
    const release = await heldFrom(2);
    await page.open(server, 'family&alone');
    await panel.getByRole('tab', { name: 'Attention' }).click();
    await expect.poll(async () => (await asked('heads')).length).toBe(3);
    await expect.poll(busy).toEqual(['true', 'true']);
    expect(await panel.locator('.best-heads').isVisible()).toBe(false);
    expect(await card().getByRole('heading', { level: 2 }).innerText()).toBe('One head');
    expect(await panel.getByRole('button', { name: 'Unlock' }).isVisible()).toBe(false);
    const tip = panel.locator('.tooltip');
    const box = await panel.locator('.overview-canvas').boundingBox();
    const at = async (down: number): Promise<string> => {
      await browser.page.mouse.move((box?.x ?? 0) + 60, (box?.y ?? 0) + (box?.height ?? 0) * down);
      await tip.waitFor();
      return tip.innerText();
    };
    expect(await at(0.1)).toMatch(/Previous token\s+0\.\d\d/);
    expect(await at(0.9)).toMatch(/Previous token\s+not measured yet/);
    await page.picture('heads-some');
    await release();
    expect(await at(0.9)).toMatch(/Previous token\s+0\.\d\d/);
    await expect.poll(busy).toEqual([null, null]);
    expect(await panel.locator('.best-heads').isVisible()).toBe(true);
    // The first map is of the head that stands out.
    const chosen = await panel.locator('.best-head[aria-pressed="true"] .best-place').first().innerText();
    const [, layer, head] = /^L(\d+) H(\d+)$/.exec(chosen) ?? [];
    await card()
      .getByRole('heading', { name: `Layer ${layer}, head ${head}` })
      .waitFor();
  });

  it('do not keep a head waiting that was pointed at before', async () => {
    await page.open(server, 'family&alone');
    await page.tab('Attention');
    await panel.locator('.overview-canvas').press('ArrowDown');
    await expect.poll(() => browser.page.evaluate(() => sessionStorage.getItem('state') ?? '')).toContain('"headChosen":true');
    const release = await heldFrom(0);
    await page.open(server, 'family&alone', 'kept');
    await expect.poll(() => overview().getAttribute('aria-busy')).toBe('true');
    await expect.poll(() => card().getAttribute('aria-busy')).toBe(null);
    await panel.locator('.map-card .plot:visible').first().waitFor();
    await release();
  });

  it('are left where another view is opened, and asked for from there when the user comes back', async () => {
    const release = await heldFrom(2);
    await page.open(server, 'family&alone');
    await panel.getByRole('tab', { name: 'Attention' }).click();
    await expect.poll(async () => (await asked('heads')).length).toBe(3);
    await panel.getByRole('tab', { name: 'Tokens' }).click();
    await release();
    expect(await asked('heads')).toHaveLength(3);
    await page.tab('Attention');
    await expect.poll(() => panel.locator('.best-head').count()).toBe(4);
    const { layers } = family.shown.explanation.model;
    expect((await asked('heads')).map((message) => message.type === 'query' && message.query.args)).toEqual(
      Array.from({ length: layers }, (_, layer) => ({ layer })),
    );
  });

  it('are asked for anew for another explanation, and nothing of the one before is shown for it', async () => {
    const release = await heldFrom(1);
    await page.open(server, 'family&alone');
    await panel.getByRole('tab', { name: 'Attention' }).click();
    await expect.poll(async () => (await asked('heads')).length).toBe(2);
    await send({ type: 'explanation', shown: { ...family.shown, serial: 2 } });
    await expect.poll(async () => (await asked('heads')).length).toBe(4);
    await expect.poll(busy).toEqual(['true', 'true']);
    await expect.poll(() => panel.locator('.best-heads').isVisible()).toBe(false);
    await release();
    await expect.poll(() => panel.locator('.best-heads').isVisible()).toBe(true);
  });
});

const send = (message: HostMessage): Promise<void> => browser.page.evaluate((sent) => window.harness.send(sent), message);

describe('a text that is being read', () => {
  it('is shown by its tokens at once, which give way to those with numbers', async () => {
    await page.openEmpty(server);
    const { tokens } = family.shown.explanation;
    await send({ type: 'progress', message: 'Loading the model…', fraction: null, tokens });
    const reading = panel.getByRole('group', { name: 'Tokens of the text that is being read' });
    await reading.waitFor();
    expect([await reading.locator('.unread').count(), await reading.getAttribute('aria-busy')]).toEqual([tokens.length, 'true']);
    await page.picture('reading');
    await send({ type: 'progress', message: 'Running the model…', fraction: 0.5 });
    await panel.getByText('Running the model…').waitFor();
    expect(await reading.isVisible()).toBe(true);
    await send({ type: 'explanation', shown: family.shown });
    await expect.poll(() => panel.locator('.strip .token').count()).toBe(tokens.length);
    expect(await reading.isVisible()).toBe(false);
  });

  it('stands above the dimmed results from before, which come back where it is given up', async () => {
    await page.open(server, 'family&alone');
    const { tokens } = family.shown.explanation;
    await send({ type: 'progress', message: 'Running the model…', fraction: 0.5, tokens: tokens.slice(0, 3) });
    await expect.poll(() => panel.locator('.reading-strip .unread').count()).toBe(3);
    expect([await panel.locator('.strip').isVisible(), await panel.locator('.panels').isVisible()]).toEqual([false, true]);
    await page.picture('reading-outdated');
    await send({ type: 'cancelled' });
    await expect.poll(() => panel.locator('.strip').isVisible()).toBe(true);
    expect(await panel.locator('.reading-strip').isVisible()).toBe(false);
  });
});

describe('the attention in the editor', () => {
  const told = async () => (await page.posted()).flatMap((message) => (message.type === 'editorAttention' ? [message.choice] : []));

  it('is of the head that the page shows, whatever tab is open, and of the kind that is chosen beside its map', async () => {
    await page.open(server, 'family&alone');
    expect(await told()).toEqual([{ kind: 'mean', layer: 0, head: 0, hideFirst: true }]);
    await page.tab('Attention');
    await panel.locator('.overview-canvas').press('ArrowDown');
    await card().getByText('In the editor', { exact: true }).click();
    await card().getByLabel('Kind of attention').selectOption({ label: 'Value-weighted, all heads of this layer' });
    await card().getByLabel('Hide the first token').uncheck();
    const { layer, head } = (await told()).at(-1) ?? {};
    expect((await told()).at(-1)).toEqual({ kind: 'value-weighted', layer, head, hideFirst: false });
    await card()
      .getByRole('heading', { name: `Layer ${layer}, head ${head}` })
      .waitFor();
    await card().getByRole('button', { name: 'Follow the cursor, or no longer' }).click();
    expect((await page.posted()).at(-1)).toEqual({ type: 'command', name: 'toggleAttention' });
    await page.picture('editor-attention');
  });
});
