import type { FrameLocator, Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Browser } from '../e2e/browser.ts';
import { comparePanels, openBundled } from './family.ts';
import { startHarness, type HarnessServer } from './harness/server.ts';
import { panelPage } from './panelPage.ts';

const TABS = ['model', 'tokens', 'attention', 'embeddings', 'positions', 'predictions', 'forward', 'why', 'generate', 'compare'] as const;
/** One of each kind that a view has. */
const TAKERS = [
  'select',
  'input[type="range"]',
  'input[type="radio"]',
  'input[type="checkbox"]',
  'input[type="number"]',
  'input[type="text"]',
  '[role="slider"]',
  '[role="radio"]',
];

const page = panelPage();
let browser: Browser;
let panel: FrameLocator;
let server: HarnessServer;
beforeAll(async () => {
  ({ browser, panel } = page);
  server = await startHarness(
    await comparePanels(
      await openBundled('An apple and a pear and an apple.'),
      await openBundled('An apple and a plum and an apple.'),
      'text',
    ),
  );
  await page.open(server, 'family');
});
afterAll(() => server?.close());

const opened = (): Promise<string | null> => panel.locator('[role="tab"][aria-selected="true"]').getAttribute('id');
async function open(tab: string): Promise<void> {
  await panel.locator(`#tab-${tab}`).click();
  await page.settled();
}
/** Presses a key where it stands, without a click. */
async function press(control: Locator, key: string): Promise<void> {
  await control.focus();
  await browser.page.keyboard.press(key);
}

const focused = (selector: string): Promise<boolean> =>
  panel.locator('body').evaluate((_, wanted) => document.activeElement?.matches(wanted) ?? false, selector);
/** Presses Tab until the focus is there, as a reader without a pointer does; returns how often. */
async function tabTo(selector: string): Promise<number> {
  for (let presses = 1; presses <= 40; presses++) {
    await browser.page.keyboard.press('Tab');
    if (await focused(selector)) return presses;
  }
  return expect.fail(`Tab does not reach ${selector}.`);
}
/** From the tab into its view. */
async function enter(tab: string): Promise<void> {
  await open(tab);
  await panel.locator(`#tab-${tab}`).focus();
}
/** Goes on to where nothing of the panel has the focus. */
const leave = (): Promise<number> => tabTo('body');

describe('a view by the keyboard alone', () => {
  it('Attention: a head, a cell of its map and the arithmetic of the cell', async () => {
    await enter('attention');
    await tabTo('.overview-canvas');
    const before = await panel.locator('.overview-canvas').getAttribute('aria-label');
    await browser.page.keyboard.press('ArrowLeft');
    await page.settled();
    expect(await panel.locator('.overview-canvas').getAttribute('aria-label')).not.toBe(before);
    await tabTo('.map-card .plot');
    await browser.page.keyboard.press('ArrowLeft');
    await page.settled();
    expect(await panel.locator('.cell-card .step').count()).toBe(5);
    await browser.page.keyboard.press('Escape');
    await leave();
  });

  it('Predictions: a filter, and a token by the lens, whose cells are named', async () => {
    await enter('predictions');
    await tabTo('.sampling input[type="range"]');
    await browser.page.keyboard.press('End');
    await page.settled();
    expect(await panel.getByRole('region', { name: 'Next token' }).locator('thead').innerText()).toMatch(/temperature/i);
    await tabTo('.lens-scroll');
    const title = panel.getByRole('region', { name: 'Next token' }).locator('h2');
    const first = await title.innerText();
    await browser.page.keyboard.press('ArrowRight');
    await page.settled();
    expect(await title.innerText()).not.toBe(first);
    expect(await title.innerText()).toMatch(/ position \d+$/);
    const column = panel.getByRole('list', { name: /^After .+, position \d+$/ }).first();
    expect(await column.getByRole('listitem').first().getAttribute('aria-label')).toMatch(/^After block 5, the last: .+, [\d.]+%$/);
    await leave();
  });

  it('Forward pass: one stop for all steps, which arrows walk, and the sum behind a number', async () => {
    await enter('forward');
    await tabTo('.map-step');
    const at = async (): Promise<string | null> => panel.locator('.map-step:focus').getAttribute('aria-label');
    expect(await at()).toMatch(/^1 /);
    await browser.page.keyboard.press('ArrowRight');
    await page.settled();
    await browser.page.keyboard.press('ArrowRight');
    await page.settled();
    // The name has what is seen at a narrow width.
    expect(await at()).toMatch(/^3 Query, key and value of head \d+ \(Q, K, V\)$/);
    // Back to the step before, and the slider of steps.
    expect(await tabTo('input[type="range"]')).toBe(2);
    await tabTo('.stage-number');
    await browser.page.keyboard.press('Enter');
    await page.settled();
    expect(await panel.locator('.number-card table:visible').count()).toBe(1);
    await leave();
  });
});

describe('keys in the panel', () => {
  it.each(TABS)('do not switch tabs when a digit is typed into a control (%s)', async (tab) => {
    await open(tab);
    expect(await opened()).toBe(`tab-${tab}`);
    const views = tab === 'embeddings' ? [0, 1, 2, 3, 4, 5] : [-1];
    for (const view of views) {
      if (view >= 0) await panel.locator('.embedding-views > .choice .segment').nth(view).click();
      await page.settled();
      for (const kind of TAKERS) {
        const control = panel.locator(`#panel-${tab} ${kind}`).locator('visible=true').first();
        if ((await control.count()) === 0) continue;
        const typed = /text|number/.test(kind) ? await control.inputValue() : null;
        for (const key of ['1', '8']) {
          await press(control, key);
          expect(await opened(), `${kind} ${key}`).toBe(`tab-${tab}`);
        }
        // A filter would leave no row for the tests that follow.
        if (typed !== null) await control.fill(typed);
      }
    }
  });

  it('switch tabs with digits from tokens, tables, figures and buttons', async () => {
    for (const [tab, place] of [
      ['tokens', '.strip .token[aria-selected="true"]'],
      ['tokens', '.token-table tr[aria-selected="true"]'],
      ['attention', '.overview-canvas'],
      ['attention', '.map-card .plot'],
      ['predictions', '.sampling .button'],
    ] as const) {
      await open(tab);
      await press(panel.locator(place).first(), '6');
      expect(await opened(), place).toBe('tab-positions');
    }
  });

  it('move a step of the forward pass from its buttons, and not from a slider or with a modifier', async () => {
    await open('forward');
    const heading = panel.locator('#panel-forward .walk-step h2');
    const first = await heading.innerText();
    await press(panel.locator('#panel-forward input[type="range"]').first(), 'ArrowRight');
    await page.settled();
    expect(await heading.innerText()).toBe(first);
    await press(panel.locator('.map-step').first(), 'Alt+ArrowRight');
    expect(await heading.innerText()).toBe(first);
    await press(panel.locator('.map-step').first(), 'ArrowRight');
    await expect.poll(() => heading.innerText()).not.toBe(first);
  });

  it('leave Alt with an arrow to the editor in every strip and list', async () => {
    await open('tokens');
    const row = panel.locator('.token-table tr[aria-selected="true"]');
    for (const key of ['Alt+ArrowUp', 'Alt+ArrowDown']) {
      const index = await row.getAttribute('data-index');
      await press(row, key);
      expect(await row.getAttribute('data-index'), key).toBe(index);
    }
    await press(panel.locator('#tab-tokens'), 'Alt+ArrowRight');
    expect(await opened()).toBe('tab-tokens');
  });
});
