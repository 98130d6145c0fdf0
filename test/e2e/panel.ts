import type { FrameLocator, Locator } from 'playwright-core';
import { expect } from 'vitest';
import type { TracedToken } from './trace.ts';
import { until } from './until.ts';
import type { Workbench } from './workbench.ts';

/** A row of the Tokens table, as it is written there. */
export interface PanelRow {
  readonly text: string;
  readonly bytes: string;
  readonly id: string;
  readonly probability: string;
  readonly rank: string;
  readonly surprisal: string;
  readonly entropy: string;
}

export type TabTitle = 'Tokens' | 'Attention' | 'Embeddings' | 'Predictions' | 'Generate' | 'Compare';

/** The panel beside the editor. */
export interface Panel {
  readonly frame: FrameLocator;
  readonly tokens: Locator;
  /** Waits until the panel shows an explanation of exactly so many tokens. */
  shows(tokens: number): Promise<void>;
  openTab(title: TabTitle): Promise<void>;
  rows(): Promise<readonly PanelRow[]>;
  /** Waits until the token is the selected one, in strip and table alike. */
  selected(index: number): Promise<void>;
}

export function panelOf(workbench: Workbench): Panel {
  const frame = workbench.webview();
  const tokens = frame.getByRole('listbox', { name: 'Tokens of the text' }).getByRole('option');
  return {
    frame,
    tokens,
    async shows(count) {
      await frame.locator('.strip').waitFor({ timeout: 60_000 });
      await until(`${count} tokens in the panel`, () => tokens.count(), (shown) => shown === count, 60_000);
      await frame.locator('.page > .status').waitFor({ state: 'hidden', timeout: 120_000 });
    },
    async openTab(title) {
      const tab = frame.getByRole('tab', { name: title });
      await tab.click();
      await until(`the tab ${title}`, () => tab.getAttribute('aria-selected'), (selected) => selected === 'true');
    },
    async rows() {
      await this.openTab('Tokens');
      const cells = await frame.locator('.token-table tbody tr').evaluateAll((all) => all.map((row) => [...row.querySelectorAll('td')].map((cell) => cell.textContent)));
      return cells.map(([, text = '', bytes = '', id = '', probability = '', rank = '', surprisal = '', entropy = '']) => ({ text, bytes, id, probability, rank, surprisal, entropy }));
    },
    async selected(index) {
      await until(`token ${index} selected`, () => tokens.nth(index).getAttribute('aria-selected'), (selected) => selected === 'true');
    },
  };
}

/** Expects the table to hold the numbers of the command line, each to the precision that is displayed. */
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

/** Expects the first number of `text` to be `value`, rounded to as many digits as are written. */
export function expectShown(text: string, value: number, what: string): void {
  const [, digits = '', exponent = '0'] = /([\d.,]+)(?:[eE](-?\d+))?/.exec(plainPowers(text)) ?? [];
  const decimals = (digits.split('.')[1] ?? '').length;
  const halfUnit = 0.5 * 10 ** (Number(exponent) - decimals);
  expect(Math.abs(numberIn(text) - value), `${what}: "${text}" shown, ${value} computed`).toBeLessThanOrEqual(halfUnit * 1.001);
}

/** The first number written in a text, English grouping removed. */
export function numberIn(text: string): number {
  return Number(/[\d.,]+(?:[eE]-?\d+)?/.exec(plainPowers(text))?.[0].replaceAll(',', '') ?? 'NaN');
}

/** A number with a power of ten, 1.23 × 10⁻⁵, as 1.23e-5. */
function plainPowers(text: string): string {
  return text.replace(/ × 10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)/g, (_, power: string) => `e${power.replace(/./g, (sign) => '-0123456789'.charAt('⁻⁰¹²³⁴⁵⁶⁷⁸⁹'.indexOf(sign)))}`);
}
