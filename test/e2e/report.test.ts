import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readReport } from '../../src/report/reportFile.ts';
import { panelOf, type Panel } from './panel.ts';
import { openSession, type Session } from './session.ts';
import { SAMPLE, sampleLines } from './texts.ts';
import { traceByCommandLine } from './trace.ts';
import { until } from './until.ts';

const LINE = sampleLines(3, 3);

describe('a report in VS Code', () => {
  let session: Session;
  let panel: Panel;
  let folder = '';

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'explain-tokens-saved-'));
    session = await openSession({ files: { 'sample.md': SAMPLE }, open: 'sample.md', expect: 'The model reads' });
    panel = panelOf(session.workbench);
  });
  afterAll(async () => {
    await session.close();
    rmSync(folder, { recursive: true, force: true });
  });
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
    const input = page.locator('.quick-input-widget:visible');
    await input.getByText('Save as Report: about').waitFor();
    await page.keyboard.press('Enter');
    const path = join(folder, 'line.tokens.html');
    const box = input.locator('input[type="text"]').first();
    await until(
      'the dialog for the place',
      () => box.inputValue(),
      (value) => value.includes('.tokens.html'),
    );
    await box.fill(path);
    await page.keyboard.press('Enter');
    await until(
      'the file',
      async () => existsSync(path),
      (there) => there,
    );
    const report = await readReport(readFileSync(path, 'utf8'), 'line.tokens.html');
    expect(report.head).toMatchObject({ text: LINE, kept: ['attention', 'lens', 'vectors', 'positions', 'forward', 'why'] });
    await workbench.closePanel();

    await workbench.command('Workspaces: Open File…').catch(() => workbench.command('File: Open File...'));
    await until(
      'the dialog for the file',
      () => box.inputValue(),
      (value) => value.startsWith('/'),
    );
    await box.fill(path);
    await page.keyboard.press('Enter');
    await panel.shows(tokens);
    expect(await panel.rows()).toEqual(rows);
    await panel.frame.getByRole('button', { name: 'Read Again' }).click();
    await panel.frame.getByText('are the kept ones to their last bit').waitFor({ timeout: 120_000 });
    await session.screenshot('report');
    expect(session.ownErrors()).toEqual([]);
  });
});
