import type { Frame } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TABS } from '../../webview/viewSettings.ts';
import { openBundled } from '../webview/family.ts';
import { startHarness, type HarnessServer } from '../webview/harness/server.ts';
import { panelPage } from '../webview/panelPage.ts';
import { median, record } from './report.ts';
import { benchText } from './text.ts';

const SWITCHES = 5;
/** Until what follows a drawing is done. */
const REST_MS = 700;

const page = panelPage();
let server: HarnessServer;
beforeAll(async () => {
  server = await startHarness();
});
afterAll(() => server?.close());

/** The page alone, answered at once from a fixture: what strip, table and map of a long text cost. */
test.each([1024, 4096])('the page in a browser: %i tokens', async (tokens) => {
  await page.browser.page.setViewportSize({ width: 1400, height: 900 });
  await page.open(server, `tokens=${tokens}`);
  await page.tab('Tokens');
  const frame = page.browser.page.frames().find((one) => one.url().endsWith('/panel')) ?? expect.fail('The panel has no frame.');
  await page.browser.page.waitForTimeout(REST_MS);
  const shown: number[] = [];
  for (let time = 0; time < SWITCHES; time++) {
    shown.push(await explanationMs(frame, time + 2));
  }
  const elements = await page.panel.locator('*').count();
  await page.tab('Attention');
  const maps: number[] = [];
  for (let time = 0; time < SWITCHES; time++) {
    await page.browser.page.waitForTimeout(REST_MS);
    maps.push(await headMs(frame, time % 2 === 0 ? 'ArrowRight' : 'ArrowDown'));
  }
  await page.browser.page.waitForTimeout(REST_MS);
  const { frames, named, slowest } = await hovering(frame, '.map-card');
  await page.tab('Embeddings');
  await page.panel.locator('.embedding-views > .choice .segment', { hasText: 'Similarity' }).click();
  await page.settled();
  const pairs: number[] = [];
  for (let time = 0; time < SWITCHES; time++) {
    await page.browser.page.waitForTimeout(REST_MS);
    pairs.push(await similarityMs(frame));
  }
  await page.browser.page.waitForTimeout(REST_MS);
  const ofPairs = await hovering(frame, '[aria-label="Similarity"]');
  record('the page in a browser', {
    tokens,
    elements,
    'strip and table ms': median(shown),
    'next head ms': median(maps),
    'hover frames/s': frames,
    'weights named/s': named,
    'slowest frame ms': slowest,
    'zoom of cosines ms': median(pairs),
    'hover frames/s of cosines': ofPairs.frames,
  });
});

/** Tabs and the Model view of the bundled model, which answers in this process: what is on screen at once, and when the last answer is. */
test('tabs of the page: 256 tokens', async () => {
  const opened = await startHarness(await openBundled((await benchText()).part(256, 0)));
  await page.browser.page.setViewportSize({ width: 1400, height: 900 });
  await page.open(opened, 'family&alone');
  const frame = page.browser.page.frames().find((one) => one.url().endsWith('/panel')) ?? expect.fail('The panel has no frame.');
  for (const tab of TABS.filter((name) => name !== 'experts')) {
    await click(frame, tab === 'tokens' ? '#tab-model' : '#tab-tokens');
    const first = await click(frame, `#tab-${tab}`);
    const again: number[] = [];
    for (let time = 0; time < SWITCHES; time++) {
      await click(frame, tab === 'tokens' ? '#tab-model' : '#tab-tokens');
      await page.browser.page.waitForTimeout(REST_MS / 4);
      again.push((await click(frame, `#tab-${tab}`)).drawn);
    }
    record('tabs of the page, 256 tokens', {
      tab,
      'first drawn ms': first.drawn,
      'first answered ms': first.settled,
      'again ms': median(again),
    });
  }
  await click(frame, '#tab-model');
  const [drawn, settled]: [number[], number[]] = [[], []];
  for (let time = 0; time < SWITCHES; time++) {
    await page.browser.page.waitForTimeout(REST_MS / 4);
    const times = await click(frame, `.strip .token:nth-of-type(${20 + 7 * time})`);
    drawn.push(times.drawn);
    settled.push(times.settled);
  }
  record('another token in the Model view', { tokens: 256, 'drawn ms': median(drawn), 'answered ms': median(settled) });
  opened.close();
});

