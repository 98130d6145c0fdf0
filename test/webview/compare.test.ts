import type { FrameLocator, Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Browser } from '../e2e/browser.ts';
import { comparePanels, FAMILY_TEXT, openBundled, openFamily } from './family.ts';
import { startHarness, type HarnessServer } from './harness/server.ts';
import { panelPage } from './panelPage.ts';

const FIRST = 'She ate a red apple after lunch. Shares of apple rose after the company showed a new phone.';
const SECOND = 'She ate a green apple after lunch. Shares of the company rose after it showed a new phone.';

const page = panelPage();
const { picture, posted, settled, violations } = page;
let browser: Browser;
let panel: FrameLocator;
let server: HarnessServer;
beforeAll(async () => {
  ({ browser, panel } = page);
});

async function open(options = ''): Promise<void> {
  await page.open(server, `family&${options}`);
  await panel.locator('#tab-compare').click();
  await settled();
}
const region = (name: string): Locator => panel.getByRole('region', { name, exact: true });
/** Pictures of the whole view; nothing may stick out of its window. */
async function pictureOf(name: string, theme: string, width: number, language: string): Promise<void> {
  await browser.page.setViewportSize({ width, height: 2600 });
  await open(`theme=${theme}&language=${language}`);
  await panel.locator('.maps .heatmaplayer image').first().waitFor({ state: 'attached' });
  await picture(`${name}-${theme}-${width}`);
  expect(await violations()).toEqual([]);
  await browser.page.setViewportSize({ width: 1280, height: 720 });
}

