import type { FrameLocator, Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXAMPLE_TEXTS } from '../../src/protocol/exampleTexts.ts';
import { zh } from '../e2e/chinese.ts';
import { isFound, isNotFoundYet, numbersIn, walkStations, type WalkedPanel } from '../stationWalk.ts';
import { openBundled, openFamily, type OpenPanel } from './family.ts';
import { startHarness, type HarnessServer } from './harness/server.ts';
import { panelPage } from './panelPage.ts';

const TEXT = 'The cat sat on the mat. The dog sat on the rug, and the cat slept on the mat again.';

const page = panelPage();
let panel: FrameLocator;
let server: HarnessServer;
let model: OpenPanel;
let walked: WalkedPanel;
beforeAll(async () => {
  ({ panel } = page);
  model = await openBundled(TEXT);
  walked = { frame: panel, model, say: (english) => english, settled: page.settled };
  server = await startHarness(model);
  await page.open(server, 'family&alone');
});
afterAll(() => server?.close());

const found = (): Locator => panel.locator('.path-found strong');
const current = (): Locator => panel.locator('.path-station[aria-current="step"]');
/**
 * Tells the page the text through models of these sizes: the largest is the model here, the others give half the logarithm and no first
 * choice.
 */
async function tellSizes(parameters: readonly number[]): Promise<void> {
  const { text, tokens, logprob, rank } = model.shown.explanation;
  await page.browser.page.evaluate(
    ({ serial, models, ...all }) => {
      const sizes = models.map((count, index) => ({
        name: `model-${index}`,
        family: 'llama',
        parameters: count,
        tokens: all.tokens,
        logprob: Float32Array.from(all.logprob, (value) => value * (models.length - index)),
        rank: Int32Array.from(all.rank, (value) => (index === models.length - 1 ? value : value + 1)),
      }));
      window.harness.send({ type: 'sizes', sizes: { with: serial, text: all.text, models: sizes, notices: [] }, open: true });
    },
    { serial: model.shown.serial, models: [...parameters], text, tokens: [...tokens], logprob: [...logprob], rank: [...rank] },
  );
}

