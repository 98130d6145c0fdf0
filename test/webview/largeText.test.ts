import type { FrameLocator, Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startHarness, type HarnessServer } from './harness/server.ts';
import { OPPOSITE } from './largeFixture.ts';
import { panelPage } from './panelPage.ts';

const TOKENS = 4096;

const page = panelPage();
let server: HarnessServer;
let panel: FrameLocator;
beforeAll(async () => {
  server = await startHarness();
  ({ panel } = page);
  await page.browser.page.setViewportSize({ width: 1280, height: 720 });
  await page.open(server, `tokens=${TOKENS}`);
  await panel.locator('#tab-tokens').click();
});
afterAll(() => server?.close());

const chips = (): Locator => panel.locator('.strip .token');
const rows = (): Locator => panel.locator('.token-table tbody tr[data-index]');
const chosen = (list: Locator): Locator => list.and(panel.locator('[aria-selected="true"]'));
/** The selected one's index, whether it is seen whole in the frame around it, and whether it has the focus. */
const place = (list: Locator, frame: string): Promise<object> =>
  chosen(list).evaluate((one, around) => {
    const box = one.closest(around)?.getBoundingClientRect();
    const own = one.getBoundingClientRect();
    return {
      index: Number((one as HTMLElement).dataset['index']),
      seen: box !== undefined && own.top >= box.top - 1 && own.bottom <= box.bottom + 1,
      focused: document.activeElement === one,
    };
  }, frame);

