import type { Panel } from '../e2e/panel.ts';
import type { Session } from '../e2e/session.ts';
import { until } from '../e2e/until.ts';

/** Milliseconds from the command until each is on screen; NaN for what the panel had not to show this time. */
export interface Shown {
  /** The page exists, paints its first words, and its code runs: in a new panel only. */
  readonly page: number;
  readonly words: number;
  readonly script: number;
  readonly tokens: number;
  readonly picture: number;
}

/** From the keys to the picture on screen, with what came on the way by the page's own clock. */
export async function explainShown({ page, workbench }: Session, panel: Panel, tokens: number): Promise<Shown> {
  await workbench.focusEditor();
  await page.keyboard.press('Control+a');
  // What an earlier explanation left on screen does not count.
  await panel.tokens.evaluateAll((shown) => shown.forEach((token) => token.setAttribute('data-earlier', '')));
  const start = Date.now();
  await page.keyboard.press('Control+Alt+e');
  await panel.frame.locator('.token[data-earlier]').first().waitFor({ state: 'detached', timeout: 120_000 });
  await panel.shows(tokens);
  return until(
    'the picture',
    () =>
      panel.frame.locator('body').evaluate((_, from): Shown => {
        const since = (entry: PerformanceEntry | undefined): number => {
          const time = performance.timeOrigin + (entry?.startTime ?? Number.NaN) - from;
          return time >= 0 ? time : Number.NaN;
        };
        const mark = (name: string): number => since(performance.getEntriesByName(name, 'mark').at(-1));
        const origin = performance.timeOrigin - from;
        return {
          page: origin >= 0 ? origin : Number.NaN,
          words: since(performance.getEntriesByName('first-contentful-paint').at(-1)),
          script: mark('script'),
          tokens: mark('tokens'),
          picture: mark('picture'),
        };
      }, start),
    ({ picture }) => !Number.isNaN(picture),
  );
}