describe('the path through the panel', { timeout: 180_000 }, () => {
  it('opens with a button, and is found station by station by the numbers of this text', async () => {
    const { explanation } = model.shown;
    const { tokens, logprob, rank } = explanation;
    await panel.locator('#path-toggle').click();
    expect(await panel.locator('.path-station').count()).toBe(9);
    await walkStations(walked);
    await isNotFoundYet(walked, 'Sizes');
    await panel.locator('.path-foot').getByRole('button', { name: 'Download a Model…' }).click();
    await panel.locator('.path-foot').getByRole('button', { name: 'More Models…' }).click();
    expect((await page.posted()).slice(-2)).toEqual([
      { type: 'command', name: 'downloadModel' },
      { type: 'command', name: 'compareSizes' },
    ]);
    await tellSizes([3e6]);
    await isNotFoundYet(walked, 'Sizes');
    await tellSizes([3e6, 9e6]);
    const bytes = Buffer.byteLength(explanation.text);
    const own = tokens.flatMap(({ special }, index) => (special || Number.isNaN(logprob[index]) ? [] : [index]));
    const [small = 0, , large = 0, , parts, better] = numbersIn((await isFound(walked)).replaceAll(/model-\d/g, ''));
    const sum = own.reduce((all, index) => all - (logprob[index] ?? 0) / Math.LN2, 0);
    expect([small, large]).toEqual([expect.closeTo((2 * sum) / bytes, 1), expect.closeTo(sum / bytes, 1)]);
    expect([parts, better]).toEqual([own.length, own.filter((index) => rank[index] === 1).length]);
    expect(await panel.locator('.path-number[data-done]').count()).toBe(9);
    expect(await page.violations()).toEqual([]);
  });

  it('stands in one line at every width, with the name of the current station alone where there is no room', async () => {
    for (const width of [480, 800, 1400]) {
      await page.browser.page.setViewportSize({ width, height: 900 });
      await page.settled();
      await page.picture(`path-${width}`);
      const tops = await panel.locator('.path-number').evaluateAll((all) => all.map((one) => Math.round(one.getBoundingClientRect().top)));
      expect([new Set(tops).size, tops.length]).toEqual([1, 9]);
      const seen = await panel
        .locator('.path-name')
        .evaluateAll((all) => all.flatMap((one) => (one.getBoundingClientRect().width > 1 ? [one.textContent] : [])));
      if (width < 1400) expect(seen).toEqual(['Sizes']);
      else expect(seen).toHaveLength(9);
    }
  });

  it('is left at any time, and goes on where it was, with what was found', async () => {
    await panel.locator('.path-station').nth(3).click();
    await panel.getByRole('button', { name: 'Leave the path' }).click();
    expect([await panel.locator('#path').isHidden(), await panel.locator('#path-toggle').getAttribute('aria-expanded')]).toEqual([
      true,
      'false',
    ]);
    await panel.locator('#tab-why').click();
    await panel.locator('#path-toggle').click();
    expect(await current().innerText()).toContain('Attention');
    expect(await panel.locator('#tab-attention').getAttribute('aria-selected')).toBe('true');
    expect(await panel.locator('.path-number[data-done]').count()).toBe(9);
  });

  // At 200 % zoom a panel of 1,440 x 900 has 720 x 450 pixels.
  it('leaves at least half of a low panel to the view at every station, in both languages', { timeout: 300_000 }, async () => {
    const shares: string[] = [];
    for (const language of ['en', 'zh-cn']) {
      await page.open(server, `family&alone&language=${language}`);
      await panel.locator('#path-toggle').click();
      for (const width of [720, 480]) {
        await page.browser.page.setViewportSize({ width, height: 450 });
        for (const station of await panel.locator('.path-station').all()) {
          await station.click();
          await page.settled();
          const name = await current().innerText();
          const { height } = (await panel.locator('.panels').boundingBox()) ?? expect.fail('no view');
          if (height < 225) shares.push(`${language}, ${width} px, ${name}: ${height} of 450`);
          if (name.startsWith('4')) await page.picture(`path-low-${language}-${width}`);
        }
      }
    }
    expect(shares).toEqual([]);
    await page.browser.page.setViewportSize({ width: 1400, height: 900 });
    await page.open(server, 'family&alone');
    await panel.locator('#path-toggle').click();
  });

  it('asks the extension for an example, by keyboard too', async () => {
    await panel.getByRole('button', { name: 'Read an example' }).press('Enter');
    await panel.getByRole('menuitem', { name: 'A line of code' }).press('Enter');
    expect((await page.posted()).filter(({ type }) => type === 'example')).toEqual([{ type: 'example', name: 'code' }]);
  });
});

it('is walked in Chinese too, through a Chinese text', { timeout: 180_000 }, async () => {
  const chinese = await openBundled(EXAMPLE_TEXTS.appleChinese.text);
  const its = await startHarness(chinese);
  try {
    await page.open(its, 'family&alone&language=zh-cn');
    await panel.locator('#path-toggle').click();
    await walkStations({ frame: panel, model: chinese, say: zh, settled: page.settled });
  } finally {
    its.close();
  }
});

describe('the path through other models', () => {
  it.each([
    ['bloom.1', /slope for each head.*forgets soonest/s],
    ['gpt2', /a vector for each place, learned/],
    ['nemotron_h.1', /told no places/],
  ])('says of %s how it tells places, and asks only for what can be found', async (name, said) => {
    const family = await startHarness(await openFamily(name));
    try {
      await page.open(family, 'family&alone');
      await panel.locator('#path-toggle').click();
      await panel.locator('.path-station').nth(2).click();
      await page.settled();
      expect(await panel.locator('.path-body').innerText()).toMatch(said);
      expect(await panel.locator('.path-task').count()).toBe(name === 'bloom.1' ? 1 : 0);
      if (name === 'bloom.1') {
        await panel.locator('#panel-positions .walk-controls input').nth(1).fill('0');
        await found().waitFor();
      }
      await panel.locator('.path-station').nth(3).click();
      await panel.locator('.best-head').first().waitFor();
      await page.settled();
      expect(await panel.locator('.path .view-failure').count()).toBe(0);
    } finally {
      family.close();
    }
  });
});