describe(`strip and table of ${TOKENS} tokens`, () => {
  it('have only the tokens on screen in the page, in the room of all, and count all for screen readers', async () => {
    expect(await chips().count()).toBeLessThan(700);
    expect(await rows().count()).toBeLessThan(80);
    expect(await panel.locator('*').count()).toBeLessThan(3000);
    expect(await chips().nth(20).getAttribute('aria-posinset')).toBe('21');
    expect(await chips().nth(20).getAttribute('aria-setsize')).toBe(String(TOKENS));
    expect(await panel.getByRole('listbox', { name: 'Tokens of the text' }).getByRole('option').count()).toBe(await chips().count());
    expect(await panel.locator('.token-table').getAttribute('aria-rowcount')).toBe(String(TOKENS + 1));
    expect(await rows().nth(5).getAttribute('aria-rowindex')).toBe('7');
    const { body, row } = await panel.locator('.token-table tbody').evaluate((one) => ({
      body: one.getBoundingClientRect().height,
      row: one.querySelector('[data-index]')?.getBoundingClientRect().height ?? 0,
    }));
    expect(body / row / TOKENS).toBeCloseTo(1, 3);
  });

  it('show, wherever they are scrolled to, the tokens of that place', async () => {
    for (const share of [0.5, 1, 0.25]) {
      await panel.locator('.strip').evaluate((one, to) => one.scrollTo(0, to * (one.scrollHeight - one.clientHeight)), share);
      await panel.locator('.panels').evaluate((one, to) => one.scrollTo(0, to * (one.scrollHeight - one.clientHeight)), share);
      const seen = (list: Locator, frame: string): Promise<{ readonly covered: number; readonly middle: number }> =>
        list.evaluateAll((all, around) => {
          const box = all[0]?.closest(around)?.getBoundingClientRect() ?? new DOMRect();
          const inside = all.filter((one) => {
            const own = one.getBoundingClientRect();
            return own.bottom > box.top + 1 && own.top < box.bottom - 1;
          });
          const edges = inside.map((one) => one.getBoundingClientRect());
          const [top, bottom] = [Math.min(...edges.map((one) => one.top)), Math.max(...edges.map((one) => one.bottom))];
          return {
            covered: (Math.min(bottom, box.bottom) - Math.max(top, box.top)) / box.height,
            middle: Number((inside[inside.length >> 1] as HTMLElement | undefined)?.dataset['index']),
          };
        }, frame);
      await expect.poll(async () => (await seen(chips(), '.strip')).covered).toBeGreaterThan(0.85);
      await expect.poll(async () => (await seen(rows(), '.panels')).covered).toBeGreaterThan(share === 1 ? 0.85 : 0.99);
      expect(Math.abs((await seen(chips(), '.strip')).middle / TOKENS - share)).toBeLessThan(0.06);
      expect(Math.abs((await seen(rows(), '.panels')).middle / TOKENS - share)).toBeLessThan(0.02);
    }
  });

  it('keep the columns where they are while other rows come into the page', async () => {
    const edges = (): Promise<readonly number[]> =>
      panel.locator('.token-table th').evaluateAll((all) => all.map((one) => Math.round(one.getBoundingClientRect().left)));
    const before = await edges();
    for (const top of [3000, 40_000, 0]) {
      await panel.locator('.panels').evaluate((one, to) => one.scrollTo(0, to), top);
      await page.browser.page.waitForTimeout(100);
      expect(await edges()).toEqual(before);
    }
  });

  it('go by keys to tokens that were not in the page, and keep the focus on them', async () => {
    await chips().nth(3).click();
    for (const [key, index] of [
      ['End', TOKENS - 1],
      ['ArrowLeft', TOKENS - 2],
      ['Home', 0],
      ['ArrowRight', 1],
    ] as const) {
      await chosen(chips()).press(key);
      await expect.poll(() => place(chips(), '.strip'), { message: key }).toEqual({ index, seen: true, focused: true });
      await expect.poll(() => place(rows(), '.panels'), { message: key }).toEqual({ index, seen: true, focused: false });
    }
    // A line down and up again leads back; many lines down lead on.
    await chosen(chips()).press('ArrowDown');
    await chosen(chips()).press('ArrowUp');
    await expect.poll(() => place(chips(), '.strip')).toMatchObject({ index: 1, seen: true, focused: true });
    for (let line = 0; line < 30; line++) await page.browser.page.keyboard.press('ArrowDown');
    const down = (await place(chips(), '.strip')) as { readonly index: number };
    expect(down).toMatchObject({ seen: true, focused: true });
    expect(down.index).toBeGreaterThan(200);
    await chosen(rows()).press('End');
    await expect.poll(() => place(rows(), '.panels')).toEqual({ index: TOKENS - 1, seen: true, focused: true });
    await chosen(rows()).press('ArrowUp');
    await expect.poll(() => place(rows(), '.panels')).toEqual({ index: TOKENS - 2, seen: true, focused: true });
  });

  it('keep the focus on a token that is scrolled out of sight', async () => {
    await chosen(chips()).press('Home');
    await panel.locator('.strip').evaluate((one) => one.scrollTo(0, 2000));
    await page.browser.page.waitForTimeout(100);
    expect(await place(chips(), '.strip')).toEqual({ index: 0, seen: false, focused: true });
    await page.browser.page.keyboard.press('ArrowRight');
    await expect.poll(() => place(chips(), '.strip')).toEqual({ index: 1, seen: true, focused: true });
  });

  it('come to the token that the editor selects, with its colour, mark and state', async () => {
    await page.browser.page.evaluate(() => {
      window.harness.send({ type: 'stale', tokens: [3001] });
      window.harness.send({ type: 'select', token: 3000 });
    });
    await expect.poll(() => place(chips(), '.strip')).toMatchObject({ index: 3000, seen: true });
    await expect.poll(() => place(rows(), '.panels')).toMatchObject({ index: 3000, seen: true });
    for (const one of [panel.locator('.strip [data-index="3001"]'), panel.locator('.token-table [data-index="3001"]')])
      expect(await one.getAttribute('class')).toMatch(/\bstale\b/);
    await panel.locator('.strip [data-index="3001"]').hover();
    await expect.poll(() => panel.locator('.token-table [data-index="3001"]').getAttribute('class')).toMatch(/\bmarked\b/);
    await page.picture('large-tokens');
  });

  it('break lines anew at another width, none of them wider than the strip, and stay where they are', async () => {
    for (const width of [480, 1400]) {
      await page.browser.page.setViewportSize({ width, height: 900 });
      await expect.poll(() => place(chips(), '.strip'), { message: `${width} px` }).toMatchObject({ index: 3000, seen: true });
      await expect.poll(() => place(rows(), '.panels'), { message: `${width} px` }).toMatchObject({ index: 3000, seen: true });
      const lines = await panel.locator('.strip').evaluate((strip) =>
        [...strip.querySelectorAll('.strip-line')].map((line) => ({
          high: line.getBoundingClientRect().height,
          right: Math.max(...[...line.children].map((one) => one.getBoundingClientRect().right)) - strip.getBoundingClientRect().right,
          cut: [...line.children].filter((one) => one.scrollWidth > one.clientWidth + 1).length,
        })),
      );
      expect(new Set(lines.map(({ high }) => high)).size).toBe(1);
      expect(Math.max(...lines.map(({ right }) => right))).toBeLessThanOrEqual(0);
      expect(lines.reduce((sum, { cut }) => sum + cut, 0)).toBe(0);
      await page.picture(`large-tokens-${width}`);
    }
  });
});

