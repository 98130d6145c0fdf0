import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readReport } from '../../src/report/reportFile.ts';
import { panelOf, type Panel } from './panel.ts';
import { openSession, type Session } from './session.ts';
import { SAMPLE, sampleLines } from './texts.ts';
import { traceByCommandLine } from './trace.ts';
import { until } from './until.ts';

const LINE = sampleLines(3, 3);

/** Name under which a report of the sample is saved at first. */
const SAVED = 'sample.tokens.html';

describe('a report in VS Code', () => {
  let session: Session;
  let panel: Panel;

  beforeAll(async () => {
    session = await openSession({ files: { 'sample.md': SAMPLE }, open: 'sample.md', expect: 'The model reads' });
    panel = panelOf(session.workbench);
  });
  afterAll(() => session?.close());
  afterEach(async (context) => {
    if (context.task.result?.state === 'fail') await session.screenshot(`failed ${context.task.name}`);
  });

  it('is saved, closed, opened again with the kept numbers, and read again by the model', async () => {
    const tokens = traceByCommandLine(LINE).length;
    const { page, workbench } = session;
    await workbench.selectLines(3, 3);
    await workbench.command('Explain Tokens');
    await panel.shows(tokens);
    const rows = await panel.rows();
    await workbench.command('Explain Tokens: Save as Report…');
    await page.locator('.quick-input-widget').getByText('Save as Report: about').waitFor();
    await page.keyboard.press('Enter');
    // The list has gone; the dialog for the place has the same input, with the name in the workspace's folder.
    await until(
      'the dialog for the place',
      () => page.locator('.quick-input-widget input[type="text"]').first().inputValue(),
      (value) => value.endsWith(SAVED),
    );
    await page.keyboard.press('Enter');
    const path = join(session.code.workspace, SAVED);
    await until(
      'the file',
      async () => existsSync(path),
      (there) => there,
    );
    const report = await readReport(readFileSync(path, 'utf8'), SAVED);
    expect(report.head).toMatchObject({ text: LINE, kept: ['attention', 'lens', 'vectors', 'positions', 'forward', 'why'] });
    await workbench.closePanel();
    await workbench.openFile(SAVED);
    await panel.shows(tokens);
    expect(await panel.rows()).toEqual(rows);
    await panel.frame.getByRole('button', { name: 'Read Again' }).click();
    await panel.frame.getByText('are the kept ones to their last bit').waitFor({ timeout: 120_000 });
    await session.screenshot('report');
    expect(session.ownErrors()).toEqual([]);
  });

  it('takes notes, which are undone, saved into its file and there when it is opened again', async () => {
    const { page, workbench } = session;
    const tab = page.locator(`.tabs-container .tab[data-resource-name="${SAVED}"]`);
    const dirty = (): Promise<boolean> => tab.evaluate((element) => element.classList.contains('dirty'));
    const notes = panel.frame.locator('.note-text');
    await panel.tokens.nth(2).click();
    await panel.frame.getByRole('button', { name: 'Note', exact: true }).click();
    await page.keyboard.type('Why here?');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Escape');
    expect(await notes.allInnerTexts()).toEqual(['Why here?']);
    await until('a file that is not saved', dirty, (is) => is);
    await session.screenshot('report note');
    await panel.tokens.nth(2).click();
    await page.keyboard.press('Control+z');
    await until(
      'no note',
      () => notes.count(),
      (count) => count === 0,
    );
    await until('a file as it was', dirty, (is) => !is);
    await page.keyboard.press('Control+Shift+z');
    await until(
      'the note again',
      () => notes.count(),
      (count) => count === 1,
    );
    await page.keyboard.press('Control+s');
    await until('a saved file', dirty, (is) => !is);
    const { head } = await readReport(readFileSync(join(session.code.workspace, SAVED), 'utf8'), SAVED);
    expect(head.notes).toEqual([{ text: 'Why here?', token: 2, head: null, key: null }]);
    await workbench.command('View: Close Editor');
    await tab.waitFor({ state: 'detached' });
    await workbench.openFile(SAVED);
    // Its page may still be loading, which ends what is asked of it; waiting goes on in the page that comes.
    await notes.filter({ hasText: /^Why here\?$/ }).waitFor();
    expect(session.ownErrors()).toEqual([]);
  });

  it('is opened by a link at the place that was shown', async () => {
    const { page, workbench } = session;
    await panel.openTab('Attention');
    await panel.tokens.nth(3).click();
    await workbench.command('Explain Tokens: Copy Link to This View');
    await workbench.notification('Copied a link to this view of');
    const link = await page.evaluate(() => navigator.clipboard.readText());
    expect(link).toMatch(/^[a-z-]+:\/\/explain-tokens\.explain-tokens\/report\?report=.*&tab=attention&layer=\d+&head=\d+&token=3$/);
    expect(link).not.toContain(encodeURIComponent(LINE.slice(0, 10)));
    await panel.openTab('Tokens');
    await panel.tokens.nth(1).click();
    await workbench.command('View: Close Editor');
    await page.locator(`.tabs-container .tab[data-resource-name="${SAVED}"]`).waitFor({ state: 'detached' });
    await workbench.command('Developer: Open URL');
    await workbench.answer(link);
    await page.locator('.monaco-dialog-box').getByRole('button', { name: 'Open', exact: true }).click();
    await panel.selected(3);
    expect(await panel.frame.getByRole('tab', { name: 'Attention' }).getAttribute('aria-selected')).toBe('true');
    await session.screenshot('report link');
    expect(session.ownErrors()).toEqual([]);
  });
});
