import type { FrameLocator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { LATE_S } from '../../src/host/panel/panelHtml.ts';
import type { Browser } from '../e2e/browser.ts';
import { startHarness, type HarnessServer } from './harness/server.ts';
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
afterEach(async () => {
  await browser.page.unrouteAll({ behavior: 'ignoreErrors' });
  await browser.page.emulateMedia({ reducedMotion: null });
});

/** Keeps the answers to `pattern` back until the returned function is called. */
async function held(pattern: string): Promise<() => void> {
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  await browser.page.route(pattern, async (route) => {
    await gate;
    await route.continue();
  });
  return release;
}
const place = (selector: string): Promise<readonly number[]> =>
  panel.locator(selector).evaluate((element) => {
    const { left, top, height } = element.getBoundingClientRect();
    return [left, top, height].map(Math.round);
  });
const go = (options: string): Promise<unknown> => browser.page.goto(`${server.url}?${options}`, { waitUntil: 'commit' });

describe('a panel that opens', () => {
  it('says what is going on before its stylesheet and script are there, and they take the words over where they stand', async () => {
    const [style, script, fixture] = [await held('**/webview.css'), await held('**/webview.js'), await held('**/fixture.json')];
    await go('theme=light');
    const words = panel.getByRole('status').getByText('Reading sample.md with explain-tokens-9m…');
    await words.waitFor();
    expect(await panel.locator('.opening-late').isVisible()).toBe(false);
    for (const release of [style, script]) release();
    await expect.poll(() => page.posted().then((messages) => messages.map(({ type }) => type))).toContain('ready');
    // The host answers, and the words stand until there is something to show.
    expect(await words.isVisible()).toBe(true);
    const before = [await place('.opening p:first-child'), await place('.opening-bar')];
    await browser.page.evaluate(() => {
      window.harness.theme('light');
      window.harness.send({ type: 'init', strings: {}, language: 'en', follows: true });
    });
    await browser.page.evaluate(() => window.harness.send({ type: 'select', token: null }));
    expect(await words.isVisible()).toBe(true);
    await browser.page.evaluate(() => window.harness.send({ type: 'progress', message: 'Loading the model…', fraction: null }));
    await panel.getByText('Loading the model…').waitFor();
    expect(await panel.locator('.opening').count()).toBe(0);
    const [text, bar] = [await place('.page > .status .status-text'), await place('.page > .status .progress')];
    expect(bar).toEqual(before[1]);
    expect(text[0]).toBe(before[0]?.[0]);
    // The line is as high as the button beside it: its middle stays.
    expect(Math.abs((text[1] ?? 0) + (text[2] ?? 0) / 2 - (before[0]?.[1] ?? 0) - (before[0]?.[2] ?? 0) / 2)).toBeLessThanOrEqual(1);
    fixture();
    await panel.locator('.strip .token').first().waitFor();
  });

  it('shows tokens and numbers without what draws figures, which comes after them; where it does not come, a figure says so', async () => {
    await browser.page.goto('about:blank');
    const plots = await held('**/plots.js');
    await go('');
    await panel.locator('.strip .token').first().waitFor();
    await panel.locator('#tab-tokens').click();
    await panel.locator('.token-table tbody tr').first().waitFor();
    await panel.locator('#tab-attention').click();
    const map = panel.locator('.map-card .plot').first();
    await expect.poll(() => map.getAttribute('aria-busy')).toBe('true');
    plots();
    await panel.locator('.map-card .js-plotly-plot').first().waitFor();
    await expect.poll(() => map.getAttribute('aria-busy')).toBe(null);
    await browser.page.unrouteAll({ behavior: 'wait' });
    await browser.page.route('**/plots.js', (route) => route.abort());
    await go('');
    await panel.locator('#tab-attention').click();
    await panel.getByRole('alert').getByText('What draws the figures did not load: open the panel again.').first().waitFor();
    expect(await panel.locator('.plot[aria-busy]').count()).toBe(0);
  });

  it('shows the empty panel at once where nothing follows', async () => {
    await go('empty');
    await panel.getByRole('heading', { name: 'Look inside a language model' }).waitFor();
    expect(await panel.locator('.opening').count()).toBe(0);
  });

  it.each(['no-preference', 'reduce'] as const)(
    'does not wait for ever for a script that does not come (motion: %s)',
    async (reducedMotion) => {
      await browser.page.emulateMedia({ reducedMotion });
      await browser.page.route('**/webview.js', (route) => route.abort());
      await go('theme=dark');
      const late = panel.getByText('This takes longer than it should.');
      await panel.locator('.opening-bar').waitFor();
      expect(await late.isVisible()).toBe(false);
      const names = await panel.locator('body').evaluate(
        (body, time) => {
          const animations = body.getAnimations({ subtree: true });
          for (const animation of animations) animation.currentTime = time;
          return animations.map((animation) => (animation instanceof CSSAnimation ? animation.animationName : ''));
        },
        LATE_S * 1000 + 1,
      );
      expect(await late.isVisible()).toBe(true);
      expect(await panel.locator('.opening-bar').evaluate((bar) => getComputedStyle(bar).visibility)).toBe(
        reducedMotion === 'reduce' ? 'visible' : 'hidden',
      );
      expect(names.includes('opening-slide')).toBe(reducedMotion === 'no-preference');
    },
  );
});