describe(`the table of ${TOKENS} rows`, () => {
  it('is sorted and filtered with only the rows on screen in the page, and begins at its top then', async () => {
    const sorter = (name: string): Locator => panel.getByRole('columnheader', { name }).getByRole('button');
    const group = panel.getByRole('group', { name: 'Rows of the table' });
    await page.browser.page.setViewportSize({ width: 480, height: 900 });
    const shown = (column: number): Promise<readonly (string | null)[]> =>
      rows().evaluateAll((all, place) => all.map((one) => one.children[place]?.textContent ?? null), column);
    await sorter('Surprisal, bits').click();
    const texts = async (): Promise<readonly number[]> => (await shown(6)).map(Number).filter((value) => !Number.isNaN(value));
    await expect.poll(async () => (await texts())[0]).toBeGreaterThan(10);
    // The selected row is in the page too, wherever it is.
    const bits = (await texts()).slice(0, 15);
    expect(bits).toEqual(bits.toSorted((a, b) => b - a));
    expect(await rows().count()).toBeLessThan(80);
    const top = (): Promise<number> =>
      panel
        .locator('.token-table')
        .evaluate((one) => one.getBoundingClientRect().top - (one.closest('.panels')?.getBoundingClientRect().top ?? 0));
    expect(await top()).toBeGreaterThan(-1);
    await group.getByRole('radio', { name: 'Words' }).check({ force: true });
    await group.getByLabel('Text').fill('model');
    await expect.poll(async () => new Set(await shown(1))).toEqual(new Set(['·model']));
    await page.picture('token-table-480');
    await panel.getByRole('button', { name: 'Show all rows' }).click();
    await group.getByRole('radio', { name: 'Tokens' }).check({ force: true });
    await sorter('Index').click();
    await expect.poll(async () => (await shown(0))[0]).toBe('0');
  });
});

