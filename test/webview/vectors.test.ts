import type { FrameLocator, Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Browser } from '../e2e/browser.ts';
import { shownNumber } from '../shownNumber.ts';
import { openBundled } from './family.ts';
import { startHarness, type HarnessServer } from './harness/server.ts';
import { panelPage } from './panelPage.ts';

const TEXT = 'She ate a red apple after lunch. Shares of apple rose after the company showed a new phone.';
const VIEWS = ['Neighbours', 'Arithmetic', 'Words', 'Context', 'Similarity'] as const;

const page = panelPage();
const { picture, posted, settled, violations } = page;
let browser: Browser;
let panel: FrameLocator;
let server: HarnessServer;
beforeAll(async () => {
  server = await startHarness(await openBundled(TEXT));
  ({ browser, panel } = page);
});
afterAll(() => server?.close());

const open = (options = '', kept?: 'kept'): Promise<void> => page.open(server, `family&${options}`, kept);
async function view(name: string): Promise<void> {
  await panel.locator('#tab-embeddings').click();
  await panel
    .locator('.embedding-views .segment')
    .nth(['Map', ...VIEWS].indexOf(name))
    .click();
  await settled();
}
const region = (name: string): Locator => panel.getByRole('region', { name });

describe('vectors of the bundled model in the panel', () => {
  // The first of all: the page opens where it was left.
  it('looks for neighbours in the vocabulary only where they are seen', async () => {
    await open();
    const asked = async (): Promise<readonly string[]> =>
      (await posted()).flatMap((message) => (message.type === 'query' ? [message.query.name] : []));
    for (const tab of ['tokens', 'attention', 'predictions', 'forward', 'generate']) {
      await panel.locator(`#tab-${tab}`).click();
      await settled();
    }
    for (const name of ['Map', 'Context', 'Similarity']) await view(name);
    expect((await asked()).filter((name) => ['neighbours', 'lensTop', 'words', 'vectorMap'].includes(name))).toEqual([]);
    await view('Neighbours');
    await expect.poll(asked).toEqual(expect.arrayContaining(['neighbours', 'lensTop']));
  });

  it('lists the nearest tokens of the selected token, and of a typed word', async () => {
    await open();
    await view('Neighbours');
    const near = region('Nearest in the static table');
    expect(await near.locator('tbody tr').count()).toBe(15);
    await panel.locator('.strip .token').nth(5).click();
    await expect.poll(() => near.getByRole('heading', { level: 2 }).innerText()).toBe('Nearest to ·apple');
    await near.getByLabel('Word', { exact: true }).fill('lighthouses');
    await expect.poll(() => near.getByRole('heading', { level: 2 }).innerText()).toContain('mean of ·l + igh + th + ouses');
    await near.getByLabel('Word: taken as').selectOption({ label: 'igh' });
    await expect.poll(() => near.getByRole('heading', { level: 2 }).innerText()).toBe('Nearest to igh');
    expect(await near.locator('.caption').last().innerText()).toMatch(/each of the 16,38\d other rows/);
    const lens = region('Through the final norm and unembedding');
    await lens.getByRole('slider', { name: 'Layer' }).press('End');
    await settled();
    expect(await lens.locator('tbody tr').first().locator('.strong').innerText()).toMatch(/%$/);
  });

  it('adds vectors, says what was left out, and what a word of several tokens stands for', async () => {
    await open();
    await view('Arithmetic');
    const card = region('Vector arithmetic');
    await expect.poll(() => card.locator('tbody tr').first().locator('.chip').innerText()).toBe('·son');
    expect(await card.locator('.caption').last().innerText()).toContain('left out');
    await card.getByLabel('a', { exact: true }).fill('excellent');
    await expect.poll(() => card.locator('.caption').last().innerText()).toContain('mean of their rows');
    await card.getByLabel('a', { exact: true }).fill('');
    await expect.poll(() => card.locator('.caption').last().innerText()).toBe('Type three words.');
    expect(await card.locator('.plot:visible').count()).toBe(0);
    await card.getByRole('button', { name: 'Example' }).click();
    await expect.poll(() => card.locator('tbody tr').first().locator('.chip').innerText()).toBe('·son');
  });

  it('finds one token at two places of the text, with the same static vector', async () => {
    await open();
    await view('Context');
    const card = region('One token in two contexts');
    await expect.poll(() => card.getByRole('heading', { level: 3 }).innerText()).toContain('·apple');
    await card.getByLabel('Token', { exact: true }).selectOption({ label: '·after  (2×)' });
    await expect.poll(() => card.getByRole('heading', { level: 3 }).innerText()).toContain('·after');
    await settled();
    const cosines = (await card.locator('table td').allInnerTexts()).map(shownNumber);
    expect(cosines).toHaveLength(8);
    expect(cosines[0]).toBe(1);
    expect(Math.min(...cosines)).toBeLessThan(0.95);
    await card.getByRole('button', { name: /^Example/ }).click();
    await settled();
    expect(await card.getByLabel('First text').inputValue()).toContain('red apple');
    await expect.poll(() => card.getByLabel('First place').locator('option').first().innerText()).toContain('[·apple]');
    await card.getByLabel('Second text').fill('Nothing in common');
    await expect.poll(() => card.locator('.caption').last().innerText()).toContain('share no token');
  });

  it('moves along the matrix of cosines with arrow keys', async () => {
    await open();
    await view('Similarity');
    const matrix = panel.getByRole('application', { name: 'Cosine of every pair of tokens' });
    await matrix.press('ArrowUp');
    await expect.poll(async () => (await posted()).filter((message) => message.type === 'select').length).toBe(1);
    await expect.poll(() => panel.locator('[role="status"].visually-hidden').innerText()).toMatch(/most like .*, cosine \d/);
  });

  it('comes back to the same view and words after a reload', async () => {
    await open();
    await view('Words');
    await region('Words of your own').getByLabel('Words, with spaces between').fill('cat dog');
    await expect.poll(() => browser.page.evaluate(() => sessionStorage.getItem('state') ?? '')).toContain('cat dog');
    await open('', 'kept');
    await expect.poll(() => region('Words of your own').getByLabel('Words, with spaces between').inputValue()).toBe('cat dog');
    await region('Words of your own').getByRole('button', { name: 'Example' }).click();
  });

  it.each([
    ['dark', 'en', 480],
    ['light', 'zh-cn', 1400],
    ['high-contrast', 'en', 1400],
    ['high-contrast-light', 'zh-cn', 480],
  ] as const)('fits its window (%s, %s, %i px)', async (theme, language, width) => {
    await browser.page.setViewportSize({ width, height: 1000 });
    await open(`theme=${theme}&language=${language}`);
    for (const name of VIEWS) {
      await view(name);
      await picture(`vectors-${name.toLowerCase()}-${theme}-${width}`);
    }
    expect(await violations()).toEqual([]);
    await browser.page.setViewportSize({ width: 1280, height: 720 });
  });
});
