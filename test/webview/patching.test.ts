import type { FrameLocator, Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { promisingFirst, type PatchEstimate, type PatchGrid } from '../../src/core/patchGrid.ts';
import { at } from '../../src/core/tensor.ts';
import { agreementOf, correlationOf } from '../../webview/figures/patchFigures.ts';
import { patchPlace, patchQuestion } from '../../webview/figures/patchQuestion.ts';
import { shownNumber } from '../shownNumber.ts';
import { comparePanels, FAMILY_TEXT, openBundled, openFamily, type OpenPanel } from './family.ts';
import { startHarness, type HarnessServer } from './harness/server.ts';
import { panelPage } from './panelPage.ts';

const FIRST = 'When Mary and John went to the shop, John gave a bottle of milk to';
const SECOND = 'When Mary and John went to the shop, Mary gave a bottle of milk to';

describe('estimates beside measurements', () => {
  const [estimate, shares] = [Float32Array.of(0, 1, 2, 3, NaN, 5), Float32Array.of(0, 3, 5, NaN, NaN, 11)];

  it('are of the measured cells, without those that are the same in both texts', () => {
    expect(agreementOf(estimate, shares)).toEqual({ cells: [1, 2, 5], estimates: [1, 2, 5], shares: [3, 5, 11] });
  });

  it('correlate as Pearson says', () => {
    expect(correlationOf(agreementOf(estimate, shares))).toBeCloseTo(1, 12);
    // numpy.corrcoef([1, 2, 3], [2, 1, 4])[0, 1]
    expect(correlationOf({ cells: [0, 1, 2], estimates: [1, 2, 3], shares: [2, 1, 4] })).toBeCloseTo(0.654653670707977, 12);
    expect(correlationOf({ cells: [0], estimates: [1], shares: [2] })).toBeNaN();
  });
});

describe('patching between two texts', () => {
  const page = panelPage();
  const { picture, settled, violations } = page;
  let server: HarnessServer;
  let first: OpenPanel;
  let second: OpenPanel;
  let panel: FrameLocator;
  let card: Locator;
  beforeAll(async () => {
    first = await openBundled(FIRST, 'first.md');
    second = await openBundled(SECOND, 'second.md');
    server = await startHarness(await comparePanels(first, second, 'text'));
  });
  afterAll(() => server?.close());

  async function open(options = ''): Promise<void> {
    await page.open(server, `family&${options}`);
    ({ panel } = page);
    await panel.locator('#tab-compare').click();
    await settled();
    card = panel.locator('.compare-patching');
  }
  const asked = (grid: PatchGrid) => {
    const place = patchPlace(first.shown.explanation, second.shown.explanation, 0);
    if (place === null) throw new Error('There is no place.');
    return { ...patchQuestion(place, {}), grid, clean: [...second.shown.explanation.run.ids] };
  };
  const engine = (grid: PatchGrid): Promise<PatchEstimate> => first.remote.ask(first.shown.explanation.run, 'patch', asked(grid));
  const shown = async (name: string): Promise<number> => {
    const [, value = ''] = new RegExp(`${name} ([+−][\\d.]+)`).exec(await card.locator('.patch-readout').innerText()) ?? [];
    return shownNumber(value);
  };
  const done = (): Promise<void> => card.getByText(/^\d+ cells measured; correlation/).waitFor({ timeout: 120_000 });

  it('asks at the last token for what the second text raises most there, rather than what it lowers most', async () => {
    const { position, token, rival } = asked('residual');
    expect(position).toBe(first.shown.explanation.tokens.length - 1);
    const ids = new Set([first, second].flatMap(({ shown: { explanation } }) => Array.from(explanation.topIds.slice(-explanation.topK))));
    const logprobs = async ({ remote, shown: { explanation } }: OpenPanel): Promise<Float32Array> =>
      (await remote.ask(explanation.run, 'logits', { positions: Int32Array.of(position) })).logits;
    const [before, after] = [await logprobs(first), await logprobs(second)];
    const gains = [...ids].filter((id) =>
      [first, second].every(({ shown: { explanation } }) => explanation.topIds.slice(-10).includes(id)),
    );
    const sorted = gains.toSorted((a, b) => at(after, b) - at(before, b) - at(after, a) + at(before, a));
    expect([token, rival]).toEqual([sorted[0], sorted.at(-1)]);
    // Of tokens that only one text has among its likeliest, one can be chosen.
    const place = patchPlace(first.shown.explanation, second.shown.explanation, 0);
    const other = place?.candidates.find((one) => one.id !== token && one.id !== rival)?.id ?? -1;
    expect(place && patchQuestion(place, { token: other })).toMatchObject({ token: other, rival });
    expect(place && patchQuestion(place, { rival: null })).toMatchObject({ token, rival: null });
  });

  it('shows the engine’s estimates and measurements of heads, cell by cell', async () => {
    await open();
    await card.locator('.segment', { hasText: 'Heads' }).click();
    await card.getByRole('button', { name: 'Patch the first text' }).click();
    await done();
    const measured = card.getByRole('application', { name: /^Measured shares/ });
    expect(await measured.evaluate((map) => map === document.activeElement)).toBe(true);
    const { estimate, clean, corrupted } = await engine('heads');
    const best = estimate.reduce((most, value, cell) => (Math.abs(value) > Math.abs(at(estimate, most)) ? cell : most), 0);
    const { shares } = await first.remote.ask(first.shown.explanation.run, 'patchCells', { ...asked('heads'), cells: [best, best + 1] });
    expect(await shown('measured')).toBeCloseTo(at(shares, 0), 3);
    expect(await shown('estimated')).toBeCloseTo(at(estimate, best), 3);
    const facts = (await card.locator('.facts dd').allInnerTexts()).map(shownNumber);
    expect(facts[0]).toBeCloseTo(corrupted, 3);
    expect(facts[1]).toBeCloseTo(clean, 3);
    await measured.press('ArrowRight');
    expect(await shown('measured')).toBeCloseTo(at(shares, 1), 3);
    expect(await violations()).toEqual([]);
  });

  it('stops when told to, goes on from there, and keeps what it knows of another grid', async () => {
    await open();
    await card.locator('.segment', { hasText: 'Residual' }).click();
    // Two answers of one cell each come on every machine; the next is held back until the measurement is stopped.
    let [answers, goOnAnswering] = [0, (): void => undefined];
    const stopped = new Promise<void>((resolve) => (goOnAnswering = resolve));
    await page.browser.page.route('**/?query=*', async (route) => {
      const url = new URL(route.request().url());
      const query = JSON.parse(url.searchParams.get('query') ?? '') as { name: string; args: { cells: unknown[] } };
      if (query.name === 'patchCells' && ++answers > 2) await stopped;
      else if (query.name === 'patchCells') query.args.cells.length = 1;
      url.searchParams.set('query', JSON.stringify(query));
      await route.continue({ url: url.href });
    });
    await card.getByRole('button', { name: 'Patch the first text' }).click();
    await card.getByText(/^Measuring: 2 of/).waitFor();
    await card.getByRole('button', { name: 'Cancel' }).press('Enter');
    const goOn = card.getByRole('button', { name: 'Go on measuring' });
    await goOn.waitFor();
    goOnAnswering();
    expect(await goOn.evaluate((button) => button === document.activeElement)).toBe(true);
    const [before = ''] = /^\d+/.exec(await card.getByText(/^\d+ cells? measured/).innerText()) ?? [];
    await card.locator('.segment', { hasText: 'MLP output' }).click();
    await card.getByRole('button', { name: 'Patch the first text' }).waitFor();
    await card.locator('.segment', { hasText: 'Residual' }).click();
    await goOn.click();
    await done();
    await page.browser.page.unroute('**/?query=*');
    const [after = ''] = /^\d+/.exec(await card.getByText(/^\d+ cells measured/).innerText()) ?? [];
    expect(Number(before)).toBe(2);
    expect(Number(after)).toBeGreaterThan(2);
    const { estimate } = await engine('residual');
    const [best = 0] = promisingFirst(estimate);
    const { shares } = await first.remote.ask(first.shown.explanation.run, 'patchCells', { ...asked('residual'), cells: [best] });
    expect(await shown('measured')).toBeCloseTo(at(shares, 0), 3);
    // Where the texts are the same, a cell changes nothing.
    expect(estimate.slice(0, 5).every((value) => value === 0)).toBe(true);
  });

  it.each([
    ['dark', 480, 'en'],
    ['light', 800, 'zh-cn'],
    ['high-contrast', 1400, 'en'],
  ])('fits its window (%s, %i px, %s)', async (theme, width, language) => {
    await page.browser.page.setViewportSize({ width, height: 3600 });
    await open(`theme=${theme}&language=${language}`);
    await card.locator('.buttons .button, .buttons button').first().click();
    await expect.poll(() => card.locator('.patch-maps .heatmaplayer image').count(), { timeout: 120_000 }).toBe(2);
    await expect.poll(() => card.locator('.repeated-working').isVisible(), { timeout: 120_000 }).toBe(false);
    await settled();
    await picture(`patching-${theme}-${width}`);
    expect(await violations()).toEqual([]);
    await page.browser.page.setViewportSize({ width: 1280, height: 720 });
  });
});

describe('texts that cannot be patched', () => {
  const page = panelPage();

  it('are two that predict alike, which a sentence says', async () => {
    const server = await startHarness(await comparePanels(await openBundled(FIRST), await openBundled(FIRST), 'text'));
    try {
      await page.open(server, 'family');
      await page.panel.locator('#tab-compare').click();
      await page.settled();
      const start = page.panel.getByRole('button', { name: 'Patch the first text' });
      await start.click();
      const [, one, other] = /difference is (\S+) in the one and (\S+) in the other/.exec(
        await page.panel.locator('.compare-patching .view-failure:visible').innerText(),
      ) ?? ['', '', '-'];
      expect(one).toBe(other);
      expect(await start.evaluate((button) => button === document.activeElement)).toBe(true);
    } finally {
      server.close();
    }
  });

  it('are those of two models: numbers of one mean nothing in the other', async () => {
    const server = await startHarness(await comparePanels(await openBundled(FAMILY_TEXT), await openFamily('mistral.1'), 'model'));
    try {
      await page.open(server, 'family');
      await page.panel.locator('#tab-compare').click();
      await page.settled();
      expect(await page.panel.locator('.compare-patching').isVisible()).toBe(false);
    } finally {
      server.close();
    }
  });
});
