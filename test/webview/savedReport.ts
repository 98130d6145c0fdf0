import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { FrameLocator, Page } from 'playwright-core';
import { expect } from 'vitest';
import { collectAnswers } from '../../src/report/collectAnswers.ts';
import { makeReport } from '../../src/report/makeReport.ts';
import { writeReport } from '../../src/report/reportFile.ts';
import { REPORT_PARTS } from '../../src/report/reportQuestions.ts';
import { builtReportPage } from './builtReportPage.ts';
import { openBundled } from './family.ts';

/** What is checked of a saved report in every browser. */

const TEXT = 'The lighthouse keeper counted the ships. The lighthouse keeper slept.';
const SELECTED = 8;
/** The view with which a report begins. */
export const REPORT_VIEW = { selected: SELECTED, layer: 2, head: 5, tab: 'tokens' };
/** All of a tab is in sight: what is not need not be drawn. */
export const REPORT_HEIGHT = 2400;
/** Tabs whose views show the same in a report as in the panel. */
export const REPORT_TABS = ['attention', 'model', 'tokens', 'predictions', 'embeddings', 'positions', 'forward', 'why'];
/** A cell of the lens with its numbers, which come shortly after the tab is open. */
const LENS_CELL = '#panel-predictions .lens-scroll :text-matches("[0-9]%")';

/** A report in a page of a browser without a network. */
export interface OpenReport {
  readonly report: Page;
  /** Uncaught errors and error messages of the page. */
  readonly errors: readonly string[];
  /** Addresses that the page requested. */
  readonly asked: readonly string[];
}

/** Writes a report of all that one can hold, and what it was made from. */
export async function saveReport(file: string): Promise<Awaited<ReturnType<typeof openBundled>>> {
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
  const content = { shown, comparison: null, answers, choice, files, settings: REPORT_VIEW, notes };
  writeFileSync(file, await writeReport(makeReport(content, '0.1.0', new Date()), await builtReportPage()));
  return opened;
}

/** Opens a report in a page that has no network, and waits until its first view is there. */
export async function openIn(report: Page, file: string, width = 1000): Promise<readonly string[]> {
  const asked: string[] = [];
  report.on('request', (request) => asked.push(request.url()));
  await report.context().setOffline(true);
  await report.setViewportSize({ width, height: REPORT_HEIGHT });
  await report.goto(pathToFileURL(file).href);
  await report.locator('.strip .token').first().waitFor();
  await settled(report);
  return asked;
}

/** Waits until no view of a page is busy. */
export async function settled(of: Page | FrameLocator): Promise<void> {
  await of.locator('body').evaluate(async () => {
    for (let quiet = 0; quiet < 3; quiet++) {
      await new Promise(requestAnimationFrame);
      if (document.querySelector('[aria-busy="true"]') !== null) quiet = -1;
    }
  });
}

/** Opens a tab, and waits until all of it is there. */
export async function openTab(report: Page | FrameLocator, tab: string): Promise<void> {
  await report.locator(`#tab-${tab}`).click();
  await settled(report);
  if (tab === 'predictions') await report.locator(LENS_CELL).first().waitFor();
}

/** The text of each tab in a report, as words; `each` is called while the tab is open. */
export async function textsOf(
  report: Page | FrameLocator,
  each: (tab: string) => Promise<void> = async () => undefined,
): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  for (const tab of REPORT_TABS) {
    await openTab(report, tab);
    texts.set(tab, (await report.locator(`#panel-${tab}`).evaluate(visibleText)).replaceAll(/\s+/g, ' '));
    await each(tab);
  }
  return texts;
}

/** The text that is in sight inside of an element, text by text: browsers join those of a drawing each in its own way. */
function visibleText(root: Element): string {
  const texts: string[] = [];
  const nodes = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = nodes.nextNode(); node !== null; node = nodes.nextNode()) {
    const { parentElement: of, textContent } = node;
    const isShown = of instanceof HTMLOptionElement ? of.selected : of?.checkVisibility({ visibilityProperty: true });
    if (isShown === true) texts.push(textContent ?? '');
  }
  return texts.join(' ').trim();
}

