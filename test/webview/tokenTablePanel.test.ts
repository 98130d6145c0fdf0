import type { FrameLocator, Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startHarness, type HarnessServer } from './harness/server.ts';
import { panelPage } from './panelPage.ts';
import { readFixture } from './readFixture.ts';

const page = panelPage();
let server: HarnessServer;
let panel: FrameLocator;
beforeAll(async () => {
  server = await startHarness();
  ({ panel } = page);
  await page.browser.page.setViewportSize({ width: 1280, height: 900 });
  await page.open(server, '');
});
afterAll(() => server?.close());

const { explanation } = readFixture().shown;
const bits = explanation.tokens.map(({ index }) => -(explanation.logprob[index] ?? Number.NaN) / Math.LN2);
const bySurprisal = explanation.tokens.map(({ index }) => index).toSorted((a, b) => (bits[b] || 0) - (bits[a] || 0));

const rows = (): Locator => panel.locator('.token-table tbody tr[data-index]');
const indices = (count: number): Promise<readonly number[]> =>
  rows().evaluateAll((all, most) => all.slice(0, most).map((one) => Number((one as HTMLElement).dataset['index'])), count);
const selected = (): Promise<readonly number[]> =>
  rows().evaluateAll((all) =>
    all.filter((one) => one.getAttribute('aria-selected') === 'true').map((one) => Number((one as HTMLElement).dataset['index'])),
  );
const sorter = (name: string): Locator => panel.getByRole('columnheader', { name }).getByRole('button');
const caption = (): Promise<string> => panel.locator('.table-copy .caption').first().innerText();
const field = (name: string): Locator => panel.getByRole('group', { name: 'Rows of the table' }).getByLabel(name);

async function lastOf<Type extends 'pick' | 'copy' | 'select'>(type: Type) {
  return (await page.posted())
    .flatMap((message) => (message.type === type ? [message as Extract<typeof message, { type: Type }>] : []))
    .at(-1);
}