describe('two texts', () => {
  beforeAll(async () => {
    server = await startHarness(await comparePanels(await openBundled(FIRST, 'first.md'), await openBundled(SECOND, 'second.md'), 'text'));
  });
  afterAll(() => server?.close());

  it('are offered to be chosen while there is no second one', async () => {
    await open('alone');
    await panel.getByRole('button', { name: 'Compare With…' }).first().click();
    await panel.getByRole('button', { name: 'Another Model…' }).first().click();
    await expect
      .poll(async () => (await posted()).flatMap((message) => (message.type === 'command' ? [message.name] : [])))
      .toEqual(['compareWith', 'compareModel']);
  });

  it('stand aligned, with their totals and what sets them apart', async () => {
    await open();
    const sides = region('The two sides');
    expect(await sides.locator('.facts').first().innerText()).toMatch(/23\s+tokens\s+[\d.]+\s+bits\/token\s+[\d.]+\s+bits\/byte/);
    expect(await sides.locator('.status-text').innerText()).toMatch(
      /^\d+ of \d+ rows are tokens that both texts have, in the same order\. Per byte the second takes/,
    );
    const rows = region('Aligned tokens').locator('tbody tr');
    const apart = (await region('Aligned tokens').locator('tbody tr.apart').allInnerTexts()).map((text) => text.split(/\s+/).slice(0, 2));
    expect(apart[0]).toEqual(['·red', '–']);
    expect(apart.flat()).toContain('·green');
    // Before the first word that differs, so does nothing.
    expect((await rows.nth(2).locator('td').allInnerTexts()).slice(-2)).toEqual(['0.00', '0.000']);
  });

  it('are walked through with keys, and selected in the editor', async () => {
    await open();
    const body = region('Aligned tokens').locator('tbody');
    await body.locator('tr').nth(3).click();
    await body.locator('tr').nth(3).press('ArrowDown');
    await expect
      .poll(async () => (await posted()).filter((message) => message.type === 'select').map((message) => message.token))
      .toEqual([3, 4]);
    // The next row is of the second text alone: no token of the first is selected.
    await body.locator('tr').nth(4).press('ArrowDown');
    expect(await body.locator('tr').nth(5).getAttribute('aria-selected')).toBe('true');
    expect((await posted()).filter((message) => message.type === 'select')).toHaveLength(2);
  });

  it('have the attention of the same head asked of both sides', async () => {
    await open();
    const asked = async (): Promise<unknown[]> =>
      (await posted())
        .filter((message) => message.type === 'query' && message.query.name === 'attention')
        .map((message) => message.type === 'query' && [message.query, message.side]);
    await region('Attention of both sides').getByRole('slider', { name: 'Layer' }).fill('3');
    await expect.poll(asked).toContainEqual([{ name: 'attention', args: { layer: 3, head: 0 } }, 'second']);
    await expect.poll(asked).toContainEqual([{ name: 'attention', args: { layer: 3, head: 0 } }, undefined]);
    await expect.poll(() => region('Attention of both sides').locator('.maps .plot:visible').count()).toBe(3);
    expect(await region('Attention of both sides').locator('.caption').last().innerText()).toMatch(
      /drawn on the \d+ tokens that both sides have/,
    );
  });

  it('have a shared token followed through the layers of both', async () => {
    await open();
    const word = region('The same token in both texts');
    await word.getByLabel('Token of both texts').selectOption({ index: 8 });
    await expect
      .poll(async () => (await posted()).findLast((message) => message.type === 'query' && message.query.name === 'wordByLayer'))
      .toMatchObject({ query: { args: { first: { ids: null, token: 10 }, second: { token: 10 } } } });
  });

  it('show work with its progress, Cancel, failures and the way to try again', async () => {
    await open('alone');
    await browser.page.evaluate(() =>
      window.harness.send({
        type: 'comparing',
        work: { kind: 'working', message: 'Running the model…', fraction: 0.5, open: true },
        again: null,
      }),
    );
    await panel.getByRole('region', { name: 'Comparison', exact: true }).getByRole('button', { name: 'Cancel' }).click();
    await expect.poll(async () => (await posted()).at(-1)).toEqual({ type: 'cancelComparison' });
    await browser.page.evaluate(() =>
      window.harness.send({
        type: 'comparing',
        work: { kind: 'failed', what: '/texts/second.md', message: 'second.gguf cannot be read.' },
        again: 'second.md',
      }),
    );
    await panel.getByText('second.gguf cannot be read.').waitFor();
    await panel.getByRole('button', { name: 'Again With second.md' }).click();
    await expect.poll(async () => (await posted()).at(-1)).toEqual({ type: 'compareAgain' });
    await browser.page.evaluate(() => window.harness.send({ type: 'comparing', work: { kind: 'cancelled' }, again: null }));
    await panel.getByText('The comparison was cancelled.').waitFor();
  });

  it.each([
    ['dark', 480, 'en'],
    ['dark', 1400, 'zh-cn'],
    ['light', 1400, 'en'],
    ['light', 480, 'zh-cn'],
    ['high-contrast', 1400, 'en'],
    ['high-contrast-light', 800, 'en'],
  ])('fit their window (%s, %i px, %s)', (theme, width, language) => pictureOf('compare', theme, width, language));
});

describe('the same text twice', () => {
  it('says that nothing differs', async () => {
    server = await startHarness(await comparePanels(await openBundled('The same.'), await openBundled('The same.'), 'text'));
    await open();
    expect(await region('The two sides').locator('.status-text').innerText()).toBe('Both texts are the same: every difference is 0.');
    server.close();
  });
});

describe('one text and two models of different vocabularies', () => {
  beforeAll(async () => {
    server = await startHarness(await comparePanels(await openBundled(FAMILY_TEXT), await openFamily('mistral.1'), 'model'));
  });
  afterAll(() => server?.close());

  it('stands grouped by characters, without divergence and without vectors', async () => {
    await open();
    expect(await region('The two sides').locator('.status-text').innerText()).toMatch(/cut the text differently/);
    const first = await region('Aligned tokens').locator('tbody tr').nth(1).locator('td').allInnerTexts();
    expect(first[1]?.replaceAll(/\s/g, '')).toBe('the');
    expect(first.at(-1)).toBe('–');
    expect(await region('The same token in both texts').count()).toBe(0);
    expect(await region('Attention of both sides').locator('.caption').last().innerText()).toMatch(/different layers and heads/);
  });

  it('fits its window', () => pictureOf('compare-models', 'dark', 1400, 'en'));
});
