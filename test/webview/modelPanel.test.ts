import axe from 'axe-core';
import type { Frame, FrameLocator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TABS } from '../../webview/viewSettings.ts';
import type { Browser } from '../e2e/browser.ts';
import { comparePanels, openBundled, openFamily } from './family.ts';
import { startHarness, type HarnessServer } from './harness/server.ts';
import { panelPage } from './panelPage.ts';

const TEXT = 'The cat sat on the mat. The dog sat on the rug, and the cat slept on the mat again.';

const page = panelPage();
let browser: Browser;
let panel: FrameLocator;
const frame = (): Frame => browser.page.frames().find((one) => one.url().endsWith('/panel')) ?? expect.fail('The panel has no frame.');
const tab = async (name: string): Promise<void> => {
  await panel.locator(`#tab-${name}`).click();
  await page.settled();
};
const asked = async (name: string): Promise<number> =>
  (await page.posted()).filter((message) => message.type === 'query' && message.query.name === name).length;
beforeAll(() => {
  ({ browser, panel } = page);
});

describe('the picture of the bundled model', () => {
  let server: HarnessServer;
  beforeAll(async () => {
    server = await startHarness(await comparePanels(await openBundled(TEXT), await openBundled(TEXT.replace('dog', 'fox')), 'text'));
    await page.open(server, 'family');
  });
  afterAll(() => server.close());

  it('draws every layer with what it adds, and the prediction that the last layer ends in', async () => {
    await panel.locator('.strip .token').nth(12).click();
    await tab('model');
    const layers = panel.locator('.river-layer');
    expect(await layers.count()).toBe(6);
    expect(await layers.last().getAttribute('title')).toMatch(
      /^Layer 5: Attention adds a vector of length [\d.]+; MLP adds one of length [\d.]+; then the token’s vector has length [\d.]+:/,
    );
    const top = await panel.locator('.drawn-token .token-text').first().innerText();
    expect(await panel.locator('.river-lens .token-text').last().innerText()).toBe(top);
    expect(await panel.locator('.thread-head').count()).toBe(6);
    expect(await panel.locator('.model-table tbody tr').count()).toBe(6);
    expect(await panel.locator('.parameter-names dt').allInnerTexts()).toEqual(['Embedding', 'Attention', 'MLP', 'Norms']);
  });

  it('says each prediction with its share in a narrow panel too, lying where the columns have room', async () => {
    const size = browser.page.viewportSize();
    const guesses = (): Promise<unknown> =>
      panel
        .locator('.river-guess')
        .evaluateAll((all) => all.map((one) => [getComputedStyle(one).writingMode, one.querySelector('.river-share')?.checkVisibility()]));
    await browser.page.setViewportSize({ width: 480, height: 900 });
    await expect.poll(guesses).toEqual(Array.from({ length: 6 }, () => ['horizontal-tb', true]));
    await browser.page.setViewportSize({ width: 280, height: 900 });
    await expect.poll(guesses).toEqual(Array.from({ length: 6 }, () => ['vertical-rl', true]));
    if (size !== null) await browser.page.setViewportSize(size);
  });

  it('follows the selection without asking for the stream again, and opens layers by keyboard', async () => {
    const before = [await asked('tokenFlow'), await asked('lens')];
    const said = await panel.locator('.river-layer').last().getAttribute('title');
    await panel.locator('.strip .token').nth(13).click();
    expect(await panel.locator('.river-layer').last().getAttribute('title')).not.toBe(said);
    await page.settled();
    expect([await asked('tokenFlow'), await asked('lens')]).toEqual(before);
    const open = panel.locator('.river-layer[aria-expanded="true"]');
    await open.focus();
    await browser.page.keyboard.press('End');
    await page.settled();
    expect(await panel.locator('.model-block h3').innerText()).toContain('Layer 5');
    expect(await open.evaluate((one) => one === document.activeElement)).toBe(true);
  });

  it('leads from a part to its view, at the same layer and head', async () => {
    const head = panel.locator('.thread-head').first();
    const [, number = ''] = /head (\d+)/.exec(await head.innerText()) ?? [];
    await head.click();
    await page.settled();
    const title = panel.getByRole('region', { name: 'One head' }).getByRole('heading', { level: 2 });
    await expect.poll(() => title.innerText()).toBe(`Layer 5, head ${number}`);
    await tab('model');
    await panel.locator('.block-branch.mlp .part', { hasText: 'neurons' }).click();
    await page.settled();
    expect(await panel.locator('#panel-forward .walk-step h2').innerText()).toContain('MLP');
    await tab('model');
  });

  it('plays once from the text to the draw, a press a part where motion is unwanted', async () => {
    await tab('model');
    await browser.page.emulateMedia({ reducedMotion: 'reduce' });
    const play = panel.locator('.model-head .button');
    for (let part = 0; part < 4; part++) await play.click();
    expect(await panel.locator('.model-said').innerText()).toMatch(/^Layer 1: attention/);
    expect(await panel.locator('.river-layer[data-dimmed]').count()).toBe(4);
    for (let part = 0; part < 8; part++) await play.click();
    expect(await panel.locator('[data-dimmed]').count()).toBe(0);
    await browser.page.emulateMedia({ reducedMotion: 'no-preference' });
  });

  it('explains a term under the focus, and hides the explanation with Escape', async () => {
    await tab('predictions');
    const term = panel.locator('#panel-predictions .term').first();
    await term.focus();
    await expect.poll(() => panel.locator('.tooltip p').first().innerText()).toMatch(/\. .*\.$/);
    await browser.page.keyboard.press('Escape');
    expect(await panel.locator('.tooltip').isHidden()).toBe(true);
  });

  it('leaves at least half of a low panel to the view, in one line of tabs', async () => {
    for (const [width, height] of [
      [720, 450],
      [480, 450],
    ] as const) {
      await browser.page.setViewportSize({ width, height });
      await tab('model');
      const view = (await panel.locator('.panels').boundingBox()) ?? expect.fail('no view');
      expect(view.height / height, `${width}`).toBeGreaterThanOrEqual(0.5);
      const tops = await panel.locator('.tab:visible').evaluateAll((all) => all.map((one) => one.getBoundingClientRect().top));
      expect(new Set(tops).size).toBe(1);
    }
    await browser.page.setViewportSize({ width: 1440, height: 900 });
  });

  it('keeps the rules of axe in every tab, and that of contrast in every theme, with the path open', { timeout: 300_000 }, async () => {
    await browser.page.emulateMedia({ reducedMotion: 'reduce' });
    await frame().evaluate(axe.source);
    await panel.locator('#path-toggle').click();
    const faults: string[] = [];
    for (const name of TABS.filter((one) => one !== 'experts')) {
      await tab(name);
      const found = await frame().evaluate(async (first) => {
        const { axe: checker } = window as unknown as { readonly axe: typeof axe };
        const all: string[] = [];
        for (const theme of ['light', 'high-contrast', 'high-contrast-light', 'dark'] as const) {
          parent.harness.theme(theme);
          await new Promise(requestAnimationFrame);
          // Only colours differ between themes.
          const rules = theme === 'dark' ? {} : { runOnly: ['color-contrast'] };
          // What is above every view is looked at with the first.
          const seen = first ? [['.page']] : [['.panel:not([hidden])']];
          const part = theme === 'dark' ? document : { include: seen, exclude: [['svg']] };
          const { violations } = await checker.run(part, { resultTypes: ['violations'], ...rules });
          all.push(...violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${theme}: ${id}: ${target.join(' ')}`)));
        }
        return all;
      }, name === TABS[0]);
      faults.push(...found.map((fault) => `${name}, ${fault}`));
    }
    await browser.page.emulateMedia({ reducedMotion: 'no-preference' });
    expect(faults).toEqual([]);
  });
});

describe('the picture of other models', () => {
  it.each([
    ['qwen3_next.1', 'Delta net', /no attention weights/],
    ['gpt_oss.1', 'window 5, 4 experts', /2 of 4 experts for each token/],
    ['phi.1', '', /side by side/],
    ['olmo2.1', '', /norms stand behind the steps/],
  ])('%s is drawn as what it is', async (name, kind, fact) => {
    const server = await startHarness(await openFamily(name));
    try {
      await page.open(server, 'family&alone');
      await tab('model');
      expect(await panel.locator('.model-block h3 .beside').allInnerTexts()).toEqual(kind === '' ? [] : [kind]);
      expect(await panel.locator('.model-block').innerText()).toMatch(fact);
      expect(await panel.locator('.model-view .view-failure').allInnerTexts()).toEqual([]);
    } finally {
      server.close();
    }
  });
});
