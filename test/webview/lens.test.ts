import type { FrameLocator, Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { LensPiece } from '../../webview/figures/lensGrid.ts';
import type { Browser } from '../e2e/browser.ts';
import { openBundled } from './family.ts';
import { startHarness, type HarnessServer } from './harness/server.ts';
import { panelPage } from './panelPage.ts';

/** Some 300 tokens: more columns than any window shows. */
const TEXT = 'The lighthouse keeper counted the ships that passed in the night, and wrote their names into a book. '.repeat(14);
const LAYERS = 7;

const page = panelPage();
const { posted, picture, settled } = page;
let server: HarnessServer;
let browser: Browser;
let panel: FrameLocator;
/** While set, answers of the lens wait. */
let held: Promise<void> | undefined;
let failing = false;
let tokens = 0;

beforeAll(async () => {
  const opened = await openBundled(TEXT);
  tokens = opened.shown.explanation.tokens.length;
  server = await startHarness({
    ...opened,
    answer: async (query, side) => {
      if (query.name === 'lens') {
        await held;
        if (failing) throw new Error('The model is gone.');
      }
      return opened.answer(query, side);
    },
  });
  ({ browser, panel } = page);
});
afterAll(() => server?.close());
// A test that failed holds nothing back from the next.
let release = (): void => undefined;
afterEach(() => {
  failing = false;
  release();
});

async function open(width: number, height: number): Promise<void> {
  await browser.page.setViewportSize({ width, height });
  await page.open(server, 'family&alone');
  await panel.locator('#tab-predictions').click();
}
const scroller = (): Locator => panel.locator('.lens-scroll');
async function pieces(): Promise<readonly LensPiece[]> {
  return (await posted()).flatMap((message) => (message.type === 'query' && message.query.name === 'lens' ? [message.query.args] : []));
}
/** Holds the answers of the lens back until `release` is called. */
function hold(): void {
  held = new Promise((resolve) => {
    release = () => {
      held = undefined;
      resolve();
    };
  });
}
/** Cells of the columns in sight that are on screen. */
const onScreen = (): Promise<{ readonly known: number; readonly busy: number; readonly empty: number }> =>
  scroller().evaluate((element) => {
    const box = element.getBoundingClientRect();
    const clip = element.closest('.panels')?.getBoundingClientRect() ?? box;
    const cells = [...element.querySelectorAll('.lens-cell')].filter((cell) => {
      const { left, right, top, bottom } = cell.getBoundingClientRect();
      return right > box.left && left < box.right && bottom > clip.top && top < clip.bottom;
    });
    const busy = cells.filter((cell) => cell.getAttribute('aria-busy') === 'true').length;
    const known = cells.filter((cell) => cell.hasAttribute('data-layer')).length;
    return { known, busy, empty: cells.length - busy - known };
  });

describe('the logit lens of a longer text', () => {
  it.each([480, 1400])('asks for what is on screen, then for a screen on either side, and no more (%i px)', async (width) => {
    await open(width, 900);
    await scroller().scrollIntoViewIfNeeded();
    await scroller().evaluate((element) => element.scrollIntoView({ block: 'end' }));
    await expect.poll(onScreen).toMatchObject({ busy: 0, empty: 0 });
    await settled();
    await picture(`lens-${width}`);
    // Everything ahead has been read when the count no longer grows.
    let count = -1;
    await expect
      .poll(
        async () => {
          const before = count;
          count = (await pieces()).length;
          return count === before;
        },
        { interval: 1000 },
      )
      .toBe(true);
    const drawn = await panel.locator('.lens-column').count();
    const read = (await pieces()).reduce((sum, { positions }) => sum + positions, 0);
    expect(read).toBeGreaterThanOrEqual(Math.min(tokens, drawn));
    expect(read).toBeLessThanOrEqual(2 * drawn + 24);
    expect(read).toBeLessThan(tokens / 2);
  });

  it('draws cells that are awaited as busy, never an older number, and asks once scrolling rests', async () => {
    await open(900, 900);
    await scroller().evaluate((element) => element.scrollIntoView({ block: 'end' }));
    await settled();
    hold();
    const asked = (await pieces()).length;
    await scroller().evaluate((element) => {
      for (const part of [0.3, 0.5, 0.9]) {
        element.scrollLeft = part * element.scrollWidth;
        // At once: between two frames of a busy machine it would rest.
        element.dispatchEvent(new Event('scroll'));
      }
    });
    await expect.poll(async () => (await onScreen()).busy).toBeGreaterThan(0);
    expect(await onScreen()).toMatchObject({ known: 0, empty: 0 });
    expect(await scroller().getAttribute('aria-busy')).toBe('true');
    await picture('lens-busy');
    // Nothing of the places scrolled past; what is beside the place left may have been asked for ahead.
    const places = (await pieces()).slice(asked).map(({ position }) => position);
    expect(Math.max(...places)).toBeGreaterThan(0.7 * tokens);
    expect(places.filter((position) => position > 0.2 * tokens && position < 0.7 * tokens)).toEqual([]);
    release();
    await expect.poll(onScreen).toMatchObject({ busy: 0, empty: 0 });
    await settled();
    // Back where it was: nothing is asked for what is there already.
    const before = (await pieces()).filter(({ position }) => position < 8).length;
    await scroller().evaluate((element) => {
      element.scrollLeft = 0;
    });
    await expect.poll(onScreen).toMatchObject({ busy: 0, empty: 0 });
    expect((await pieces()).filter(({ position }) => position < 8).length).toBe(before);
  });

  it('says why when the model is gone, and leaves no cell waiting', async () => {
    await open(900, 900);
    await scroller().evaluate((element) => element.scrollIntoView({ block: 'end' }));
    await settled();
    failing = true;
    await scroller().evaluate((element) => {
      element.scrollLeft = element.scrollWidth / 2;
    });
    await panel.locator('.lens').getByText('The model is gone.').waitFor();
    expect(await panel.locator('[aria-busy="true"]').count()).toBe(0);
    failing = false;
  });

  it('saves every cell as a table, and stops when told to', async () => {
    await open(900, 900);
    hold();
    const save = panel.locator('.lens-saving').getByRole('button', { name: /^Save: / });
    const csv = panel.getByRole('menuitem', { name: 'Table (CSV)' });
    await save.click();
    await csv.click();
    await panel.getByText(/^Computing the lens: /).waitFor();
    await panel.locator('.lens').getByRole('button', { name: 'Cancel' }).click();
    expect(await panel.getByText(/^Computing the lens: /).count()).toBe(0);
    release();
    const [name, content] = await page.savedFrom(save, 'Table (CSV)');
    expect(name).toBe('logit-lens.csv');
    const lines = content.trimEnd().split('\r\n');
    expect(lines).toHaveLength(1 + LAYERS * tokens);
    expect(lines[1]).toMatch(/^0,0,"""/);
    expect(await page.violations()).toEqual([]);
    expect(await save.isVisible()).toBe(true);
  });
});