/** Milliseconds from a click until the next frame has passed, and until nothing waits for an answer, in the page's own time. */
function click(frame: Frame, what: string): Promise<{ readonly drawn: number; readonly settled: number }> {
  return frame.evaluate(async (selector) => {
    const pressed = document.querySelector<HTMLElement>(selector);
    if (pressed === null) throw new Error(`There is no ${selector}.`);
    const passed = (): Promise<void> => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    const start = performance.now();
    pressed.click();
    await passed();
    const drawn = performance.now() - start;
    while (document.querySelector('[aria-busy="true"]') !== null) await new Promise((resolve) => setTimeout(resolve));
    await passed();
    return { drawn, settled: performance.now() - start };
  }, what);
}

/** Milliseconds from a key in the overview until the map card waits no longer and a frame has passed, in the page's own time. */
function headMs(frame: Frame, key: string): Promise<number> {
  return frame.evaluate(async (pressed) => {
    const card = document.querySelector('.map-card');
    const canvas = document.querySelector('.overview-canvas');
    if (card === null || canvas === null) throw new Error('There is no map.');
    const start = performance.now();
    canvas.dispatchEvent(new KeyboardEvent('keydown', { key: pressed, bubbles: true }));
    while (card.getAttribute('aria-busy') === 'true') await new Promise((resolve) => setTimeout(resolve));
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    return performance.now() - start;
  }, key);
}

/** Milliseconds from a key that zooms the map of cosines until it is drawn and a frame has passed: all squares are made anew. */
function similarityMs(frame: Frame): Promise<number> {
  return frame.evaluate(async () => {
    const map = document.querySelector('[aria-label="Similarity"] .plot');
    if (map === null) throw new Error('There is no map.');
    const start = performance.now();
    map.dispatchEvent(new KeyboardEvent('keydown', { key: '+', bubbles: true }));
    map.dispatchEvent(new KeyboardEvent('keydown', { key: '0', bubbles: true }));
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    return performance.now() - start;
  });
}

/** Milliseconds from sending an explanation to the end of the frame after it arrived. */
function explanationMs(frame: Frame, serial: number): Promise<number> {
  return frame.evaluate(
    (number) =>
      new Promise<number>((resolve) => {
        const heard = ({ data, timeStamp }: MessageEvent<{ readonly type: string }>): void => {
          if (data.type !== 'explanation') return;
          window.removeEventListener('message', heard);
          requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - timeStamp)));
        };
        window.addEventListener('message', heard);
        const { fixture, send } = parent.harness;
        if (fixture !== undefined) send({ type: 'explanation', shown: { ...fixture.shown, serial: number } });
      }),
    serial,
  );
}

/** The pointer moves over the map once a frame: frames a second, cells that the tooltip comes to a second, and the slowest frame. */
function hovering(frame: Frame, card: string): Promise<{ readonly frames: number; readonly named: number; readonly slowest: number }> {
  return frame.evaluate(async (around) => {
    const area = document.querySelector(`${around} .plot`);
    const tooltip = document.querySelector<HTMLElement>('.tooltip');
    if (area === null || tooltip === null) throw new Error('There is no map.');
    area.scrollIntoView();
    const box = area.getBoundingClientRect();
    const nextFrame = (): Promise<number> => new Promise((resolve) => requestAnimationFrame(resolve));
    const times: number[] = [await nextFrame()];
    let named = 0;
    let before = '';
    for (let step = 0; step < 180; step++) {
      const clientX = box.left + 120 + (step % 90);
      const clientY = box.top + box.width * 0.45 + (step % 60);
      document
        .elementFromPoint(clientX, clientY)
        ?.dispatchEvent(new MouseEvent('mousemove', { clientX, clientY, bubbles: true, view: window }));
      times.push(await nextFrame());
      const now = tooltip.hidden ? '' : tooltip.style.transform;
      if (now !== '' && now !== before) named++;
      before = now;
    }
    const steps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    const seconds = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1000;
    return { frames: steps.length / seconds, named: named / seconds, slowest: Math.max(...steps) };
  }, card);
}
