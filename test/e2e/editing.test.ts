import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { workbenchUrl } from '../../scripts/lib/vscodeServer.mjs';
import { expectSameNumbers, panelOf, type Panel } from './panel.ts';
import { openSession, type Session } from './session.ts';
import { EXAMPLE_TEXTS } from '../../src/protocol/exampleTexts.ts';
import { walkPath } from './pathWalk.ts';
import { isStored } from './storage.ts';
import { SAMPLE, SAMPLE_LINES, sampleLines } from './texts.ts';
import { until } from './until.ts';
import { traceByCommandLine, type TracedToken } from './trace.ts';

const EXPLAIN = 'Explain Tokens';

describe('an explained text', () => {
  let session: Session;
  let panel: Panel;
  let traced: readonly TracedToken[];

  beforeAll(async () => {
    traced = traceByCommandLine(sampleLines(1, SAMPLE_LINES));
    session = await openSession({
      files: { 'sample.md': SAMPLE, 'other.txt': 'Another text.\n' },
      open: 'sample.md',
      expect: 'The model reads',
    });
    panel = panelOf(session.workbench);
    await session.workbench.selectLines(1, SAMPLE_LINES);
    await session.workbench.command(EXPLAIN);
    await panel.shows(traced.length);
  });
  afterAll(() => session?.close());
  afterEach(async (context) => {
    if (context.task.result?.state === 'fail') await session.screenshot(`failed ${context.task.name}`);
  });

  /** The token that starts with the nth occurrence of `word` in the sample. */
  const tokenAt = (word: string): TracedToken => {
    const start = SAMPLE.indexOf(word);
    const found = traced.find((token) => !token.special && token.end > start);
    if (found === undefined) throw new Error(`No token at "${word}".`);
    return found;
  };

  it('selects in the panel the token under the cursor', async () => {
    const { page, workbench } = session;
    for (const word of ['世界', 'length', 'console']) {
      const box = await workbench.wordBox(word);
      await page.mouse.click(box.x + 2, box.y + box.height / 2);
      await panel.selected(tokenAt(word).index);
    }
  });

  it('reveals in the editor the token chosen in the panel', async () => {
    const token = tokenAt('reads');
    await panel.tokens.nth(token.index).click();
    await panel.selected(token.index);
    await session.screenshot('10 token chosen in the panel');
    const marked = session.page.locator(
      '.editor-group-container .view-overlays [class*="ced-"], .editor-group-container .view-line [class*="ced-"]',
    );
    await marked.first().waitFor();
  });

  it('shows the text again for a token chosen in the panel, with the cursor on it', async () => {
    const { page, workbench } = session;
    await workbench.openFile('other.txt');
    const token = tokenAt('console');
    await panel.tokens.nth(token.index).click();
    await page.locator('.tabs-container .tab.active[data-resource-name="sample.md"]').waitFor();
    await panel.selected(token.index);
    await workbench.command('View: Focus First Editor Group');
    const before = SAMPLE.slice(0, token.start).split('\n');
    await workbench
      .status()
      .getByText(`Ln ${before.length}, Col ${(before.at(-1) ?? '').length + 1}`, { exact: true })
      .waitFor();
    await panel.selected(token.index);
  });

  it('keeps its ranges when text is put before it', async () => {
    const { page, workbench } = session;
    await workbench.focusEditor();
    await page.keyboard.press('Control+Home');
    await page.keyboard.type('New line before.\n');
    await workbench.status().getByText('Ln 2, Col 1', { exact: true }).waitFor();
    const token = tokenAt('length');
    const box = await workbench.wordBox('length');
    await page.mouse.click(box.x + 2, box.y + box.height / 2);
    await panel.selected(token.index);
    const hover = await workbench.hover('length');
    expect(hover).toContain(`id ${token.id}`);
    await expect.poll(() => panel.frame.locator('.strip .stale').count()).toBe(0);
  });

  it('shows which tokens were edited, and runs again on the text as it is now', async () => {
    const { page, workbench } = session;
    const box = await workbench.wordBox('reads');
    await page.mouse.dblclick(box.x + box.width / 2, box.y + box.height / 2);
    await workbench.status().getByText('(5 selected)').waitFor();
    await page.keyboard.type('writes');
    await panel.frame.locator('.strip .stale').first().waitFor();
    await panel.frame.getByText('You edited this text').waitFor();
    await session.screenshot('11 edited');
    await panel.frame.getByRole('button', { name: 'Run Again' }).click();
    traced = traceByCommandLine(sampleLines(1, SAMPLE_LINES).replace('reads', 'writes'));
    await panel.shows(traced.length);
    await expect.poll(() => panel.frame.locator('.strip .stale').count()).toBe(0);
    expectSameNumbers(await panel.rows(), traced);
  });

  it('is as it was after the panel was hidden and shown', async () => {
    const { page, workbench } = session;
    await panel.openTab('Predictions');
    await panel.tokens.nth(3).click();
    await workbench.command('File: New Untitled Text File');
    await expect.poll(() => page.locator('iframe.webview').first().isVisible()).toBe(false);
    await workbench.panelTab().click();
    await panel.shows(traced.length);
    await panel.selected(3);
    expect(await panel.frame.getByRole('tab', { name: 'Predictions' }).getAttribute('aria-selected')).toBe('true');
    expectSameNumbers(await panel.rows(), traced);
  });

  it('is as it was after the window was reloaded', async () => {
    const { page, workbench } = session;
    await panel.tokens.nth(5).click();
    await panel.selected(5);
    await workbench.command('File: Save All Files');
    await expect.poll(() => page.locator('.tabs-container .tab.dirty').count(), { timeout: 120_000 }).toBe(0);
    // VS Code in a browser writes the state of its editors every few seconds, not when the page is left.
    await until(
      'the panel state in storage',
      () => page.evaluate(isStored, '"selected":5'),
      (stored) => stored,
      120_000,
    );
    // Without a file to open in the address, VS Code brings back the editors it had.
    await page.goto(workbenchUrl(session.code));
    await workbench.ready('New line before.');
    await panel.shows(traced.length);
    await panel.selected(5);
    expectSameNumbers(await panel.rows(), traced);
    await session.screenshot('12 after a reload');
  });

  it('is of the newest of two requests made at once', async () => {
    const { page, workbench } = session;
    const newest = traceByCommandLine(sampleLines(3, 3));
    await workbench.selectLines(2, SAMPLE_LINES + 1);
    await page.keyboard.press('Control+Alt+e');
    // Keys alone are lost where the panel that begins to work takes the focus for a moment.
    await workbench.focusEditor();
    await page.keyboard.press('Control+Home');
    for (let line = 1; line < 4; line++) await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Shift+End');
    await page.keyboard.press('Control+Alt+e');
    await panel.shows(newest.length);
    expectSameNumbers(await panel.rows(), newest);
  });

  it('leaves no error behind when the panel is closed in the middle of a request', async () => {
    const { page, workbench } = session;
    await workbench.selectLines(2, SAMPLE_LINES + 1);
    await page.keyboard.press('Control+Alt+e');
    await workbench.closePanel();
    await expect.poll(() => workbench.notifications().count(), { timeout: 120_000 }).toBe(0);
    await workbench.selectLines(2, SAMPLE_LINES + 1);
    await workbench.command(EXPLAIN);
    await panel.shows(traced.length);
    expectSameNumbers(await panel.rows(), traced);
  });

  it('is walked by the path, and an example that opens beside the panel too', async () => {
    const { page, workbench } = session;
    const { text } = EXAMPLE_TEXTS.code;
    await workbench.command('Explain Tokens: Show the Path');
    await walkPath(panel, (english) => english, 'A line of code', traceByCommandLine(text));
    await session.screenshot('13 the path');
    await page.locator('.tabs-container .tab[data-resource-name^="Untitled"]').waitFor();
  });

  it('asks nothing outside this machine and breaks no rule of the page', () => {
    expect(session.browser.outside).toEqual([]);
    expect(session.ownErrors()).toEqual([]);
  });
});
