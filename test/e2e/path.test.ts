import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { EXAMPLE_TEXTS } from '../../src/protocol/exampleTexts.ts';
import { isNotFoundYet, walkStations, type WalkedPanel } from '../stationWalk.ts';
import { openBundled } from '../webview/family.ts';
import { zh } from './chinese.ts';
import { panelOf, settled } from './panel.ts';
import { openSession, type Session } from './session.ts';
import { SAMPLE } from './texts.ts';

/** The path in a language: its example, and the command that shows it. */
const WALKS = [
  { language: 'en', say: (english: string) => english, text: EXAMPLE_TEXTS.apple.text, command: 'Show the Path' },
  { language: 'zh-cn', say: zh, text: EXAMPLE_TEXTS.appleChinese.text, command: '显示导览' },
] as const;

describe.each(WALKS)('the path ($language)', ({ language, say, text, command }) => {
  let session: Session;
  beforeAll(async () => {
    session = await openSession({ files: { 'sample.md': SAMPLE }, open: 'sample.md', expect: 'The model reads', language });
  });
  afterAll(() => session?.close());
  afterEach(async (context) => {
    if (context.task.result?.state === 'fail') await session.screenshot(`failed ${context.task.name} ${language}`);
  });

  it('is walked from a text of its own to where other models are needed, and tells the numbers of this text', async () => {
    const { workbench } = session;
    await workbench.selectLines(3, 3);
    await session.page.keyboard.press('Control+Alt+e');
    const { frame } = panelOf(workbench);
    await frame.locator('.strip').waitFor({ timeout: 120_000 });
    await workbench.command(`Explain Tokens: ${command}`);
    await frame.locator('.path-station[aria-current="step"]').waitFor();
    await frame.getByRole('button', { name: say('Read an example') }).click();
    await frame.getByRole('menuitem', { name: say('An apple and Apple') }).click();
    const model = await openBundled(text);
    await expect.poll(() => frame.locator('.strip .token').count()).toBe(model.shown.explanation.tokens.length);
    await frame.locator('.page > .status').waitFor({ state: 'hidden' });
    await frame.locator('.path-station').first().click();
    const walked: WalkedPanel = { frame, model, say, settled: () => settled(frame) };
    await walkStations(walked);
    await isNotFoundYet(walked, 'Sizes');
    await session.screenshot(`14 the path walked ${language}`);
    expect(session.ownErrors()).toEqual([]);
  });
});
