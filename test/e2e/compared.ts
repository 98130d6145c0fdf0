import { expect } from 'vitest';
import { shownNumber } from '../shownNumber.ts';
import { numberIn, type Panel } from './panel.ts';
import { byCommandLine } from './trace.ts';

/** Two texts that differ a little and use one word in two senses. */
export const FIRST = 'She ate a red apple after lunch.\nShares of apple rose after the company showed a new phone.\n';
export const SECOND = 'She ate a green apple after lunch.\nShares of the company rose after it showed a new phone.\n';

interface CompareJson {
  readonly sides: readonly { readonly bitsPerByte: number }[];
  readonly finalKl: number;
  readonly rows: readonly {
    readonly a: readonly { readonly index: number }[];
    readonly aBits: number | null;
    readonly bBits: number | null;
    readonly difference: number | null;
    readonly kl: number | null;
  }[];
}

/** A comparison by the built command line. */
export function compareByCommandLine(...args: readonly string[]): CompareJson {
  return JSON.parse(byCommandLine('compare', ...args).toString()) as CompareJson;
}

/** The numbers in the table, NaN for a dash. */
async function table(panel: Panel): Promise<readonly (readonly number[])[]> {
  const cells = await panel.frame
    .locator('.compare-table tbody tr')
    .evaluateAll((rows) => rows.map((row) => [...row.querySelectorAll('td')].slice(2).map((cell) => cell.textContent)));
  return cells.map((row) => row.map(shownNumber));
}

/** Expects the panel to show the command line's numbers, to the precision that is displayed. */
export async function expectCompared(panel: Panel, expected: CompareJson): Promise<void> {
  await panel.frame.locator('.compare-table tbody tr').first().waitFor({ timeout: 120_000 });
  await expect.poll(async () => (await table(panel)).length, { timeout: 120_000 }).toBe(expected.rows.length);
  const close = (shown: number, value: number | null, digits: number): boolean =>
    value === null ? Number.isNaN(shown) : Math.abs(shown - value) <= 0.51 * 10 ** -digits + 1e-4;
  await expect
    .poll(
      async () => {
        const shown = await table(panel);
        return expected.rows.flatMap(({ aBits, bBits, difference, kl }, index) => {
          const [a = 0, b = 0, apart = 0, divergence = 0] = shown[index] ?? [];
          return close(a, aBits, 2) && close(b, bBits, 2) && close(apart, difference, 2) && close(divergence, kl, 3)
            ? []
            : [`row ${index}: ${[a, b, apart, divergence].join()} is not ${[aBits, bBits, difference, kl].join()}`];
        });
      },
      { timeout: 120_000 },
    )
    .toEqual([]);
  const sides = await panel.frame.locator('.side .facts').allInnerTexts();
  sides.forEach((text, side) =>
    expect(close(numberIn(text.split(/bits\/token|比特\/词元/)[1] ?? ''), expected.sides[side]?.bitsPerByte ?? 0, 3), text).toBe(true),
  );
}
