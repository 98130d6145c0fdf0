import axe from 'axe-core';
import type { Frame, FrameLocator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TABS } from '../../webview/viewSettings.ts';
import type { Browser } from '../e2e/browser.ts';
import { unfold } from '../e2e/panel.ts';
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
/** How many tabs each line of them has. */
const linesOfTabs = async (): Promise<readonly number[]> => {
  const tops = await panel.locator('.tab:visible').evaluateAll((all) => all.map((one) => one.getBoundingClientRect().top));
  return [...new Set(tops)].map((top) => tops.filter((one) => one === top).length);
};
beforeAll(() => {
  ({ browser, panel } = page);
});

describe('the picture of the bundled model', () => {
  let server: HarnessServer;
  beforeAll(async () => {
    server = await startHarness(await comparePanels(await openBundled(TEXT), await openBundled(TEXT.replace('dog', 'fox')), 'text'));
    await page.open(server, 'family');
  });
  afterAll(() => server?.close());

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

  // At 200 % zoom a panel of 1,440 x 900 has 720 x 450 pixels.
  it('leaves at least half of a low panel to every view, in one line of tabs, in both languages', async () => {
    const shares: string[] = [];
    for (const language of ['en', 'zh-cn']) {
      await page.open(server, `family&language=${language}`);
      for (const [width, height] of [
        [720, 450],
        [480, 450],
      ] as const) {
        await browser.page.setViewportSize({ width, height });
        for (const name of TABS.filter((one) => one !== 'experts')) {
          await tab(name);
          const view = (await panel.locator('.panels').boundingBox()) ?? expect.fail('no view');
          if (view.height / height < 0.5) shares.push(`${language}, ${width} px, ${name}: ${view.height} of ${height}`);
        }
        expect(await linesOfTabs()).toEqual([TABS.length - 1]);
      }
    }
    expect(shares).toEqual([]);
    await browser.page.setViewportSize({ width: 1440, height: 900 });
    await page.open(server, 'family');
  });

  it('has its tabs in one line as soon as their names fit into one, and else in two', async () => {
    const found: unknown[] = [];
    for (const [language, width] of [
      ['en', 1400],
      ['en', 720],
      ['en', 480],
      ['zh-cn', 720],
      ['zh-cn', 480],
    ] as const) {
      await browser.page.setViewportSize({ width, height: 900 });
      await page.open(server, `family&language=${language}`);
      await page.settled();
      const lines = await linesOfTabs();
      found.push([language, width, lines.length]);
      // What the names alone take: less is not possible.
      const names = await panel.locator('.tab:visible').evaluateAll((all) =>
        all.reduce((sum, one) => {
          const range = document.createRange();
          range.selectNodeContents(one);
          return sum + range.getBoundingClientRect().width;
        }, 0),
      );
      if (lines.length > 1) expect(names, `${language}, ${width} px`).toBeGreaterThan(width);
    }
    expect(found).toEqual([
      ['en', 1400, 1],
      ['en', 720, 1],
      ['en', 480, 2],
      ['zh-cn', 720, 1],
      ['zh-cn', 480, 1],
    ]);
    await browser.page.setViewportSize({ width: 1440, height: 900 });
    await page.open(server, 'family');
  });

  it('draws the bars of the next tokens on one scale, and every button that saves in one size', async () => {
    await panel.locator('.strip .token').nth(4).click();
    for (const width of [480, 1400]) {
      await browser.page.setViewportSize({ width, height: 900 });
      await tab('model');
      const tracks = await panel.locator('.drawn-bar').evaluateAll((all) =>
        all.map((one) => {
          const { left, right } = one.getBoundingClientRect();
          return [Math.round(left), Math.round(right)].join(' to ');
        }),
      );
      expect(tracks.length).toBeGreaterThan(2);
      expect(new Set(tracks).size, `${width} px`).toBe(1);
    }
    const sizes = new Set<string>();
    for (const name of TABS.filter((one) => one !== 'experts')) {
      await tab(name);
      for (const size of await panel
        .locator('.menu-button > .button:visible', { hasText: 'Save' })
        .evaluateAll((all) => all.map((one) => getComputedStyle(one).fontSize)))
        sizes.add(size);
    }
    expect([...sizes]).toEqual(['13px']);
    await browser.page.setViewportSize({ width: 1440, height: 900 });
  });

  it('names a field in one line where its name stands beside it', async () => {
    const broken: string[] = [];
    let seen = 0;
    for (const language of ['en', 'zh-cn']) {
      await page.open(server, `family&language=${language}`);
      for (const width of [480, 1400]) {
        await browser.page.setViewportSize({ width, height: 900 });
        for (const name of TABS.filter((one) => one !== 'experts')) {
          await tab(name);
          await unfold(panel);
          const lines = await panel.locator('.toolbar > .field > label:visible').evaluateAll((all) =>
            all.map((one) => {
              const range = document.createRange();
              range.selectNodeContents(one);
              const tops = [...range.getClientRects()].map(({ top }) => Math.round(top));
              return [one.textContent, new Set(tops).size] as const;
            }),
          );
          seen += lines.length;
          broken.push(...lines.flatMap(([text, count]) => (count > 1 ? [`${language}, ${width} px, ${name}: ${text}`] : [])));
        }
      }
    }
    expect(seen).toBeGreaterThan(8);
    expect(broken).toEqual([]);
    await browser.page.setViewportSize({ width: 1440, height: 900 });
    await page.open(server, 'family');
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
  it('says the names of what layers add in a narrow panel too, and draws no step that a layer does not have', async () => {
    const server = await startHarness(await openFamily('nemotron_h.1'));
    try {
      await browser.page.setViewportSize({ width: 480, height: 900 });
      await page.open(server, 'family&alone');
      await tab('model');
      const cut = await panel.locator('.added-caption').evaluate((caption) => {
        const { left, right, top, bottom } = caption.getBoundingClientRect();
        return [...caption.children].flatMap((one) => {
          const box = one.getBoundingClientRect();
          const isIn = box.left >= left && box.right <= right + 0.5 && box.top >= top - 0.5 && box.bottom <= bottom + 0.5;
          return isIn ? [] : [one.textContent];
        });
      });
      expect(cut).toEqual([]);
      const drawn = (what: string): Promise<readonly boolean[]> =>
        panel.locator(`.river-added .${what}`).evaluateAll((all) => all.map((one) => one.checkVisibility({ visibilityProperty: true })));
      expect([await drawn('attention'), await drawn('mlp')]).toEqual([
        [true, false, true, false],
        [false, true, false, true],
      ]);
      const titles = await panel.locator('.river-layer').evaluateAll((all) => all.map((one) => one.getAttribute('title')));
      expect(titles[0]).toMatch(/Mamba 2 adds a vector of length [\d.]+; then the token’s vector has length/);
      expect(titles[1]).toMatch(/MLP adds a vector of length [\d.]+; then the token’s vector has length/);
      expect(titles.join()).not.toMatch(/length 0[;:]/);
    } finally {
      await browser.page.setViewportSize({ width: 1440, height: 900 });
      server.close();
    }
  });

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
