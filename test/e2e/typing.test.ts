import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { expectSameNumbers, panelOf, type Panel } from './panel.ts';
import { openSession, type Session } from './session.ts';
import { SAMPLE, sampleLines } from './texts.ts';
import { traceByCommandLine, type TracedToken } from './trace.ts';
import { until } from './until.ts';

const LINE = sampleLines(1, 1);
const DELAYS = [0, 20, 50, 100, 300, 1000];
const fileOf = (delay: number): string => `after-${delay}.md`;

describe('typing right after Explain Tokens', () => {
  let session: Session;
  let panel: Panel;
  let traced: readonly TracedToken[];

  beforeAll(async () => {
    traced = traceByCommandLine(LINE);
    // The first one is explained by the first command of the window.
    session = await openSession({
      files: Object.fromEntries(DELAYS.map((delay) => [fileOf(delay), SAMPLE])),
      open: fileOf(0),
      expect: 'The model reads',
    });
    panel = panelOf(session.workbench);
  });
  afterAll(() => session?.close());
  afterEach(async (context) => {
    if (context.task.result?.state === 'fail') await session.screenshot(`failed ${context.task.name}`);
  });

  it.each(DELAYS)('explains what was selected before it, %i ms later', async (delay) => {
    const { page, workbench } = session;
    const text = async (): Promise<string> =>
      (await page.locator('.editor-group-container .monaco-editor').first().locator('.view-line').allInnerTexts())
        .join('\n')
        .replaceAll('\u00a0', ' ');
    if (delay > 0) await workbench.openFile(fileOf(delay));
    await workbench.selectLines(1, 1);
    // A window that is just starting has no extension yet that could read anything: it is there once it counts.
    await workbench
      .status()
      .getByText(/\d tokens/)
      .waitFor({ timeout: 120_000 });
    await page.keyboard.press('Control+Alt+e');
    if (delay > 0) await page.waitForTimeout(delay);
    await page.keyboard.type('xyz');
    await until('what was typed', text, (now) => now.includes('xyz'));
    await panel.frame.getByRole('heading', { name: fileOf(delay), level: 1 }).waitFor({ timeout: 120_000 });
    await panel.shows(traced.length);
    expectSameNumbers(await panel.rows(), traced);
  });

  it('leaves no error of ours behind', () => {
    expect(session.ownErrors()).toEqual([]);
  });
});
