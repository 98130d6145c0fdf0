import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { expectSameNumbers, panelOf, type Panel } from './panel.ts';
import { folderOf, openSession, type Session } from './session.ts';
import { SAMPLE, sampleLines } from './texts.ts';
import { byCommandLine, traceByCommandLine } from './trace.ts';

const CELL = 'Every cell holds a text of its own.';
const CHANGED = 'The model reads another text.';
const PROSE = 'Two cells come after this one.';
const CODE = ['total = sum(range(10))\nprint(total)', 'zebra = "a word that stands in one cell alone"'];
const codeCell = (source: string): object => ({ cell_type: 'code', execution_count: null, metadata: {}, outputs: [], source: [source] });
const notebook = (...cells: readonly object[]): string =>
  JSON.stringify({ cells, metadata: { language_info: { name: 'python' } }, nbformat: 4, nbformat_minor: 5 });
const NOTEBOOK = notebook(codeCell(CELL));
const CELLS = notebook({ cell_type: 'markdown', metadata: {}, source: [PROSE] }, ...CODE.map(codeCell));

describe('editors of other kinds', () => {
  let session: Session;
  let panel: Panel;

  beforeAll(async () => {
    session = await openSession({
      files: { 'sample.md': SAMPLE, 'changed.md': CHANGED, 'notebook.ipynb': NOTEBOOK, 'cells.ipynb': CELLS },
      open: 'sample.md',
      expect: 'The model reads',
    });
    panel = panelOf(session.workbench);
  });
  afterAll(() => session?.close());
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

  it('reads all cells of a notebook as one text, colours each, and goes from a surprise to its cell', async () => {
    const { page, workbench } = session;
    const folder = folderOf({ 'joined.txt': [PROSE, ...CODE].join('\n\n') });
    const { files } = JSON.parse(byCommandLine('score', '--format', 'json', join(folder, 'joined.txt')).toString()) as {
      readonly files: readonly { readonly bitsPerByte: number }[];
    };
    rmSync(folder, { recursive: true });
    await workbench.openFile('cells.ipynb');
    const cells = page.locator('.notebookOverlay .code-cell-row');
    await cells.locator('.view-line', { hasText: 'zebra' }).waitFor();
    // In the page the cells are in no order.
    const alone = cells.filter({ hasText: 'zebra' });
    await workbench.command('Explain Tokens: Explain the Whole File');
    await workbench
      .status()
      .getByText(`${files[0]?.bitsPerByte.toFixed(3)} bits/byte`)
      .waitFor({ timeout: 120_000 });
    for (const [index] of CODE.entries()) await cells.nth(index).locator('[class*="ced-"]').first().waitFor();
    const hover = page.locator('.monaco-hover:not(.hidden) .monaco-hover-content').first();
    // A busy editor may miss the pointer, which then comes again.
    for (let x = 4; !(await hover.isVisible()); x = 9 - x) {
      await alone
        .locator('.view-line')
        .first()
        .hover({ position: { x, y: 8 } });
      await hover.waitFor({ timeout: 5000 }).catch(() => undefined);
    }
    await hover.getByText('surprisal').waitFor();
    await workbench.command('Explain Tokens: Surprises: Filter…');
    await workbench.answer('alone');
    await workbench.command('Explorer: Focus on Surprises View');
    await page
      .locator('.monaco-list-row', { hasText: /alone.*cell 3/ })
      .first()
      .click();
    await alone.locator('.monaco-editor.focused').waitFor();
    await session.screenshot('62 a notebook as a whole');
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
