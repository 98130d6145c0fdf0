import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ROOT } from '../../scripts/lib/paths.mjs';
import { gifOf, type RecordedFrame } from './gif.ts';
import { panelOf, type Panel } from './panel.ts';
import { openSession, type Session } from './session.ts';

/** Largest size of the recording in bytes: README is read on slow lines too. */
const MOST_BYTES = 3_000_000;
const TEXT = `Mary has a small red boat on the lake.
John would like to have it.
Mary has a small red boat on the lake.

你好，世界！语言模型把文字切成词元，再预测下一个词元。
`;

let session: Session;
let panel: Panel;
const frames: RecordedFrame[] = [];

beforeAll(async () => {
  session = await openSession({
    files: { 'boat.md': TEXT },
    open: 'boat.md',
    expect: 'Mary has',
    settings: { 'workbench.colorTheme': 'Dark Modern', '[markdown]': { 'editor.wordWrap': 'on' } },
  });
  panel = panelOf(session.workbench);
  const { page, workbench } = session;
  // What plays by itself goes on at a press then.
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await page.setViewportSize({ width: 1280, height: 860 });
  await workbench.command('View: Toggle Primary Side Bar Visibility');
});
afterAll(() => session?.close());

/** Shows the window as it is for some seconds, once nothing is busy. */
async function show(seconds: number): Promise<void> {
  if ((await session.page.locator('iframe.webview').count()) > 0)
    await expect.poll(() => panel.frame.locator('[aria-busy="true"]').count()).toBe(0);
  frames.push({ png: await session.page.screenshot(), seconds });
}

/** Draws the pointer, which no screenshot has, on the middle of a part, and presses it. */
async function press(part: Locator): Promise<void> {
  await part.scrollIntoViewIfNeeded();
  const { x, y, width, height } = (await part.boundingBox()) ?? expect.fail('What is pressed is not on screen.');
  await pointAt(x + width / 2, y + height / 2);
  await show(0.5);
  await part.click();
}

/** Moves the drawn pointer and the real one. */
async function pointAt(x: number, y: number): Promise<void> {
  await session.page.mouse.move(x, y, { steps: 3 });
  await session.page.evaluate(
    ([left, top]) => {
      let pointer = document.querySelector<SVGElement>('#drawn-pointer');
      if (pointer === null) {
        pointer = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
        pointer.id = 'drawn-pointer';
        pointer.setAttribute('viewBox', '0 0 16 24');
        Object.assign(pointer.style, { position: 'fixed', width: '16px', height: '24px', zIndex: '100000', pointerEvents: 'none' });
        const shape = document.createElementNS('http://www.w3.org/2000/svg', 'path');
        shape.setAttribute('d', 'M1 1v17l4-4 3 8 3-1-3-8h6z');
        shape.setAttribute('fill', 'black');
        shape.setAttribute('stroke', 'white');
        pointer.append(shape);
        document.body.append(pointer);
      }
      Object.assign(pointer.style, { left: `${left}px`, top: `${top}px` });
    },
    [x, y] as const,
  );
}

/** Shows a part of the panel, at its top. */
async function look(part: Locator, seconds: number): Promise<void> {
  await part.evaluate((element) => element.scrollIntoView({ block: 'start' }));
  await show(seconds);
}

/** Points at a word of the editor and shows what the hover says. */
async function hover(word: string, nth: number): Promise<void> {
  const { x, y, width, height } = await session.workbench.wordBox(word, nth);
  await pointAt(x + width + 90, y + 120);
  await pointAt(x + width / 2, y + height / 2);
  const content = session.page.locator('.monaco-hover:not(.hidden) .monaco-hover-content').first();
  await expect.poll(() => content.innerText()).toContain('probability');
  await show(3);
}

/** Gives the panel two thirds of the window. */
async function widenPanel(): Promise<void> {
  const box = (await session.page.locator('iframe.webview').first().boundingBox()) ?? expect.fail('There is no panel.');
  await session.page.mouse.move(box.x - 1, 500);
  await session.page.mouse.down();
  await session.page.mouse.move(420, 500, { steps: 8 });
  await session.page.mouse.up();
  await session.page.mouse.move(300, 500);
}

it('records a tour from the text to why a token was predicted', async () => {
  const { page, workbench } = session;
  const { frame } = panel;
  const tab = (name: string): Locator => frame.getByRole('tab', { name, exact: true });
  await show(0.8);
  await workbench.selectAll();
  await show(0.8);
  await page.keyboard.press('F1');
  await page.keyboard.type('Explain Tokens');
  await page.locator('.quick-input-list .monaco-list-row').first().waitFor();
  await show(1);
  await page.keyboard.press('Escape');
  await workbench.command('Explain Tokens');
  await frame.locator('.strip .token').first().waitFor();
  await frame.locator('.page > .status').waitFor({ state: 'hidden' });
  await widenPanel();
  await show(2);

  await press(frame.locator('.strip .token', { hasText: 'red' }).last());
  await press(tab('Model'));
  await show(1.5);
  const next = frame.getByRole('button', { name: 'Next part' });
  await press(next);
  for (let part = 1; part < 11; part++) {
    await next.click();
    await show(0.5);
  }
  await next.click();
  await show(1.5);

  await press(tab('Predictions'));
  await look(frame.locator('.next-token').locator('visible=true'), 2.5);

  await press(tab('Why'));
  await show(2);
  await look(frame.locator('.why-heads'), 2);
  await press(frame.locator('.why-head').getByRole('button', { name: 'Open in Attention' }));
  await look(frame.getByRole('region', { name: 'One head' }).locator('.js-plotly-plot').first(), 3);
  await press(tab('Why'));
  await press(frame.locator('.why-head').getByRole('button', { name: 'Switch this head off' }));
  await frame.locator('.recipe-band').waitFor();
  await show(1);
  await look(frame.locator('.before-after'), 3);
  await press(frame.locator('.recipe-band').getByRole('button', { name: 'Switch off' }));

  await hover('boat', 1);

  const gif = await gifOf(frames, page.context());
  expect(gif.length).toBeLessThan(MOST_BYTES);
  writeFileSync(join(ROOT, 'media/screenshots/tour.gif'), gif);
});
