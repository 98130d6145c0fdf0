import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openBrowser } from './browser.ts';
import { expectSameNumbers, panelOf } from './panel.ts';
import { folderOf, keepScreenshot, openSession } from './session.ts';
import { SAMPLE, SAMPLE_LINES, sampleLines } from './texts.ts';
import { traceByCommandLine } from './trace.ts';
import { startWebVSCode } from './webVSCode.ts';
import { workbenchOf, type Workbench } from './workbench.ts';

/** Selects the sample, explains it, and compares what the panel and a hover say with the command line. */
async function explainSample(workbench: Workbench): Promise<void> {
  const traced = traceByCommandLine(sampleLines(1, SAMPLE_LINES), ['--runtime', 'wasm']);
  const panel = panelOf(workbench);
  await workbench.selectLines(1, SAMPLE_LINES);
  await workbench.command('Explain Tokens');
  await panel.shows(traced.length);
  expectSameNumbers(await panel.rows(), traced);
  await panel.openTab('Attention');
  await panel.frame.locator('.js-plotly-plot').first().waitFor();
  expect(await workbench.hover('reads')).toContain('surprisal');
}

describe('the same VSIX in a web extension host', () => {
  it('of VS Code 1.139 gives the numbers of the command line', async () => {
    const session = await openSession({
      files: { 'sample.md': SAMPLE },
      open: 'sample.md',
      expect: 'The model reads',
      settings: { 'remote.extensionKind': { 'explain-tokens.explain-tokens': ['web'] } },
    });
    try {
      await explainSample(session.workbench);
      expect(session.browser.outside).toEqual([]);
      expect(session.ownErrors()).toEqual([]);
    } finally {
      await session.screenshot('50 web extension host');
      await session.close();
    }
  });

  it('of the oldest supported VS Code 1.91, without any Node behind it, gives the numbers of the command line', async () => {
    const workspace = folderOf({ 'sample.md': SAMPLE });
    const web = await startWebVSCode(workspace);
    const browser = await openBrowser();
    const { page } = browser;
    try {
      const workbench = workbenchOf(page);
      await page.goto(web.url);
      const file = page.locator('.explorer-viewlet').getByText('sample.md');
      await file.waitFor({ timeout: 120_000 });
      await file.dblclick();
      await workbench.ready('The model reads');
      await explainSample(workbench);
      expect(browser.outside).toEqual([]);
    } finally {
      await keepScreenshot(page, '51 VS Code 1.91 in the web');
      await browser.close();
      await web.stop();
      rmSync(workspace, { recursive: true, force: true });
    }
  });
});
