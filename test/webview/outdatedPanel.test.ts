import type { FrameLocator, Locator } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { HostMessage } from '../../src/protocol/messages.ts';
import type { Browser } from '../e2e/browser.ts';
import { comparePanels, openBundled } from './family.ts';
import { startHarness, type HarnessServer } from './harness/server.ts';
import { panelPage } from './panelPage.ts';
import { readFixture } from './readFixture.ts';

const ABOUT = { text: 'other.md', place: '/texts/other.md', model: '/models/broken' };
const { shown } = readFixture();
const page = panelPage();
const { picture, posted } = page;
let browser: Browser;
let panel: FrameLocator;
beforeAll(() => void ({ browser, panel } = page));
beforeEach(() => browser.page.setViewportSize({ width: 800, height: 700 }));

const send = (message: HostMessage): Promise<void> => browser.page.evaluate((sent) => window.harness.send(sent), message);
/** How strongly something is drawn, once a change of it has ended. */
const opacity = (of: Locator): Promise<number> =>
  of.evaluate(async (element) => {
    await Promise.all(element.getAnimations().map(({ finished }) => finished));
    return Number(getComputedStyle(element).opacity);
  });
const status = (): Locator => panel.locator('.page > .status');

describe('results from before, in the panel', () => {
  let server: HarnessServer;
  beforeAll(async () => {
    server = await startHarness();
  });
  afterAll(() => server?.close());

  it('are dimmed and named in every view while another text runs, and stand out again with the new ones', async () => {
    await page.open(server, '');
    const views = await panel
      .getByRole('tab')
      .evaluateAll((tabs) => tabs.filter((tab) => !(tab as HTMLElement).hidden).map((tab) => tab.id));
    await send({ type: 'progress', message: 'Running the model…', fraction: 0.5, about: ABOUT });
    await panel.getByText('other.md: Running the model…').waitFor();
    const begin = shown.explanation.text.replaceAll(/\s+/g, ' ').slice(0, 20);
    expect(await status().innerText()).toContain(`The dimmed results are from before: sample.md, “${begin}`);
    for (const view of views) {
      await panel.locator(`#${view}`).click();
      for (const part of ['.panels', '.strip-section', '.header'])
        await expect.poll(() => opacity(panel.locator(part)), { message: `${view} ${part}` }).toBeCloseTo(0.5);
    }
    await picture('outdated-working');
    await send({ type: 'explanation', shown: { ...shown, serial: 2 } });
    await expect.poll(() => opacity(panel.locator('.panels'))).toBe(1);
    expect(await status().isVisible()).toBe(false);
  });

  it('stay so after a failure, which says what failed in the panel, until the user goes back to them', async () => {
    await page.open(server, '');
    await send({ type: 'failure', message: 'The folder /models/broken has no config.json.', about: ABOUT });
    await panel.getByRole('heading', { name: 'other.md could not be explained' }).waitFor();
    const text = await status().innerText();
    for (const part of ['has no config.json', '/texts/other.md', '/models/broken', 'The dimmed results are from before: sample.md'])
      expect(text).toContain(part);
    await expect.poll(() => opacity(panel.locator('.panels'))).toBeCloseTo(0.5);
    await picture('outdated-failed');
    await panel.getByRole('button', { name: 'Back to sample.md' }).click();
    expect(await status().isVisible()).toBe(false);
    await expect.poll(() => opacity(panel.locator('.panels'))).toBe(1);
    await expect.poll(async () => (await posted()).at(-1)).toEqual({ type: 'dismiss' });
    await send({ type: 'cancelled' });
    await panel.getByRole('heading', { name: 'Cancelled' }).waitFor();
    await expect.poll(() => opacity(panel.locator('.panels'))).toBeCloseTo(0.5);
  });

  it('stand under a banner where a model was refused and another goes on', async () => {
    await page.open(server, '');
    await send({ type: 'refused', refusal: { model: '/models/broken', kept: 'explain-tokens-9m', message: 'config.json is no JSON.' } });
    const alert = panel.getByRole('alert').filter({ hasText: '/models/broken could not be opened: explain-tokens-9m stays in use.' });
    expect(await alert.innerText()).toContain('config.json is no JSON.');
    await picture('refused');
    await send({ type: 'refused', refusal: null });
    await expect.poll(() => alert.count()).toBe(0);
  });

  it('say of a forward pass that was kept that it was', async () => {
    await page.open(server, '');
    expect(await panel.locator('.numbers').innerText()).not.toContain('kept');
    await send({ type: 'explanation', shown: { ...shown, serial: 2, explanation: { ...shown.explanation, forwardKept: true } } });
    await expect.poll(() => panel.locator('.numbers').innerText()).toMatch(/ms before, kept/);
  });
});

