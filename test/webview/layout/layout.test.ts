import type { Frame } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIRST_ONLY } from '../../firstCases.ts';
import { comparePanels, openBundled, openFamily } from '../family.ts';
import { startHarness, type HarnessServer } from '../harness/server.ts';
import { panelPage } from '../panelPage.ts';
import { checker } from './checker.ts';
import { EXPERT_VIEWS, settled, VIEWS, type ShownView } from './views.ts';

const WIDTHS = FIRST_ONLY ? [480, 800, 1400] : [480, 640, 800, 1000, 1400, 2000];
const TEXT = `The implementation of responsibility: she ate a red apple after lunch. \
Shares of apple rose after the company showed a new phone.
你好，世界！大语言模型把文字切成词元，再根据前面的内容预测下一个词元。
for (let i = 0; i < tokens.length; i++) console.log(tokens[i].probability);
`;
const SECOND = TEXT.replace('red apple', 'green apple').replace('世界', '朋友');
const THEMES = (['light', 'high-contrast'] as const).slice(0, FIRST_ONLY ? 1 : 2);
/** Every theme at every width, with the fewest changes of either. */
const LOOKS = THEMES.flatMap((theme, index) => (index % 2 === 0 ? WIDTHS : WIDTHS.toReversed()).map((width) => [theme, width] as const));

const page = panelPage();

/** Pixels: higher than every view at its narrowest, so that nothing is scrolled out of sight. Only what the window holds is painted. */
const HEIGHT = 7000;

/** The faults of what is shown in every look; the frame is narrowed in its page, which is cheaper than another window. */
function faultsByLook(frame: Frame): Promise<readonly string[]> {
  return frame.evaluate(async (looks) => {
    const shell = parent.document.querySelector('iframe');
    const calm = async (): Promise<void> => {
      // One in which the sizes are seen, and one in which the figures are drawn anew.
      for (let frames = 0; frames < 2; frames++) await new Promise((resolve) => requestAnimationFrame(resolve));
      while (document.querySelector('[aria-busy="true"]') !== null) await new Promise((resolve) => setTimeout(resolve, 10));
    };
    const found: string[] = [];
    for (const [theme, width] of looks) {
      parent.harness.theme(theme);
      if (shell !== null) shell.style.width = `${width}px`;
      await calm();
      found.push(...window.layout.layoutFaults().map((fault) => `${theme}, ${width} px: ${fault}`));
    }
    return found;
  }, LOOKS);
}

async function look(server: HarnessServer, views: readonly ShownView[], language: string): Promise<readonly string[]> {
  await page.browser.page.setViewportSize({ width: 1400, height: 700 });
  await page.open(server, `family&language=${language}`);
  const frame = page.browser.page.frames().find((one) => one.url().endsWith('/panel')) ?? expect.fail('The panel has no frame.');
  await page.browser.page.locator('iframe').evaluate((shell, height) => {
    shell.style.height = `${height}px`;
  }, HEIGHT);
  await frame.evaluate(await checker());
  // Above every view, with the longest of its texts.
  await page.panel.locator('#path-toggle').click();
  await page.panel.locator('.path-station').nth(4).click();
  const found: string[] = [];
  for (const { name, open } of views) {
    await open(page.panel);
    await settled(page.panel);
    // A figure under the pointer shows its button on top of it.
    await page.browser.page.mouse.move(0, 0);
    found.push(...(await faultsByLook(frame)).map((fault) => `${name}, ${fault}`));
  }
  return found;
}

describe('what the eye sees, at every width and in every theme', () => {
  let dense: HarnessServer;
  let routed: HarnessServer;
  beforeAll(async () => {
    dense = await startHarness(await comparePanels(await openBundled(TEXT, 'first.txt'), await openBundled(SECOND, 'second.txt'), 'text'));
    routed = await startHarness(await openFamily('gpt_oss.1'));
  });
  afterAll(() => {
    dense?.close();
    routed?.close();
  });

  it.each(['en', 'zh-cn'])(
    'is whole: nothing lies on another, is cut off, scrolls sideways or leaves a hole (%s)',
    { timeout: 400_000 },
    async (language) => {
      expect([...(await look(dense, VIEWS, language)), ...(await look(routed, EXPERT_VIEWS, language))]).toEqual([]);
    },
  );
});