describe('the table of tokens', () => {
  it('is sorted by a column with the mouse and the keyboard, and says so', async () => {
    await sorter('Surprisal, bits').click();
    expect(await panel.getByRole('columnheader', { name: 'Surprisal, bits' }).getAttribute('aria-sort')).toBe('descending');
    expect(await indices(20)).toEqual(bySurprisal.slice(0, 20));
    await sorter('Surprisal, bits').press('Enter');
    expect(await panel.getByRole('columnheader', { name: 'Surprisal, bits' }).getAttribute('aria-sort')).toBe('ascending');
    expect(await panel.locator('[role="status"]').allInnerTexts()).toContain('Sorted by Surprisal, bits, ascending');
    await sorter('Index').press(' ');
    expect(await panel.locator('[aria-sort]').count()).toBe(1);
    expect(await indices(5)).toEqual([0, 1, 2, 3, 4]);
  });

  it('is filtered while typing, and shows all rows again', async () => {
    await field('Text').fill('MODEL');
    const wanted = explanation.tokens.filter(({ text }) => text === ' model').map(({ index }) => index);
    expect(await indices(100)).toEqual(wanted);
    expect(await caption()).toBe(`${wanted.length} of ${explanation.tokens.length} rows`);
    await field('Text').fill('');
    await field('Bytes and ids').check({ force: true });
    await panel.getByRole('spinbutton', { name: 'Id' }).fill('745');
    expect(await indices(100)).toEqual(explanation.tokens.filter(({ id }) => id === 745).map(({ index }) => index));
    await field('Bits, at least').fill('30');
    await panel.getByText('No row passes this filter.').waitFor();
    expect(await panel.getByRole('button', { name: 'Copy as TSV' }).isVisible()).toBe(false);
    await panel.getByRole('button', { name: 'Show all rows' }).click();
    await expect.poll(() => rows().count()).toBe(explanation.tokens.length);
    expect(await panel.getByRole('spinbutton', { name: 'Id' }).inputValue()).toBe('');
  });

  it('has words as rows, with the sums of their tokens’ bits', async () => {
    await panel.getByRole('radio', { name: 'Words' }).check({ force: true });
    expect(await rows().count()).toBeLessThan(explanation.tokens.length);
    await sorter('Tokens').click();
    const [index = 0] = await indices(1);
    const cells = await rows().first().locator('td').allInnerTexts();
    const count = Number(cells[3]);
    expect(count).toBeGreaterThan(1);
    const sum = bits.slice(index, index + count).reduce((total, value) => total + value, 0);
    expect(cells[5]).toBe(sum.toFixed(2));
    await rows().first().hover();
    expect(await panel.locator('.strip .token.marked').count()).toBe(count);
    await panel.getByRole('radio', { name: 'Tokens' }).check({ force: true });
    await sorter('Index').click();
    await expect.poll(() => indices(2)).toEqual([0, 1]);
  });

  it('selects several rows with mouse and keys, marks their tokens in the editor, and copies them', async () => {
    await rows().nth(3).click();
    await rows()
      .nth(6)
      .click({ modifiers: ['Shift'] });
    expect(await selected()).toEqual([3, 4, 5, 6]);
    await rows()
      .nth(5)
      .click({ modifiers: ['Control'] });
    await rows()
      .nth(9)
      .click({ modifiers: ['Control'] });
    expect(await lastOf('pick')).toEqual({ type: 'pick', tokens: [3, 4, 6, 9] });
    expect(await caption()).toMatch(/^4 rows selected/);
    expect(await panel.locator('.strip .token.marked').count()).toBe(4);
    await panel.getByRole('button', { name: 'Copy as JSON' }).click();
    const copied = JSON.parse((await lastOf('copy'))?.text ?? '') as readonly { readonly index: number }[];
    expect(copied.map(({ index }) => index)).toEqual([3, 4, 6, 9]);
    await panel.getByText('4 rows copied').first().waitFor();
    const current = panel.locator('.token-table tbody tr[tabindex="0"]');
    await current.press('Control+c');
    expect((await lastOf('copy'))?.text.split('\n')).toHaveLength(6);
    await current.press('Shift+ArrowDown');
    expect(await selected()).toEqual([9, 10]);
    await current.press('Control+ArrowDown');
    await current.press('Control+ArrowDown');
    await current.press(' ');
    expect(await selected()).toEqual([9, 10, 12]);
    await current.press('Control+a');
    expect((await lastOf('pick'))?.tokens).toHaveLength(explanation.tokens.length);
    await current.press('Escape');
    expect(await lastOf('pick')).toEqual({ type: 'pick', tokens: [] });
    expect(await selected()).toEqual([12]);
    expect(await panel.locator('.strip .token.marked').count()).toBe(0);
    await current.press('ArrowUp');
    expect(await lastOf('select')).toEqual({ type: 'select', token: 11 });
  });

  it('shows a histogram with its numbers as a table, and filters by a bar', async () => {
    await panel.locator('.tokens-view .facts').scrollIntoViewIfNeeded();
    await panel.getByText('Histogram of surprisal').click();
    await panel.locator('.histogram .plot .point').first().waitFor();
    await page.settled();
    const numbers = await panel
      .locator('.histogram tbody tr')
      .evaluateAll((all) => all.map((one) => one.textContent.replaceAll(/\s+/g, ' ').trim()));
    const steps = Math.floor(Math.max(...bits.filter((value) => value > 0))) + 1;
    expect(numbers).toHaveLength(steps);
    const inFirst = bits.filter((value) => value >= 0 && value < 1).length;
    expect(numbers[0]).toBe(`0 to 1 bits ${inFirst} ${inFirst}`);
    const box = (await panel.locator('.histogram .plot').boundingBox()) ?? expect.fail('The histogram has no place.');
    const [left, right] = [44, 12];
    const at = { x: left + ((box.width - left - right) * 12.5) / steps, y: 60 };
    await panel.locator('.histogram .plot').hover({ position: at });
    await panel.getByRole('tooltip').getByText('12 to 13 bits').waitFor();
    await panel.locator('.histogram .plot').click({ position: at });
    await expect.poll(() => field('Bits, at least').inputValue()).toBe('12');
    expect(await rows().count()).toBe(bits.filter((value) => value >= 12).length);
    await page.picture('token-table');
    expect(await page.violations()).toEqual([]);
  });
});

describe('a table of more rows than a screen has', () => {
  it('begins with some of them, and has all in the page once those are on screen', async () => {
    const tokens = 300;
    await page.open(server, `tokens=${tokens}`);
    await panel.locator('#tab-tokens').click();
    await expect.poll(() => rows().count()).toBe(tokens);
    await field('Text').fill('no such token');
    const first = await panel.getByRole('button', { name: 'Show all rows' }).evaluate((button) => {
      (button as HTMLButtonElement).click();
      return document.querySelectorAll('.token-table tbody tr').length;
    });
    expect([first > 40, first < tokens]).toEqual([true, true]);
    await expect.poll(() => indices(tokens)).toEqual(Array.from({ length: tokens }, (_, index) => index));
    // The last row is sought out: all are there at once.
    const sorted = await sorter('Index').evaluate((button) => {
      (button as HTMLButtonElement).click();
      return document.querySelectorAll('.token-table tbody tr').length;
    });
    expect(sorted).toBe(tokens);
  });
});