describe(`an attention map of ${TOKENS} tokens`, () => {
  const card = (): Locator => panel.getByRole('region', { name: 'One head' });
  const note = (text: RegExp): Locator => card().locator('.axis-note').filter({ hasText: text });
  const cells = (): Promise<readonly [columns: number, rows: number]> =>
    card()
      .locator('.painted-cells')
      .first()
      .evaluate((one) => [(one as HTMLCanvasElement).width, (one as HTMLCanvasElement).height] as const);
  const zoom = (name: string): Promise<void> => card().getByRole('button', { name, exact: true }).click();

  it('shows the largest of each n x n weights and says so, and every weight where it is zoomed in', async () => {
    await page.browser.page.setViewportSize({ width: 1280, height: 900 });
    await panel.locator('.strip').evaluate((one) => one.scrollTo(0, 0));
    await page.tab('Attention');
    await note(/the strongest of 8 × 8 weights/).waitFor();
    expect(await cells()).toEqual([512, 512]);
    // Names in letters run upwards, others stand upright: each on an axis of its own.
    for (const axis of ['x', 'x2', 'y']) expect(await card().locator(`.${axis}tick text`).count(), axis).toBeGreaterThan(2);
    for (let step = 0; step < 3; step++) await zoom('Zoom in');
    await expect.poll(() => note(/Queries [\d,]+ to [\d,]+, keys/).isVisible()).toBe(true);
    expect(await note(/the strongest of/).isVisible()).toBe(false);
    expect(await cells()).toEqual([512, 512]);
    await page.picture('large-map-zoomed');
    await zoom('Whole map');
    await note(/the strongest of 8 × 8 weights/).waitFor();
    await page.picture('large-map');
  });

  it('names under the pointer the strongest weight of a square, and locks it', async () => {
    const over = card().locator('.plot-pointer').first();
    const box = (await over.boundingBox()) ?? expect.fail('The map has no place for the pointer.');
    // On the diagonal every square has a token and the one before.
    const place = { x: box.width * 0.25 + 0.5, y: box.height * 0.25 + 0.5 };
    await over.hover({ position: place });
    const tip = panel.getByRole('tooltip');
    await expect.poll(() => tip.innerText()).toMatch(/Query[^]*\(1,0\d\d\)[^]*Key[^]*\(1,0\d\d\)[^]*Share\s+(2[5-9]|3\d|4\d)/);
    await over.click({ position: place });
    await panel.getByRole('button', { name: 'Unlock' }).waitFor();
    await zoom('Zoom in');
    const part = /Queries ([\d,]+) to ([\d,]+), keys ([\d,]+) to ([\d,]+)/.exec(await note(/Queries/).innerText());
    const [from = 0, to = 0] = (part ?? []).slice(1).map((number) => Number(number.replaceAll(',', '')));
    expect(to - from).toBe(2047);
    expect(from).toBeLessThan(1024);
    expect(to).toBeGreaterThan(1024);
    const map = panel.getByRole('application', { name: /Attention of one head/ });
    await map.press('-');
    await note(/the strongest of 8 × 8 weights/).waitFor();
    await map.press('Escape');
  });

  it('draws a query’s bars by the same rule, and saves the map as a picture', async () => {
    await panel.locator('.strip .token[aria-selected="true"]').press('End');
    await card().getByText('a bar shows the largest of 8 weights').waitFor();
    await page.settled();
    expect(await card().locator('.head-row .point').count()).toBeLessThan(600);
    const [, svg] = await page.savedFrom(panel.getByRole('button', { name: 'Save: Attention of one head' }), 'Drawing (SVG)');
    expect(svg).toMatch(/^<svg[^]*<image/);
    expect(await page.violations()).toEqual([]);
  });

  it.each([
    ['light', 480],
    ['light', 1400],
    ['dark', 480],
    ['dark', 1400],
  ] as const)('fits its window (%s, %i px)', async (theme, width) => {
    await page.browser.page.evaluate((name) => window.harness.theme(name), theme);
    await page.browser.page.setViewportSize({ width, height: 900 });
    await page.settled();
    await card().scrollIntoViewIfNeeded();
    await page.browser.page.waitForTimeout(200);
    await page.picture(`large-map-${theme}-${width}`);
  });
});