/** Expects that two pages say the same, tab by tab. */
export function expectSameTexts(found: ReadonlyMap<string, string>, expected: ReadonlyMap<string, string>): void {
  for (const tab of REPORT_TABS) {
    expect(expected.get(tab)?.length, tab).toBeGreaterThan(100);
    expect(found.get(tab)?.split(' '), tab).toEqual(expected.get(tab)?.split(' '));
  }
}

/** Expects what a report has besides its views: its line, its notes, and no control that needs a model. */
export async function expectFrame({ report }: OpenReport): Promise<void> {
  expect(await report.locator('.report-band').innerText()).toContain('explain-tokens-9m');
  expect(await report.locator('.note-text').innerText()).toBe('Here it says the same again.');
  expect(await report.locator('[role="tab"]:visible').allInnerTexts()).not.toContain('Generate');
  // A model with a chat template would have its button there too.
  await report.locator('.header-row').evaluate((row) => row.querySelectorAll('button').forEach((one) => (one.hidden = false)));
  expect(await report.locator('.header-row button:visible').allInnerTexts()).toEqual(['explain-tokens-9m']);
}

/** Expects that a page has asked for nothing but its file, and that nothing has failed in it; the page is left then. */
export async function expectQuiet({ report, errors, asked }: OpenReport): Promise<void> {
  expect(asked.filter((url) => !url.startsWith('file:') && !url.startsWith('data:'))).toEqual([]);
  expect(errors).toEqual([]);
  // What listens does hear: a picture from elsewhere is refused by the page's policy, and a page from elsewhere is asked for.
  await report.evaluate(() => (new Image().src = 'http://127.0.0.1:8081/picture.png'));
  await expect.poll(() => errors.join(' ')).toContain('img-src');
  await expect(report.goto('http://127.0.0.1:8081/page')).rejects.toThrow();
  expect(asked).toContain('http://127.0.0.1:8081/page');
}

/** Expects that a report says what it has not kept, and goes to its notes. */
export async function expectGapsAndNotes({ report }: OpenReport): Promise<void> {
  await openTab(report, 'forward');
  await report.locator('.strip .token').nth(3).click();
  await settled(report);
  expect(await report.locator('#panel-forward').innerText()).toContain('Not kept in this report.');
  await report.locator('.note-list .link').click();
  await settled(report);
  expect(await selected(report)).toBe(SELECTED);
  expect(await report.locator('#panel-forward').innerText()).not.toContain('Not kept in this report.');
}

/** Expects that keys move through tokens, tabs, heads and menus, each to where it says. */
export async function expectKeys({ report }: OpenReport): Promise<void> {
  const { keyboard } = report;
  const focus = (): Promise<string> =>
    report.evaluate(() => {
      const { activeElement } = document;
      return activeElement?.id || activeElement?.getAttribute('data-index') || activeElement?.textContent?.trim() || '';
    });
  const last = (await report.locator('.strip .token').count()) - 1;
  await report.locator(`.strip .token[data-index="${SELECTED}"]`).focus();
  for (const [key, token] of [
    ['ArrowRight', SELECTED + 1],
    ['ArrowLeft', SELECTED],
    ['End', last],
    ['ArrowRight', last],
    ['Home', 0],
    ['ArrowRight', 1],
  ] as const) {
    await keyboard.press(key);
    await settled(report);
    expect([key, await selected(report), await focus()]).toEqual([key, token, String(token)]);
  }
  await report.locator('#tab-tokens').focus();
  for (const [key, tab] of [
    ['Home', 'tab-model'],
    ['ArrowRight', 'tab-tokens'],
    ['ArrowRight', 'tab-predictions'],
    ['ArrowRight', 'tab-attention'],
  ] as const) {
    await keyboard.press(key);
    await settled(report);
    expect([await focus(), await report.locator('[role="tab"][aria-selected="true"]').getAttribute('id')]).toEqual([tab, tab]);
  }
  const said = (): Promise<string> =>
    report
      .locator('[aria-live]')
      .allInnerTexts()
      .then((texts) => texts.join(' '));
  await report.locator('#panel-attention canvas[tabindex="0"]').first().focus();
  for (const [key, head] of [
    ['ArrowDown', 'Layer 3, head 5'],
    ['ArrowRight', 'Layer 3, head 6'],
    ['ArrowUp', 'Layer 2, head 6'],
  ] as const) {
    await keyboard.press(key);
    await settled(report);
    await expect.poll(said).toContain(head);
  }
  const save = report.getByRole('button', { name: /^Save: Attention of one head/ }).first();
  await save.focus();
  await keyboard.press('Enter');
  await expect.poll(() => save.getAttribute('aria-expanded')).toBe('true');
  const entries = await report.locator('[role="menuitem"]:visible').allInnerTexts();
  for (const entry of [entries[1], entries[2]]) {
    await keyboard.press('ArrowDown');
    expect(await focus()).toBe(entry);
  }
  await keyboard.press('Escape');
  await expect.poll(() => save.getAttribute('aria-expanded')).toBe('false');
  expect(await save.evaluate((button) => document.activeElement === button)).toBe(true);
}

