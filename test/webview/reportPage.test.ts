import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ARTIFACTS } from '../../scripts/lib/paths.mjs';
import { takesPictures } from '../pictures.ts';
import { startHarness, type HarnessServer } from './harness/server.ts';
import { panelPage } from './panelPage.ts';
import {
  expectDamageTold,
  expectFrame,
  expectGapsAndNotes,
  expectKeys,
  expectQuiet,
  expectSameTexts,
  fromDownloads,
  openIn,
  openTab,
  REPORT_HEIGHT,
  REPORT_VIEW,
  saveMap,
  saveReport,
  settled,
  textsOf,
  type OpenReport,
} from './savedReport.ts';

const page = panelPage();
let server: HarnessServer;
let work = '';
let file = '';
/** The text of each tab in the panel, which a model answers. */
let inPanel: ReadonlyMap<string, string>;

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'explain-tokens-report-'));
  file = join(work, 'keeper.tokens.html');
  server = await startHarness(await saveReport(file));
  await page.browser.page.setViewportSize({ width: 1000, height: REPORT_HEIGHT });
  await page.open(server, 'family&alone&theme=light');
  // The panel begins with the same view as the report.
  await page.browser.page.evaluate((view) => sessionStorage.setItem('state', JSON.stringify({ version: 1, view })), {
    ...REPORT_VIEW,
    headChosen: true,
  });
  await page.open(server, 'family&alone&theme=light', 'kept');
  // What a report leaves out: what has no model there.
  await page.panel.locator('body').evaluate(() => {
    const without = new CSSStyleSheet();
    without.replaceSync('.needs-model, #what-if { display: none !important; }');
    document.adoptedStyleSheets.push(without);
  });
  inPanel = await textsOf(page.panel);
});
afterAll(() => {
  server?.close();
  rmSync(work, { recursive: true, force: true });
});

async function openReport(): Promise<OpenReport> {
  const { page: report, errors } = await page.browser.nextWindow();
  await report.emulateMedia({ colorScheme: 'light' });
  return { report, errors, asked: await openIn(report, file) };
}

describe('a saved report in a browser without a network', () => {
  it('shows what the panel shows, in every tab, by its own policy and from its own file alone', async () => {
    const opened = await openReport();
    const { report } = opened;
    await expectFrame(opened);
    mkdirSync(join(ARTIFACTS, 'webview'), { recursive: true });
    const inReport = await textsOf(report, async (tab) => {
      if (!takesPictures) return;
      for (const [width, scheme] of [
        [480, 'light'],
        [800, 'dark'],
        [1400, 'light'],
      ] as const) {
        await report.setViewportSize({ width, height: REPORT_HEIGHT });
        await report.emulateMedia({ colorScheme: scheme });
        await settled(report);
        await report.screenshot({ path: join(ARTIFACTS, 'webview', `report-${tab}-${width}.png`) });
      }
      await report.setViewportSize({ width: 1000, height: REPORT_HEIGHT });
      await report.emulateMedia({ colorScheme: 'light' });
    });
    expectSameTexts(inReport, inPanel);
    expect(await report.locator('#panel-why .plot, #panel-why .signed-strip, #panel-why canvas').count()).toBeGreaterThan(0);
    await expectQuiet(opened);
    await report.close();
  });

  it('says what it has not kept, goes to its notes, follows the theme, and saves what it draws', async () => {
    const opened = await openReport();
    const { report } = opened;
    await expectGapsAndNotes(opened);
    const background = (): Promise<string> => report.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await background();
    await report.emulateMedia({ colorScheme: 'dark' });
    await expect.poll(background).not.toBe(light);
    await openTab(report, 'attention');
    await saveMap(opened, fromDownloads);
    await expectQuiet(opened);
    await report.close();
  });

  it('moves by keys alone', async () => {
    const opened = await openReport();
    await expectKeys(opened);
    await expectQuiet(opened);
    await opened.report.close();
  });

  it('shows the text without scripts, and says in a sentence that it is damaged', async () => {
    const { page: report } = await page.browser.nextWindow();
    await expectDamageTold(report, file);
    await report.close();
  });
});
