import type { FrameLocator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostMessage, ShownExplanation } from '../../src/protocol/messages.ts';
import type { TextWindow } from '../../src/core/trace.ts';
import type { Browser } from '../e2e/browser.ts';
import { startHarness, type HarnessServer } from './harness/server.ts';
import { panelPage } from './panelPage.ts';
import { readFixture } from './readFixture.ts';

const { shown } = readFixture();
const page = panelPage();
let browser: Browser;
let panel: FrameLocator;
beforeAll(() => void ({ browser, panel } = page));

const WINDOWS = Array.from({ length: 39 }, (_, i): TextWindow => {
  const [begin, end] = [512 * i, Math.min(20_000, 512 * i + 1024)];
  return { begin, end, start: 3 * begin, stop: 3 * end, enter: 3 * begin };
});
const RULE = 'A model reads 1024 tokens at once: this text is read in windows.';

/** The fixture's text as window `index` of a text of 1,557 lines. */
function windowed(index: number, serial: number, first = 1): ShownExplanation {
  const window = { index, windows: WINDOWS, tokens: 20_000, length: 1024, stride: 512 };
  const lines = WINDOWS.map((_, i) => [first + 40 * i, Math.min(1557, first + 40 * i + 80)] as const);
  return { ...shown, serial, explanation: { ...shown.explanation, window }, windows: { rule: RULE, lines, whole: [first, 1557] } };
}

const send = (message: HostMessage): Promise<void> => browser.page.evaluate((sent) => window.harness.send(sent), message);
const show = (explained: ShownExplanation): Promise<void> => send({ type: 'explanation', shown: explained });
const slider = () => panel.getByRole('slider', { name: 'Window', exact: true });
const named = () => slider().getAttribute('aria-valuetext');
const asked = async () => (await page.posted()).filter(({ type }) => type === 'window');

describe('the window of a long text, in the panel', () => {
  let server: HarnessServer;
  beforeAll(async () => {
    server = await startHarness();
    await page.open(server, '');
  });
  afterAll(() => server?.close());

  it('is not there for a text that is read at once', async () => {
    expect(await panel.locator('.window-bar').isVisible()).toBe(false);
  });

  it('is named by its lines and tokens, to the eye and to a screen reader, with the rule', async () => {
    await show(windowed(3, 2));
    await expect.poll(named).toBe('Lines 121–201 of 1,557, tokens 1,537–2,560 of 20,000');
    expect(await panel.locator('.window-bar output').innerText()).toBe('Lines 121–201 of 1,557, tokens 1,537–2,560 of 20,000');
    expect(await panel.getByRole('region', { name: 'Window of the text' }).innerText()).toContain(RULE);
    expect([await slider().getAttribute('min'), await slider().getAttribute('max')]).toEqual(['0', '38']);
    await page.picture('window');
  });

  it('is chosen with the keys: the name follows each, and the last one is asked for', async () => {
    await slider().focus();
    // One behind the other, without waiting for the answer to each: between two of them a busy machine would let the slider rest.
    await Promise.all(['ArrowRight', 'ArrowRight', 'ArrowLeft', 'ArrowRight'].map((key) => browser.page.keyboard.press(key)));
    expect(await named()).toBe('Lines 201–281 of 1,557, tokens 2,561–3,584 of 20,000');
    await expect.poll(asked).toEqual([{ type: 'window', serial: 2, index: 5 }]);
    await browser.page.keyboard.press('End');
    await expect.poll(asked).toEqual([
      { type: 'window', serial: 2, index: 5 },
      { type: 'window', serial: 2, index: 38 },
    ]);
    expect(await named()).toBe('Lines 1,521–1,557 of 1,557, tokens 19,457–20,000 of 20,000');
  });

  it('stays where it was put while it is read, and is announced when it is there', async () => {
    await send({ type: 'progress', message: 'Running the model…', fraction: 0.5 });
    expect(await named()).toContain('tokens 19,457–20,000');
    await show(windowed(38, 3));
    await expect.poll(() => panel.locator('[role="status"].visually-hidden').innerText()).toContain('tokens 19,457–20,000');
    expect(await named()).toContain('tokens 19,457–20,000');
  });

  it('goes back to what is shown after a failure', async () => {
    await slider().focus();
    await browser.page.keyboard.press('Home');
    expect(await named()).toContain('tokens 1–1,024 ');
    await expect.poll(async () => (await asked()).at(-1)).toEqual({ type: 'window', serial: 3, index: 0 });
    await send({ type: 'progress', message: 'Running the model…', fraction: 0.5 });
    await send({ type: 'failure', message: 'No.' });
    await expect.poll(named).toContain('tokens 19,457–20,000');
  });

  it('of a selection names the lines selected', async () => {
    await show(windowed(0, 4, 101));
    await expect.poll(named).toBe('Lines 101–181, of 101–1,557, tokens 1–1,024 of 20,000');
  });

  it('is kept with the state of the panel', async () => {
    await show(windowed(7, 5));
    const kept = async (): Promise<unknown> =>
      (JSON.parse(await browser.page.evaluate(() => sessionStorage.getItem('state') ?? '{}')) as { readonly at?: number }).at;
    await expect.poll(kept).toBe(3 * 512 * 7);
  });
});