const selected = async (report: Page): Promise<number> =>
  Number(await report.locator('.strip .token[aria-selected="true"]').getAttribute('data-index'));

/** A file that a page has its browser save. */
export interface SavedFile {
  readonly name: string;
  readonly text: string;
}

/** Takes what a page saves when something is pressed. */
export type TakeSaved = (report: Page, press: () => Promise<void>) => Promise<SavedFile>;

/** Takes a file from the browser's downloads. */
export const fromDownloads: TakeSaved = async (report, press) => {
  const waiting = report.waitForEvent('download');
  await press();
  const download = await waiting;
  return { name: download.suggestedFilename(), text: readFileSync(await download.path(), 'utf8') };
};

/**
 * Saves the map of a head as the menu offers it, and returns its numbers. Expects both files' names, and a picture in the drawing that is
 * as sharp as it should be.
 */
export async function saveMap({ report }: OpenReport, take: TakeSaved): Promise<string> {
  await openTab(report, 'attention');
  const saved = (what: string): Promise<SavedFile> =>
    take(report, async () => {
      await report
        .getByRole('button', { name: /^Save: Attention of one head/ })
        .first()
        .click();
      await report.getByRole('menuitem', { name: what }).first().click();
    });
  const numbers = await saved('CSV');
  expect(numbers.name).toBe('layer-2-head-5-attention.csv');
  const drawing = await saved('SVG');
  expect(drawing.name).toBe('layer-2-head-5-attention.svg');
  const [, image = ''] = /<image ([^>]*)>/.exec(drawing.text) ?? [];
  const [, shown = ''] = /\bwidth="([\d.]+)"/.exec(image) ?? [];
  const [, base64 = ''] = /href="data:image\/png;base64,([^"]*)"/.exec(image) ?? [];
  // Width in a PNG's header: programs that blur what they enlarge have nothing to enlarge.
  expect(Buffer.from(base64, 'base64').readUInt32BE(16)).toBeGreaterThanOrEqual(2 * Number(shown));
  expect(Number(shown)).toBeGreaterThan(100);
  return numbers.text;
}

/** Expects that of a damaged report the page shows the text, and says so in a sentence. */
export async function expectDamageTold(report: Page, file: string): Promise<void> {
  const whole = readFileSync(file, 'utf8');
  const broken = file.replace(basename(file), 'broken.tokens.html');
  const without = async (id: string): Promise<void> => {
    const at = whole.indexOf(id) + 400;
    writeFileSync(broken, whole.slice(0, at) + whole.slice(at + 4));
    await report.goto(pathToFileURL(broken).href);
  };
  await without('explain-tokens-numbers');
  await expect.poll(() => report.locator('#root').innerText()).toContain('is damaged or incomplete: it cannot be opened.');
  await without('explain-tokens-code');
  await expect.poll(() => report.locator('#root').innerText()).toContain('This report is damaged or incomplete');
  expect(await report.locator('#root pre').innerText()).toBe(TEXT);
}
