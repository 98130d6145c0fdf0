import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { expectSameNumbers, expectShown, numberIn, panelOf, type Panel } from './panel.ts';
import { openSession, type Session } from './session.ts';
import { SAMPLE, SAMPLE_LINES, sampleLines } from './texts.ts';
import { attentionByCommandLine, traceByCommandLine, type TracedToken } from './trace.ts';
import { chooseInMenu } from './workbench.ts';

const EXPLAIN = 'Explain Tokens';

describe('Explain Tokens in VS Code', () => {
  let session: Session;
  let panel: Panel;
  let whole: readonly TracedToken[];

  beforeAll(async () => {
    whole = traceByCommandLine(sampleLines(1, SAMPLE_LINES));
    session = await openSession({ files: { 'sample.md': SAMPLE }, open: 'sample.md', expect: 'The model reads' });
    panel = panelOf(session.workbench);
  });
  afterAll(() => session?.close());
  afterEach(async (context) => {
    if (context.task.result?.state === 'fail') await session.screenshot(`failed ${context.task.name}`);
  });

  it('explains the selection from the palette, with the numbers of the command line', async () => {
    const { workbench } = session;
    await workbench.selectLines(1, SAMPLE_LINES);
    await session.screenshot('01 selection');
    await workbench.command(EXPLAIN);
    await panel.shows(whole.length);
    await session.screenshot('02 tokens');
    expectSameNumbers(await panel.rows(), whole);
  });

  it('explains from the keyboard', async () => {
    const traced = traceByCommandLine(sampleLines(3, 3));
    await session.workbench.selectLines(3, 3);
    await session.page.keyboard.press('Control+Alt+e');
    await panel.shows(traced.length);
    expectSameNumbers(await panel.rows(), traced);
  });

  it('explains from the context menu', async () => {
    const { page, workbench } = session;
    const traced = traceByCommandLine(sampleLines(5, 7));
    await workbench.selectLines(5, 7);
    const box = await workbench.wordBox('token = ');
    await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2, { button: 'right' });
    const item = page.locator('.monaco-menu').getByRole('menuitem', { name: 'Explain Tokens' });
    await item.waitFor();
    await session.screenshot('03 context menu');
    await chooseInMenu(item);
    await panel.shows(traced.length);
    expectSameNumbers(await panel.rows(), traced);
  });

  it('takes the paragraph around the cursor when nothing is selected, and says so', async () => {
    const { page, workbench } = session;
    const traced = traceByCommandLine(sampleLines(1, 1));
    await workbench.focusEditor();
    await page.keyboard.press('Control+Home');
    await page.keyboard.press('Control+Alt+e');
    await panel.shows(traced.length);
    await panel.frame.locator('.notices').getByText('paragraph').waitFor();
    expectSameNumbers(await panel.rows(), traced);
  });

  it('opens on the head that attends most to the token before, and shows attention of the layer and head that are chosen', async () => {
    const { workbench } = session;
    await workbench.selectLines(1, SAMPLE_LINES);
    await workbench.command(EXPLAIN);
    await panel.shows(whole.length);
    await panel.openTab('Attention');
    const { frame } = panel;
    const query = 9;
    const attentionOf = attentionByCommandLine(sampleLines(1, SAMPLE_LINES));
    await panel.tokens.nth(query).click();
    const title = frame.getByRole('region', { name: 'One head' }).getByRole('heading', { level: 2 });
    const previous = Array.from({ length: 6 }, (_, layer) => {
      const {
        dims: [heads = 0],
        data,
      } = attentionOf(layer);
      return Array.from({ length: heads }, (__, head) => {
        let sum = 0;
        for (let token = 1; token < whole.length; token++) sum += data[(head * whole.length + token) * whole.length + token - 1] ?? 0;
        return { layer, head, sum };
      });
    }).flat();
    const first = previous.reduce((best, one) => (one.sum > best.sum ? one : best));
    // From there two to the left and one up, or the other way where there is none.
    const [across, step] = first.head >= 2 ? (['ArrowLeft', -2] as const) : (['ArrowRight', 2] as const);
    const [along, down] = first.layer >= 1 ? (['ArrowUp', -1] as const) : (['ArrowDown', 1] as const);
    for (const [keys, layer, head] of [
      [[], first.layer, first.head],
      [[across, across], first.layer, first.head + step],
      [[along], first.layer + down, first.head + step],
    ] as const) {
      for (const key of keys) await frame.locator('.overview-canvas').press(key);
      await expect.poll(() => title.innerText()).toBe(`Layer ${layer}, head ${head}`);
      const { dims, data } = attentionOf(layer);
      expect(dims.slice(1)).toEqual([whole.length, whole.length]);
      const row = data.subarray((head * whole.length + query) * whole.length, (head * whole.length + query + 1) * whole.length);
      // The panel opens the strongest weight of the selected token's row, the first token hidden.
      const strongest = Math.max(...row.subarray(1));
      await expect.poll(async () => numberIn(await frame.locator('.cell-weight').innerText())).toBeCloseTo(100 * strongest, 0);
      expectShown(await frame.locator('.cell-weight').innerText(), 100 * strongest, `strongest weight of layer ${layer}, head ${head}`);
      expect(row.subarray(query + 1).every((weight) => weight === 0)).toBe(true);
    }
    await frame.locator('.js-plotly-plot .heatmaplayer image').first().waitFor({ state: 'attached' });
    await session.screenshot('04 attention');
  });

  it('tells the tokens of a word on hover, with the numbers of the command line', async () => {
    const start = SAMPLE.indexOf('tokens');
    const text = await session.workbench.hover('tokens');
    await session.screenshot('05 hover');
    const ofWord = whole.filter((token) => token.end > start && token.start < start + 'tokens'.length && !token.special);
    expect(ofWord.length).toBeGreaterThan(0);
    for (const token of ofWord) {
      expect(text).toContain(`id ${token.id}`);
      const numbers =
        text
          .split('\n')
          .find(
            (_, index, all) => all.slice(0, index).some((line) => line.includes(`id ${token.id}`)) && /probability/.test(all[index] ?? ''),
          ) ?? '';
      expectShown(/probability ([^·]+)/.exec(numbers)?.[1] ?? '', 100 * Math.exp(token.logprob ?? Number.NaN), 'probability in the hover');
      expectShown(/surprisal ([^·]+)/.exec(numbers)?.[1] ?? '', -(token.logprob ?? Number.NaN) / Math.LN2, 'surprisal in the hover');
      expectShown(/entropy ([^·]+)/.exec(numbers)?.[1] ?? '', token.entropy ?? Number.NaN, 'entropy in the hover');
      expect(numbers).toContain(`rank ${token.rank} `);
    }
    await session.page.keyboard.press('Escape');
  });

  it('paints surprisal on the text, and takes the paint away again', async () => {
    const { page, workbench } = session;
    const painted = page.locator('.editor-group-container .monaco-editor').first().locator('.view-overlays [class*="ced-"]');
    await expect.poll(() => painted.count()).toBeGreaterThan(10);
    await session.screenshot('06 surprisal colours');
    await workbench.command('Explain Tokens: Toggle Surprisal Colors in the Editor');
    await expect.poll(() => painted.count()).toBeLessThan(3);
    await workbench.command('Explain Tokens: Toggle Surprisal Colors in the Editor');
    await expect.poll(() => painted.count()).toBeGreaterThan(10);
  });

  it('counts the tokens of the selection in the status bar, and the same ones in the panel', async () => {
    const { workbench } = session;
    const traced = traceByCommandLine(sampleLines(3, 3));
    await workbench.selectLines(3, 3);
    const count = traced.filter((token) => !token.special).length;
    await workbench
      .status()
      .getByText(new RegExp(`\\b${count} tokens`))
      .waitFor();
    await workbench.command(EXPLAIN);
    await panel.shows(traced.length);
    expect(await panel.frame.locator('.numbers').innerText()).toMatch(new RegExp(`^${count}\\s+tokens`));
    await workbench
      .status()
      .getByText(new RegExp(`\\b${count} tokens · [\\d.]+ bits/token`))
      .waitFor();
  });

  it('takes the selection off the colours; Cursor Undo brings it back, and the same text is read again from there', async () => {
    const { page, workbench } = session;
    const traced = traceByCommandLine(sampleLines(3, 3));
    const selected = workbench.status().getByText('selected)');
    await selected.waitFor({ state: 'hidden' });
    await session.screenshot('07 colours without the selection');
    await workbench.command('View: Focus First Editor Group');
    await page.keyboard.press('Control+u');
    await selected.waitFor();
    await page.keyboard.press('Control+Alt+e');
    await selected.waitFor({ state: 'hidden' });
    await page.keyboard.press('Control+Alt+e');
    await panel.shows(traced.length);
    expect(await panel.frame.locator('.notices').getByText('paragraph').count()).toBe(0);
  });

  it('takes its colours along when the panel is closed', async () => {
    const { page, workbench } = session;
    const painted = page.locator('.editor-group-container .monaco-editor').first().locator('.view-overlays [class*="ced-"]');
    await expect.poll(() => painted.count()).toBeGreaterThan(3);
    await workbench.closePanel();
    await expect.poll(() => painted.count()).toBe(0);
    await session.screenshot('08 panel closed');
  });

  it('asks nothing outside this machine and breaks no rule of the page', () => {
    expect(session.browser.outside).toEqual([]);
    expect(session.ownErrors()).toEqual([]);
  });
});
