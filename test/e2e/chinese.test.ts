import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { visibleText } from '../../src/core/visibleText.ts';
import { EXAMPLE_TEXTS } from '../../src/protocol/exampleTexts.ts';
import { zh } from './chinese.ts';
import { compareByCommandLine, expectCompared, FIRST, SECOND } from './compared.ts';
import { generateTab } from './generateTab.ts';
import { panelOf, type Panel } from './panel.ts';
import { walkPath } from './pathWalk.ts';
import { openSession, type Session } from './session.ts';
import { SAMPLE, sampleLines } from './texts.ts';
import { generateByCommandLine, traceByCommandLine } from './trace.ts';

describe('with Chinese as the display language', () => {
  let session: Session;
  let panel: Panel;

  beforeAll(async () => {
    session = await openSession({
      files: { 'sample.md': SAMPLE, 'first.txt': FIRST, 'second.txt': SECOND },
      open: 'sample.md',
      expect: 'The model reads',
      language: 'zh-cn',
    });
    panel = panelOf(session.workbench);
    await session.workbench.selectLines(3, 3);
    await session.page.keyboard.press('Control+Alt+e');
    await panel.frame.locator('.strip').waitFor({ timeout: 120_000 });
  });
  afterAll(() => session?.close());
  afterEach(async (context) => {
    if (context.task.result?.state === 'fail') await session.screenshot(`failed ${context.task.name}`);
  });

  it('the panel speaks Chinese', async () => {
    const { frame } = panel;
    const traced = traceByCommandLine(sampleLines(3, 3));
    expect(
      await frame
        .getByRole('listbox', { name: zh('Tokens of the text') })
        .getByRole('option')
        .count(),
    ).toBe(traced.length);
    for (const [index, title] of ['Tokens', 'Attention', 'Embeddings', 'Predictions'].entries()) {
      await frame.getByRole('tab', { name: zh(title), exact: true }).click();
      await session.screenshot(`7${index} Chinese ${title}`);
    }
  });

  it('the hover speaks Chinese', async () => {
    expect(await session.workbench.hover('世界')).toMatch(/概率.*%/);
    await session.screenshot('75 Chinese hover');
  });

  it('Generate speaks Chinese and writes the same', async () => {
    const greedy = generateByCommandLine(sampleLines(3, 3), ['--greedy', '--tokens', '5']);
    const tab = generateTab(panel, zh);
    await tab.open();
    await panel.frame.getByRole('radio', { name: zh('Greedy'), exact: true }).check();
    await tab.set('New tokens at most', '5');
    await tab.play(5);
    expect(await tab.texts()).toEqual(greedy.steps.map(({ text }) => visibleText(text)));
    await session.screenshot('76 Chinese Generate');
  });

  it('every view of the vectors has numbers and Chinese words', async () => {
    const { page, workbench } = session;
    const { frame } = panel;
    await workbench.openFile('first.txt');
    await workbench.selectLines(1, 2);
    await page.keyboard.press('Control+Alt+e');
    await expect.poll(() => frame.locator('.strip .token').count(), { timeout: 120_000 }).toBe(traceByCommandLine(FIRST.trimEnd()).length);
    await frame.getByRole('tab', { name: zh('Embeddings'), exact: true }).click();
    const answered: Readonly<Record<string, string>> = {
      Map: '.projection-plot .scatterlayer',
      Neighbours: '.ranked tbody tr',
      Arithmetic: '.arithmetic-plot .scatterlayer',
      Words: '.heatmaplayer image',
      Context: '.context-figures .scatterlayer',
      Similarity: '.square-plot .heatmaplayer image',
    };
    for (const [name, mark] of Object.entries(answered)) {
      await frame
        .locator('.embedding-views .segment', { hasText: zh(name) })
        .first()
        .click();
      await frame.locator(`.embedding-views ${mark}`).first().waitFor({ state: 'attached', timeout: 120_000 });
      await session.screenshot(`86 Chinese ${name}`);
    }
  });

  it('the comparison speaks Chinese', async () => {
    const { page, workbench } = session;
    await workbench.openFile('second.txt');
    await workbench.command('Explain Tokens: 对比…');
    await page.locator('.quick-input-list .monaco-list-row', { hasText: 'second.txt' }).click();
    await expectCompared(panel, compareByCommandLine('--text', FIRST.trimEnd(), '--with-text', SECOND));
    await panel.frame.getByText(zh('Surprisal, token by token')).waitFor();
    await session.screenshot('87 Chinese compare');
  });

  it('the path speaks Chinese, and reads a Chinese example', async () => {
    await session.workbench.command('Explain Tokens: 显示导览');
    await walkPath(panel, zh, 'An apple and Apple', traceByCommandLine(EXAMPLE_TEXTS.appleChinese.text));
    await session.screenshot('88 Chinese path');
  });

  it('breaks no rule of the page', () => {
    expect(session.ownErrors()).toEqual([]);
  });
});
