import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Download, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ARTIFACTS } from '../../scripts/lib/paths.mjs';
import { collectAnswers } from '../../src/report/collectAnswers.ts';
import { makeReport } from '../../src/report/makeReport.ts';
import { writeReport } from '../../src/report/reportFile.ts';
import { REPORT_PARTS } from '../../src/report/reportQuestions.ts';
import { openBundled } from './family.ts';
import { builtReportPage } from './builtReportPage.ts';
import { takesPictures } from '../pictures.ts';
import { startHarness, type HarnessServer } from './harness/server.ts';
import { panelPage } from './panelPage.ts';

const TEXT = 'The lighthouse keeper counted the ships. The lighthouse keeper slept.';
const SELECTED = 8;
const VIEW = { selected: SELECTED, layer: 2, head: 5, tab: 'tokens' };
/** All of a tab is in sight: what is not need not be drawn. */
const HEIGHT = 2400;
/** A cell of the lens with its numbers, which come shortly after the tab is open. */
const LENS_CELL = '#panel-predictions .lens-scroll :text-matches("[0-9]%")';
/** Tabs whose views show the same in a report as in the panel. */
const TABS = ['attention', 'model', 'tokens', 'predictions', 'embeddings', 'positions', 'forward', 'why'];

const page = panelPage();
let server: HarnessServer;
let work = '';
let file = '';
/** The text of each tab in the panel, which a model answers. */
const inPanel = new Map<string, string>();
/** The same in the report. */
const inReport = new Map<string, string>();

/** Waits until no view of a page is busy. */
async function settled(of: Page): Promise<void> {
  await of.evaluate(async () => {
    for (let quiet = 0; quiet < 3; quiet++) {
      await new Promise(requestAnimationFrame);
      if (document.querySelector('[aria-busy="true"]') !== null) quiet = -1;
    }
  });
}

/** What a tab's panel says, but for what it shows in an editor, which a report does not have. */
const textOf = async (locator: { innerText(): Promise<string> }): Promise<string> => (await locator.innerText()).replaceAll(/\s+/g, ' ');

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'explain-tokens-report-'));
  const opened = await openBundled(TEXT);
  const { shown } = opened;
  const choice = { parts: REPORT_PARTS, tokens: [SELECTED], layer: 2, head: 5, embeddingLayer: -1 };
  const answers = await collectAnswers(
    shown,
    choice,
    [],
    (name, args) => opened.remote.ask(shown.explanation.run, name, args),
    () => undefined,
  );
  const files = await opened.remote.ask(shown.explanation.run, 'fileMarks', {});
  const notes = [{ text: 'Here it says the same again.', token: SELECTED, head: null, key: null }];
  const content = { shown, comparison: null, answers, choice, files, settings: VIEW, notes };
  file = join(work, 'keeper.tokens.html');
  writeFileSync(file, await writeReport(makeReport(content, '0.1.0', new Date()), await builtReportPage()));
  server = await startHarness(opened);
  await page.browser.page.setViewportSize({ width: 1000, height: HEIGHT });
  await page.open(server, 'family&alone&theme=light');
  // The panel begins with the same view as the report.
  await page.browser.page.evaluate((view) => sessionStorage.setItem('state', JSON.stringify({ version: 1, view })), {
    ...VIEW,
    headChosen: true,
  });
  await page.open(server, 'family&alone&theme=light');
  // What a report leaves out: what has no model there.
  await page.panel.locator('body').evaluate(() => {
    const without = new CSSStyleSheet();
    without.replaceSync('.needs-model, #what-if { display: none !important; }');
    document.adoptedStyleSheets.push(without);
  });
  for (const tab of TABS) {
    await page.panel.locator(`#tab-${tab}`).click();
    await page.settled();
    if (tab === 'predictions') await page.panel.locator(LENS_CELL).first().waitFor();
    inPanel.set(tab, await textOf(page.panel.locator(`#panel-${tab}`)));
  }
});
afterAll(() => {
  server.close();
  rmSync(work, { recursive: true, force: true });
});

async function openReport(
  width = 1000,
): Promise<{ readonly report: Page; readonly errors: readonly string[]; readonly asked: readonly string[] }> {
  const { page: report, errors } = await page.browser.nextWindow();
  const asked: string[] = [];
  report.on('request', (request) => asked.push(request.url()));
  await report.context().setOffline(true);
  await report.setViewportSize({ width, height: HEIGHT });
  await report.emulateMedia({ colorScheme: 'light' });
  await report.goto(pathToFileURL(file).href);
  await report.locator('.strip .token').first().waitFor();
  await settled(report);
  return { report, errors, asked };
}

