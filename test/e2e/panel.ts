import type { FrameLocator, Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import { plainPowers } from '../shownNumber.ts';
import type { TracedToken } from './trace.ts';
import { until } from './until.ts';
import type { Workbench } from './workbench.ts';

/** The texts in a row of the Tokens table. */
export interface PanelRow {
  readonly text: string;
  readonly bytes: string;
  readonly id: string;
  readonly probability: string;
  readonly rank: string;
  readonly surprisal: string;
  readonly entropy: string;
}

/** English title of a tab. */
export type TabTitle = 'Tokens' | 'Attention' | 'Embeddings' | 'Predictions' | 'Why' | 'Generate' | 'Compare';

/** The panel beside the editor. */
export interface Panel {
  readonly frame: FrameLocator;
  readonly tokens: Locator;
  /** Waits until the panel shows an explanation of exactly `tokens` tokens. */
  shows(tokens: number): Promise<void>;
  openTab(title: TabTitle): Promise<void>;
  rows(): Promise<readonly PanelRow[]>;
  /** Waits until the token is selected. */
  selected(index: number): Promise<void>;
}

/** Opens all details inside that are folded, by the keyboard: a notification may lie over them. */
export async function unfold(where: FrameLocator | Locator): Promise<void> {
  const folded = where.locator('details.fold:not([open]) > summary:visible');
  while ((await folded.count()) > 0) await folded.first().press('Enter');
}

/** Gives the window the width with which the panel is `width` pixels wide. */
export async function widenPanel(page: Page, width: number): Promise<void> {
  const frame = page.locator('iframe.webview').first();
  const widthNow = async (): Promise<number> => (await frame.boundingBox())?.width ?? 0;
  // Both editor groups are given half of what the window has. The editor lays them out some time after the window's size
  // changed: only a width that has followed says what is still missing.
  const stepTowards = async (): Promise<number> => {
    const before = await widthNow();
    const missing = width - before;
    const size = page.viewportSize() ?? { width: 1440, height: 900 };
    if (Math.abs(missing) < 4) return 0;
    await page.setViewportSize({ width: size.width + Math.round(missing * 2), height: 900 });
    await expect.poll(widthNow, { timeout: 120_000 }).not.toBe(before);
    return Math.abs(width - (await widthNow()));
  };
  await expect.poll(stepTowards, { timeout: 120_000 }).toBeLessThan(4);
}

/**
 * Waits until no view of a panel is busy. What was pressed is drawn with the next frame, and an answer may ask for the next thing with
 * another. Waiting in the page costs one message; asking it again and again kept both sides busy.
 */
export function settled(frame: FrameLocator): Promise<void> {
  return frame.locator('body').evaluate(async () => {
    for (let quiet = 0; quiet < 3; quiet++) {
      await new Promise(requestAnimationFrame);
      if (document.querySelector('[aria-busy="true"]') !== null) quiet = -1;
    }
  });
}

/** The panel in a workbench. */
export function panelOf(workbench: Workbench): Panel {
  const frame = workbench.webview();
  const tokens = frame.getByRole('listbox', { name: 'Tokens of the text' }).getByRole('option');
  return {
    frame,
    tokens,
    async shows(count) {
      await frame.locator('.strip').waitFor({ timeout: 120_000 });
      await until(
        `${count} tokens in the panel`,
        // Of a long text only the tokens on screen are in the page.
        () => tokens.evaluateAll(([first]) => Number(first?.getAttribute('aria-setsize') ?? 0)),
        (shown) => shown === count,
        120_000,
      );
      await frame.locator('.page > .status').waitFor({ state: 'hidden', timeout: 120_000 });
    },
    async openTab(title) {
      const tab = frame.getByRole('tab', { name: title });
      await tab.click();
      await until(
        `the tab ${title}`,
        () => tab.getAttribute('aria-selected'),
        (selected) => selected === 'true',
      );
    },
    async rows() {
      await this.openTab('Tokens');
      const cells = await frame.locator('.panels').evaluate(readRows);
      return cells.map(([, text = '', bytes = '', id = '', probability = '', rank = '', surprisal = '', entropy = '']) => ({
        text,
        bytes,
        id,
        probability,
        rank,
        surprisal,
        entropy,
      }));
    },
    async selected(index) {
      await until(
        `token ${index} selected`,
        () => tokens.nth(index).getAttribute('aria-selected'),
        (selected) => selected === 'true',
      );
    },
  };
}

/** The cells of all rows: of a long text only those on screen are in the page, so that they are scrolled through. */
async function readRows(panels: HTMLElement | SVGElement): Promise<string[][]> {
  const rows: string[][] = [];
  const start = panels.scrollTop;
  let top = 0;
  do {
    panels.scrollTop = top;
    // The event of scrolling comes with the next frame, and what it brings with the one after.
    for (let frame = 0; frame < 2; frame++) await new Promise((resolve) => requestAnimationFrame(resolve));
    for (const row of panels.querySelectorAll<HTMLTableRowElement>('.token-table tbody tr[data-index]'))
      rows[Number(row.dataset['index'])] = [...row.querySelectorAll('td')].map((cell) => cell.textContent);
    top += panels.clientHeight / 2;
  } while (top < panels.scrollHeight - panels.clientHeight / 2);
  panels.scrollTop = start;
  return rows;
}

/** Expects the table to show the command line's numbers, to the precision that is displayed. */
export function expectSameNumbers(rows: readonly PanelRow[], traced: readonly TracedToken[]): void {
  expect(rows.map((row) => numberIn(row.id))).toEqual(traced.map((token) => token.id));
  for (const [index, token] of traced.entries()) {
    const row = rows[index];
    if (row === undefined) throw new Error(`The panel has no row ${index}.`);
    const hex = token.bytes.map((byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join(' ');
    expect(row.bytes).toBe(token.special ? 'added' : hex);
    if (token.logprob === null || token.entropy === null) {
      expect([row.probability, row.rank, row.surprisal, row.entropy]).toEqual(['–', '–', '–', '–']);
      continue;
    }
    expectShown(row.probability, 100 * Math.exp(token.logprob), `probability of token ${index}`);
    expectShown(row.surprisal, -token.logprob / Math.LN2, `surprisal of token ${index}`);
    expectShown(row.entropy, token.entropy, `entropy of token ${index}`);
    expect(numberIn(row.rank), `rank of token ${index}`).toBe(token.rank);
  }
}

/**
 * Expects the first number in `text` to be `value`, rounded to the digits that are shown; where the text begins with "<", expects the
 * number to be above `value`.
 */
export function expectShown(text: string, value: number, what: string): void {
  if (text.trim().startsWith('<')) {
    expect(value, `${what}: "${text}" shown`).toBeLessThan(numberIn(text));
    return;
  }
  const [, digits = '', exponent = '0'] = /([\d.,]+)(?:[eE](-?\d+))?/.exec(plainPowers(text)) ?? [];
  const decimals = (digits.split('.')[1] ?? '').length;
  const halfUnit = 0.5 * 10 ** (Number(exponent) - decimals);
  expect(Math.abs(numberIn(text) - value), `${what}: "${text}" shown, ${value} computed`).toBeLessThanOrEqual(halfUnit * 1.001);
}

/** The first number in a text, which may have English thousands separators. */
export function numberIn(text: string): number {
  return Number(/[\d.,]+(?:[eE]-?\d+)?/.exec(plainPowers(text))?.[0].replaceAll(',', '') ?? 'NaN');
}