describe('maps of pairs of tokens', () => {
  const cells = (of: Locator): Promise<readonly [columns: number, rows: number]> =>
    of
      .locator('.painted-cells')
      .first()
      .evaluate((one) => [(one as HTMLCanvasElement).width, (one as HTMLCanvasElement).height] as const);
  const tip = (): Locator => panel.getByRole('tooltip');

  it('of cosines show in each square the one farthest from the middle, say so, and show all where zoomed in', async () => {
    await page.browser.page.setViewportSize({ width: 1280, height: 900 });
    await page.tab('Embeddings');
    await panel.getByRole('radio', { name: 'Similarity' }).click();
    await page.settled();
    const card = panel.getByRole('region', { name: 'Similarity' });
    const note = card.locator('.axis-note').filter({ hasText: /of (\d+) × \1 cosines/ });
    await note.waitFor();
    const side = Number(/of (\d+)/.exec(await note.innerText())?.[1]);
    expect(side).toBeGreaterThan(3);
    expect(await cells(card)).toEqual([Math.ceil(TOKENS / side), Math.ceil(TOKENS / side)]);
    const over = card.locator('.plot-pointer').first();
    const box = (await over.boundingBox()) ?? expect.fail('The map has no place for the pointer.');
    const [row, column] = OPPOSITE;
    await over.hover({ position: { x: (box.width * column) / TOKENS, y: (box.height * row) / TOKENS } });
    await expect.poll(() => tip().innerText()).toMatch(new RegExp(`−0.900[^]*\\(${row}\\)[^]*\\(${column}\\)`));
    await page.picture('large-similarity');
    for (let step = 0; step < 4; step++) await card.getByRole('button', { name: 'Zoom in', exact: true }).click();
    await expect.poll(() => card.getByText(/Rows [\d,]+ to [\d,]+, columns/).isVisible()).toBe(true);
    expect(await note.isVisible()).toBe(false);
    await page.picture('large-similarity-zoomed');
    await card.getByRole('application').press('0');
    await note.waitFor();
  });

  it('of two sides and their difference do the same, each with a part of its own', async () => {
    await page.open(server, `tokens=${TOKENS}&compared`);
    await page.tab('Compare');
    const card = panel.getByRole('region', { name: 'Attention of both sides' });
    for (const [index, what] of [
      /strongest of \d+ × \d+ weights/,
      /strongest of \d+ × \d+ weights/,
      /largest of \d+ × \d+ differences/,
    ].entries()) {
      const map = card.locator('.map-side').nth(index);
      await map.locator('.axis-note').filter({ hasText: what }).waitFor();
      const [columns] = await cells(map);
      expect(columns).toBeLessThan(600);
      const over = map.locator('.plot-pointer').first();
      await over.scrollIntoViewIfNeeded();
      const box = (await over.boundingBox()) ?? expect.fail('The map has no place for the pointer.');
      // Beside the diagonal every square has a token and the one before.
      await over.hover({ position: { x: box.width * 0.25, y: box.height * 0.25 + 2 } });
      await expect.poll(() => tip().innerText()).toMatch(/Query[^]*\([19][\d,]+\)[^]*Key[^]*\([19][\d,]+\)/);
    }
    await page.picture('large-compare');
    const last = card.locator('.map-side').nth(2);
    await last.getByRole('button', { name: 'Zoom in', exact: true }).click();
    await last.getByText(/Queries [\d,]+ to/).waitFor();
    expect(
      await card
        .locator('.map-side')
        .nth(0)
        .getByText(/Queries [\d,]+ to/)
        .isVisible(),
    ).toBe(false);
  });

  it('come after bars and a table that hold what is on screen', async () => {
    const card = panel.getByRole('region', { name: 'Aligned tokens' });
    const shown = card.locator('tbody tr[data-index]');
    await card.getByText(/A bar shows the largest of \d+ rows/).waitFor();
    expect(await card.locator('.point').count()).toBeLessThan(1500);
    expect(await shown.count()).toBeLessThan(60);
    expect(await card.getByRole('grid').getAttribute('aria-rowcount')).toBe(String(TOKENS + 1));
    await card.locator('.compare-frame').evaluate((frame) => frame.scrollTo(0, frame.scrollHeight / 2));
    await expect.poll(async () => Math.abs(Number(await shown.nth(10).getAttribute('data-index')) - TOKENS / 2)).toBeLessThan(40);
    expect(new Set(await shown.evaluateAll((all) => all.map((row) => row.getBoundingClientRect().height))).size).toBe(1);
    await shown.nth(10).click();
    const chosenRow = card.locator('tr[aria-selected="true"]');
    await chosenRow.press('End');
    const index = (): Promise<object> => place(card.locator('tbody tr[data-index]'), '.compare-frame');
    await expect.poll(index).toEqual({ index: TOKENS - 1, seen: true, focused: true });
    await chosenRow.press('ArrowUp');
    await expect.poll(index).toEqual({ index: TOKENS - 2, seen: true, focused: true });
    await chosenRow.press('Home');
    await expect.poll(index).toEqual({ index: 0, seen: true, focused: true });
    expect(await page.violations()).toEqual([]);
  });

  it.each([
    ['light', 480],
    ['light', 800],
    ['dark', 1400],
  ] as const)('of two sides fit their window (%s, %i px)', async (theme, width) => {
    await page.browser.page.evaluate((name) => window.harness.theme(name), theme);
    await page.browser.page.setViewportSize({ width, height: 900 });
    await page.settled();
    await panel.getByRole('region', { name: 'Attention of both sides' }).scrollIntoViewIfNeeded();
    await page.browser.page.waitForTimeout(200);
    await page.picture(`large-compare-${theme}-${width}`);
  });
});
