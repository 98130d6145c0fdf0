import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'vitest';
import { writeSettings } from '../../scripts/lib/vscodeServer.mjs';
import { panelOf, type Panel } from '../e2e/panel.ts';
import { openSession } from '../e2e/session.ts';
import { until } from '../e2e/until.ts';
import { median, record } from './report.ts';
import { explainShown, type Shown } from './shown.ts';
import { benchText } from './text.ts';

/** With the bundled model: a page of text, and one that fills its context. */
const CASES = (['wasm', 'native'] as const).flatMap((runtime) => [263, 984].map((tokens) => ({ runtime, tokens })));
/** New windows in which a first text is explained. */
const COLD_WINDOWS = 3;
/** Texts that the panel has not seen, one after another. */
const TEXTS = 5;
/** Until the other extensions have started. */
const REST_MS = 10_000;
/** Until the editor has drawn what it was given to draw before. */
const SHOWN_MS = 1500;

test.each(CASES)('$tokens tokens in a real VS Code, $runtime', { timeout: 600_000 }, async ({ runtime, tokens }) => {
  const texts = await benchText();
  const files = Object.fromEntries(Array.from({ length: TEXTS }, (_, variant) => [`text${variant}.txt`, texts.part(tokens, variant)]));
  const session = await openSession({ files, open: 'text0.txt', expect: files['text0.txt']?.split('\n', 1)[0] ?? '', alone: true });
  const { page, workbench } = session;
  try {
    writeSettings(session.code, { 'explainTokens.runtime': runtime });
    const panel = panelOf(workbench);
    const cold: Shown[] = [];
    for (let window = 0; window < COLD_WINDOWS; window++) {
      if (window > 0) {
        await workbench.closePanel();
        await page.reload();
        await workbench.focusEditor();
      }
      await pause(REST_MS);
      cold.push(await explainShown(session, panel, tokens));
    }
    const of = (all: readonly Shown[], what: keyof Shown): number => median(all.map((shown) => shown[what]));
    record('first explanation in a new window', {
      runtime,
      tokens,
      windows: COLD_WINDOWS,
      'page ms': of(cold, 'page'),
      'first words ms': of(cold, 'words'),
      'code ms': of(cold, 'script'),
      'tokens ms': of(cold, 'tokens'),
      'picture ms': of(cold, 'picture'),
    });
    const fresh: Shown[] = [];
    const seen: Shown[] = [];
    for (let variant = 1; variant < TEXTS; variant++) {
      await workbench.openFile(`text${variant}.txt`);
      await pause(SHOWN_MS);
      fresh.push(await explainShown(session, panel, tokens));
      await pause(SHOWN_MS);
      seen.push(await explainShown(session, panel, tokens));
    }
    record('in the panel, warm', {
      runtime,
      tokens,
      texts: fresh.length,
      'new: tokens ms': of(fresh, 'tokens'),
      'new: picture ms': of(fresh, 'picture'),
      'seen before: picture ms': of(seen, 'picture'),
      'heads of all layers ms': await headsMs(panel),
    });
  } finally {
    await session.close();
  }
});

/** From opening the view of attention to the numbers and pictures of all heads. */
async function headsMs(panel: Panel): Promise<number> {
  const overview = panel.frame.locator('.overview-frame');
  const start = performance.now();
  await panel.openTab('Attention');
  await until(
    'the heads',
    () => overview.getAttribute('aria-busy'),
    (busy) => busy === null,
    120_000,
  );
  return performance.now() - start;
}