describe('a saved report in a browser without a network', () => {
  it('shows what the panel shows, in every tab, by its own policy and from its own file alone', async () => {
    const { report, errors, asked } = await openReport();
    expect(await report.locator('.report-band').innerText()).toContain('explain-tokens-9m');
    expect(await report.locator('.note-text').innerText()).toBe('Here it says the same again.');
    expect(await report.locator('[role="tab"]:visible').allInnerTexts()).not.toContain('Generate');
    // A model with a chat template would have its button there too.
    await report.locator('.header-row').evaluate((row) => row.querySelectorAll('button').forEach((one) => (one.hidden = false)));
    expect(await report.locator('.header-row button:visible').allInnerTexts()).toEqual(['explain-tokens-9m']);
    mkdirSync(join(ARTIFACTS, 'webview'), { recursive: true });
    for (const tab of TABS) {
      await report.locator(`#tab-${tab}`).click();
      await settled(report);
      if (tab === 'predictions') await report.locator(LENS_CELL).first().waitFor();
      inReport.set(tab, await textOf(report.locator(`#panel-${tab}`)));
      if (!takesPictures) continue;
      for (const [width, scheme] of [
        [480, 'light'],
        [800, 'dark'],
        [1400, 'light'],
      ] as const) {
        await report.setViewportSize({ width, height: HEIGHT });
        await report.emulateMedia({ colorScheme: scheme });
        await settled(report);
        await report.screenshot({ path: join(ARTIFACTS, 'webview', `report-${tab}-${width}.png`) });
      }
      await report.setViewportSize({ width: 1000, height: HEIGHT });
      await report.emulateMedia({ colorScheme: 'light' });
    }
    for (const tab of TABS) {
      expect(inPanel.get(tab)?.length, tab).toBeGreaterThan(100);
      expect(inReport.get(tab)?.split(' '), tab).toEqual(inPanel.get(tab)?.split(' '));
    }
    expect(await report.locator('#panel-why .plot, #panel-why .signed-strip, #panel-why canvas').count()).toBeGreaterThan(0);
    expect(asked.filter((url) => !url.startsWith('file:') && !url.startsWith('data:'))).toEqual([]);
    expect(errors).toEqual([]);
    await report.close();
  });

  it('says what it has not kept, goes to its notes, follows the theme, and saves what it draws', async () => {
    const { report, errors } = await openReport();
    await report.locator('#tab-forward').click();
    await report.locator('.strip .token').nth(3).click();
    await settled(report);
    expect(await report.locator('#panel-forward').innerText()).toContain('Not kept in this report.');
    await report.locator('.note-list .link').click();
    await settled(report);
    expect(await report.locator('.strip .token[aria-selected="true"]').getAttribute('data-index')).toBe(String(SELECTED));
    expect(await report.locator('#panel-forward').innerText()).not.toContain('Not kept in this report.');
    const background = (): Promise<string> => report.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await background();
    await report.emulateMedia({ colorScheme: 'dark' });
    await expect.poll(background).not.toBe(light);
    await report.locator('#tab-attention').click();
    await settled(report);
    const saved = async (what: string): Promise<Download> => {
      const download = report.waitForEvent('download');
      await report
        .getByRole('button', { name: /^Save: Attention of one head/ })
        .first()
        .click();
      await report.getByRole('menuitem', { name: what }).first().click();
      return download;
    };
    expect((await saved('CSV')).suggestedFilename()).toBe('layer-2-head-5-attention.csv');
    const drawing = await saved('SVG');
    expect(drawing.suggestedFilename()).toBe('layer-2-head-5-attention.svg');
    const path = join(work, 'attention.svg');
    await drawing.saveAs(path);
    const [, image = ''] = /<image ([^>]*)>/.exec(readFileSync(path, 'utf8')) ?? [];
    const [, shown = ''] = /\bwidth="([\d.]+)"/.exec(image) ?? [];
    const [, base64 = ''] = /href="data:image\/png;base64,([^"]*)"/.exec(image) ?? [];
    // Width in a PNG's header: programs that blur what they enlarge have nothing to enlarge.
    expect(Buffer.from(base64, 'base64').readUInt32BE(16)).toBeGreaterThanOrEqual(2 * Number(shown));
    expect(Number(shown)).toBeGreaterThan(100);
    expect(errors).toEqual([]);
    await report.close();
  });

  it('shows the text without scripts, and says in a sentence that it is damaged', async () => {
    const whole = readFileSync(file, 'utf8');
    const at = whole.indexOf('explain-tokens-numbers') + 400;
    const broken = join(work, 'broken.tokens.html');
    writeFileSync(broken, whole.slice(0, at) + whole.slice(at + 4));
    const { page: report } = await page.browser.nextWindow();
    await report.goto(pathToFileURL(broken).href);
    await expect.poll(() => report.locator('#root').innerText()).toContain('is damaged or incomplete: it cannot be opened.');
    const code = whole.indexOf('explain-tokens-code') + 400;
    writeFileSync(broken, whole.slice(0, code) + whole.slice(code + 4));
    await report.goto(pathToFileURL(broken).href);
    await expect.poll(() => report.locator('#root').innerText()).toContain('This report is damaged or incomplete');
    expect(await report.locator('#root pre').innerText()).toBe(TEXT);
    await report.close();
  });
});
