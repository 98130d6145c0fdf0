import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureBrowser } from '../../scripts/lib/browser.mjs';
import { ARTIFACTS } from '../../scripts/lib/paths.mjs';
import { takesPictures } from '../pictures.ts';
import { openFirefox } from './firefox.ts';
import {
  expectDamageTold,
  expectFrame,
  expectGapsAndNotes,
  expectKeys,
  expectQuiet,
  expectSameTexts,
  openIn,
  saveMap,
  saveReport,
  textsOf,
  type OpenReport,
  type TakeSaved,
} from './savedReport.ts';

const PICTURES = join(ARTIFACTS, 'webview');
const READERS = [
  { scheme: 'light', language: 'en', title: 'Attention' },
  { scheme: 'dark', language: 'zh-CN', title: '注意力' },
] as const;
type Reader = (typeof READERS)[number];

let work = '';
let file = '';
const browsers = new Map<string, Browser>();

beforeAll(async () => {
  mkdirSync(PICTURES, { recursive: true });
  work = mkdtempSync(join(tmpdir(), 'explain-tokens-firefox-'));
  file = join(work, 'keeper.tokens.html');
  await saveReport(file);
  browsers.set('chromium', await chromium.launch({ executablePath: ensureBrowser(console.log), args: ['--no-sandbox', '--disable-gpu'] }));
  for (const { scheme } of READERS) browsers.set(scheme, await openFirefox(scheme));
});
afterAll(async () => {
  for (const browser of browsers.values()) await browser.close();
  rmSync(work, { recursive: true, force: true });
});

/** Opens the report as a reader has set their browser. */
async function openReport({ scheme, language }: Reader, name: 'firefox' | 'chromium' = 'firefox'): Promise<OpenReport> {
  const browser = browsers.get(name === 'firefox' ? scheme : name) ?? expect.fail('The browser opens before the tests.');
  // Firefox has its own colours, and is told none.
  const context = await browser.newContext({ locale: language, colorScheme: name === 'firefox' ? null : scheme });
  const report = await context.newPage();
  report.setDefaultTimeout(180_000);
  const errors: string[] = [];
  report.on('pageerror', (error) => errors.push(`uncaught: ${error.stack ?? String(error)}`));
  report.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  return { report, errors, asked: await openIn(report, file) };
}

/** Takes a file where the page hands it to its browser: under this driver Firefox saves nothing, of whatever page. */
const fromPage: TakeSaved = async (report, press) => {
  const taken = report.evaluate(
    () =>
      new Promise<{ readonly name: string; readonly text: string }>((resolve) => {
        const { createObjectURL } = URL;
        const { click } = HTMLAnchorElement.prototype;
        let content: Blob | undefined;
        URL.createObjectURL = (of: Blob) => {
          content = of;
          return createObjectURL(of);
        };
        HTMLAnchorElement.prototype.click = function () {
          if (this.download === '' || content === undefined) return click.call(this);
          Object.assign(URL, { createObjectURL });
          HTMLAnchorElement.prototype.click = click;
          void content.text().then((text) => resolve({ name: this.download, text }));
        };
      }),
  );
  await press();
  return taken;
};

describe('a saved report in Firefox without a network', () => {
  it.each(READERS)('shows what it shows in Chromium, in every tab: $scheme, $language', async (reader) => {
    const [opened, other] = [await openReport(reader), await openReport(reader, 'chromium')];
    const { report } = opened;
    if (reader.language === 'en') await expectFrame(opened);
    expect(await report.locator('#tab-attention').innerText()).toBe(reader.title);
    expect(await report.evaluate(() => document.body.className)).toBe(`vscode-${reader.scheme}`);
    const inFirefox = await textsOf(report, async (tab) => {
      if (takesPictures) await report.screenshot({ path: join(PICTURES, `firefox-${tab}-${reader.scheme}.png`) });
    });
    expectSameTexts(inFirefox, await textsOf(other.report));
    await expectQuiet(opened);
    await expectQuiet(other);
    await report.context().close();
    await other.report.context().close();
  });

  it('says what it has not kept, goes to its notes, and saves the numbers and drawings that Chromium saves', async () => {
    const [opened, other] = [await openReport(READERS[0]), await openReport(READERS[0], 'chromium')];
    await expectGapsAndNotes(opened);
    const numbers = await saveMap(opened, fromPage);
    expect(numbers.split('\n').length).toBeGreaterThan(10);
    expect(numbers).toBe(await saveMap(other, fromPage));
    await expectQuiet(opened);
    await opened.report.context().close();
    await other.report.context().close();
  });

  it('moves by keys alone', async () => {
    const opened = await openReport(READERS[0]);
    await expectKeys(opened);
    await expectQuiet(opened);
    await opened.report.context().close();
  });

  it('shows the text without scripts, and says in a sentence that it is damaged', async () => {
    const { report } = await openReport(READERS[0]);
    await expectDamageTold(report, file);
    await report.context().close();
  });
});
