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

/**
 * From the keys to the picture on screen, with what came on the way by the page's own clock. A page that is there already waits in itself:
 * asking it again and again would take the time of the thread that draws.
 */
export async function explainShown({ page, workbench }: Session, panel: Panel, tokens: number): Promise<Shown> {
  await workbench.focusEditor();
  await page.keyboard.press('Control+a');
  const isThere = (await panel.tokens.count()) > 0;
  const body = isThere ? await panel.frame.locator('body').elementHandle() : null;
  const start = Date.now();
  const drawn = body?.evaluate(
    (_, from) =>
      new Promise<void>((resolve) => {
        const look = (): void => {
          const last = performance.getEntriesByName('picture', 'mark').at(-1);
          if (last === undefined || performance.timeOrigin + last.startTime < from) return;
          watch.disconnect();
          resolve();
        };
        const watch = new PerformanceObserver(look);
        watch.observe({ type: 'mark' });
      }),
    start,
  );
  await page.keyboard.press('Control+Alt+e');
  await drawn;
  await panel.shows(tokens);
  return until(
    'the picture',
    () => panel.frame.locator('body').evaluate(timesSince, start),
    ({ picture }) => !Number.isNaN(picture),
  );
}

/** Read by the page's own clock, in milliseconds since `from`. */
function timesSince(_: HTMLElement | SVGElement, from: number): Shown {
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
}
