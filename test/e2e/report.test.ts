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
  afterAll(() => session.close());
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
});