describe('the token that is shown', () => {
  let server: HarnessServer;
  beforeAll(async () => {
    server = await startHarness();
  });
  afterAll(() => server?.close());
  const first = shown.explanation.tokens.findIndex(({ special }) => !special);
  /** The selected token of strip and table, and whether each is seen whole in its frame. */
  const seen = async (): Promise<object> => ({
    strip: await panel.locator('.strip [aria-selected="true"]').evaluate(inFrame, '.strip'),
    table: await panel.locator('.token-table [aria-selected="true"]').evaluate(inFrame, '.panels'),
  });

  it('is the first of the text in strip and table, also where the text before was left at its end', async () => {
    await page.open(server, '');
    await panel.locator('#tab-tokens').click();
    await expect.poll(seen).toEqual({ strip: { index: first, seen: true }, table: { index: first, seen: true } });
    await panel.locator('.strip [aria-selected="true"]').press('End');
    const last = shown.explanation.tokens.length - 1;
    await expect.poll(seen).toEqual({ strip: { index: last, seen: true }, table: { index: last, seen: true } });
    await send({
      type: 'explanation',
      shown: { ...shown, serial: 2, explanation: { ...shown.explanation, text: `${shown.explanation.text} ` } },
    });
    await expect.poll(seen).toEqual({ strip: { index: first, seen: true }, table: { index: first, seen: true } });
  });

  it('is the one the user pointed at, where the same text is explained again', async () => {
    await page.open(server, '');
    await panel.locator('#tab-tokens').click();
    await panel.locator('.strip [aria-selected="true"]').press('End');
    const last = shown.explanation.tokens.length - 1;
    await panel.locator('.panels').evaluate((panels) => panels.scrollTo(0, 0));
    await send({ type: 'explanation', shown: { ...shown, serial: 2 } });
    await expect.poll(seen).toEqual({ strip: { index: last, seen: true }, table: { index: last, seen: true } });
  });
});

describe('a comparison from before', () => {
  it('is dimmed and named while another is made and after that failed, with what failed', async () => {
    const server = await startHarness(
      await comparePanels(await openBundled('The same.', 'first.md'), await openBundled('The same cat.', 'second.md'), 'text'),
    );
    try {
      await page.open(server, 'family');
      await panel.locator('#tab-compare').click();
      const content = panel.locator('.compare-content');
      await expect.poll(() => opacity(content)).toBe(1);
      for (const work of [
        { kind: 'working', message: 'Running the model…', fraction: null, open: true },
        { kind: 'failed', message: 'It is no GGUF file.', what: '/models/third.gguf' },
        { kind: 'cancelled' },
      ] as const) {
        await send({ type: 'comparing', work, again: null });
        await expect.poll(() => opacity(content), { message: work.kind }).toBeCloseTo(0.5);
        expect(await panel.locator('.compare-view > .status').innerText()).toContain(
          'The dimmed results are from before: the comparison with second.md.',
        );
        if (work.kind === 'failed')
          await panel.getByRole('heading', { name: 'The comparison with /models/third.gguf could not be made' }).waitFor();
        if (work.kind === 'failed') await picture('outdated-comparison');
      }
      await panel.getByRole('button', { name: 'Back to second.md' }).click();
      await expect.poll(async () => (await posted()).at(-1)).toEqual({ type: 'cancelComparison' });
      await send({ type: 'comparing', work: { kind: 'idle' }, again: null });
      await expect.poll(() => opacity(content)).toBe(1);
    } finally {
      server.close();
    }
  });
});

/** Runs in the page: which token an element stands for, and whether it lies inside its frame. */
function inFrame(element: Element, frame: string): { readonly index: number; readonly seen: boolean } {
  const [own, box] = [element.getBoundingClientRect(), element.closest(frame)?.getBoundingClientRect()];
  const top = Math.max(box?.top ?? 0, element.closest('table')?.querySelector('thead th')?.getBoundingClientRect().bottom ?? 0);
  return {
    index: Number((element as HTMLElement).dataset['index']),
    seen: box !== undefined && own.top >= top - 1 && own.bottom <= box.bottom + 1,
  };
}
