import type { Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { expectSameNumbers, panelOf, type Panel } from './panel.ts';
import { openSession, type Session } from './session.ts';
import { SAMPLE, sampleLines } from './texts.ts';
import { traceByCommandLine } from './trace.ts';

const CELL = 'Every cell holds a text of its own.';
const CHANGED = 'The model reads another text.';
const NOTEBOOK = JSON.stringify({
  cells: [{ cell_type: 'code', execution_count: null, metadata: {}, outputs: [], source: [CELL] }],
  metadata: { language_info: { name: 'python' } },
  nbformat: 4,
  nbformat_minor: 5,
});

describe('editors of other kinds', () => {
  let session: Session;
  let panel: Panel;

  beforeAll(async () => {
    session = await openSession({
      files: { 'sample.md': SAMPLE, 'changed.md': CHANGED, 'notebook.ipynb': NOTEBOOK },
      open: 'sample.md',
      expect: 'The model reads',
    });
    panel = panelOf(session.workbench);
  });
  afterAll(() => session.close());
  afterEach(async (context) => {
    if (context.task.result?.state === 'fail') await session.screenshot(`failed ${context.task.name}`);
  });

  it('explains an untitled file', async () => {
    const { page, workbench } = session;
    const text = 'Not saved anywhere: 你好';
    await workbench.command('File: New Untitled Text File');
    await page.locator('.tabs-container .tab.active', { hasText: 'Untitled' }).waitFor();
    await page.keyboard.insertText(text);
    await page.locator('.view-line', { hasText: '你好' }).first().waitFor();
    await page.keyboard.press('Control+a');
    await page.keyboard.press('Control+Alt+e');
    const traced = traceByCommandLine(text);
    await panel.shows(traced.length);
    expectSameNumbers(await panel.rows(), traced);
  });

  it('explains a side of a diff', async () => {
    const { page, workbench } = session;
    await workbench.openFile('sample.md');
    await page.keyboard.press('F1');
    const input = page.locator('.quick-input-widget input[type="text"]').first();
    const row = (text: string): Locator => page.locator('.quick-input-list .monaco-list-row', { hasText: text }).first();
    await input.fill('>File: Compare Active File With...');
    await row('Compare Active File With').click();
    await input.and(page.getByPlaceholder(/Search files by name/)).fill('changed.md');
    await row('changed.md').click();
    const modified = page.locator('.monaco-diff-editor .editor.modified');
    await modified.locator('.view-line', { hasText: 'another' }).first().click();
    await page.keyboard.press('Control+a');
    await page.keyboard.press('Control+Alt+e');
    const traced = traceByCommandLine(CHANGED);
    await panel.shows(traced.length);
    expectSameNumbers(await panel.rows(), traced);
    await session.screenshot('60 a side of a diff');
  });

  it('explains a cell of a notebook', async () => {
    const { page, workbench } = session;
    await workbench.openFile('notebook.ipynb');
    const cell = page.locator('.notebookOverlay .cell .view-line', { hasText: 'cell' }).first();
    await cell.click();
    await page.keyboard.press('Control+a');
    await page.keyboard.press('Control+Alt+e');
    const traced = traceByCommandLine(CELL);
    await panel.shows(traced.length);
    expectSameNumbers(await panel.rows(), traced);
    await panel.frame.getByRole('heading', { name: 'notebook.ipynb, cell 1' }).waitFor();
    await session.screenshot('61 a cell of a notebook');
  });

  it('explains the primary one of several selections', async () => {
    const { page, workbench } = session;
    await workbench.openFile('sample.md');
    await workbench.selectLines(1, 1);
    // A second cursor below: the first selection stays the primary one.
    await page.keyboard.press('Control+Alt+ArrowDown');
    await page.keyboard.press('Control+Alt+e');
    const traced = traceByCommandLine(sampleLines(1, 1));
    await panel.shows(traced.length);
    expectSameNumbers(await panel.rows(), traced);
  });

  it('leaves no error of ours behind', () => {
    expect(session.ownErrors()).toEqual([]);
    expect(session.browser.outside).toEqual([]);
  });
});
