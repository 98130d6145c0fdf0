import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { shownNumber } from '../shownNumber.ts';
import { panelOf, type Panel } from './panel.ts';
import { openSession, type Session } from './session.ts';
import { SAMPLE, sampleLines } from './texts.ts';
import { traceByCommandLine, whyByCommandLine, type TracedToken, type Why } from './trace.ts';
import { until } from './until.ts';

const COMMAND = 'Explain Tokens: Why This Token';
/** The line of the sample that the questions are about, and a word in it. */
const LINE = sampleLines(3, 3);
const WORD = '模型';

describe('why this token', () => {
  let session: Session;
  let panel: Panel;
  let traced: readonly TracedToken[];
  /** Position of the token before the word's. */
  let position: number;

  beforeAll(async () => {
    traced = traceByCommandLine(LINE);
    const start = LINE.indexOf(WORD);
    position = (traced.find((token) => !token.special && token.start <= start && start < token.end)?.index ?? NaN) - 1;
    session = await openSession({ files: { 'sample.md': SAMPLE }, open: 'sample.md', expect: 'The model reads' });
    panel = panelOf(session.workbench);
  });
  afterAll(() => session?.close());
  afterEach(async (context) => {
    if (context.task.result?.state === 'fail') await session.screenshot(`failed ${context.task.name}`);
  });

  const settled = async (): Promise<void> =>
    void (await until(
      'the answers',
      () => panel.frame.locator('[aria-busy="true"]').count(),
      (waiting) => waiting === 0,
    ));
  const title = (): Promise<string> => panel.frame.locator('.why-title').innerText();
  const chosen = (): Promise<readonly string[]> =>
    panel.frame.locator('#panel-why .why-choices select').evaluateAll((all) => all.map((one) => (one as HTMLSelectElement).value));
  /** The same question, from a shell. */
  const byCommandLine = async (...more: readonly string[]): Promise<Why> => {
    const [token = '', rival = ''] = await chosen();
    return whyByCommandLine(LINE, [
      '--position',
      `${position}`,
      '--token',
      token,
      ...(Number(rival) < 0 ? [] : ['--rival', rival]),
      '--method',
      'gradient-x-input',
      ...more,
    ]);
  };

  it('is asked at the cursor: the paragraph is explained, and the panel opens on the question', async () => {
    const box = await session.workbench.wordBox(WORD);
    await session.page.mouse.click(box.x + 3, box.y + box.height / 2);
    await session.workbench.command(COMMAND);
    await panel.shows(traced.length);
    await panel.frame.locator('#tab-why[aria-selected="true"]').waitFor({ timeout: 120_000 });
    await panel.selected(position);
    await settled();
    expect(await title()).toContain(traced[position + 1]?.text);
    expect(Number((await chosen())[0])).toBe(traced[position + 1]?.id);
  });

  it('has the numbers of the command line', async () => {
    const { target, direct, attribution } = await byCommandLine();
    const sums = await panel.frame.locator('.why-parts .facts dd').allInnerTexts();
    for (const shown of sums.slice(0, 2)) expect(Math.abs(shownNumber(shown) - target)).toBeLessThanOrEqual(0.0006);
    const adds = await panel.frame.locator('.waterfall tbody td.strong').allInnerTexts();
    for (const [layer, heads] of direct.heads.entries()) {
      const sum = heads.reduce((total, value) => total + value, 0);
      expect(Math.abs(shownNumber(adds[1 + 2 * layer] ?? '') - sum), `attention of layer ${layer}`).toBeLessThanOrEqual(0.0006);
      expect(Math.abs(shownNumber(adds[2 + 2 * layer] ?? '') - (direct.mlp[layer] ?? NaN)), `MLP of layer ${layer}`).toBeLessThanOrEqual(
        0.0006,
      );
    }
    const words = panel.frame.getByRole('listbox', { name: 'How much each token counts' }).getByRole('option');
    const labels = await words.evaluateAll((all) => all.map((one) => one.getAttribute('aria-label') ?? ''));
    expect(labels).toHaveLength(position + 1);
    for (const [index, label] of labels.entries()) {
      const shown = shownNumber(/([+−]?[\d.]+) logits$/.exec(label)?.[1] ?? '');
      expect(Math.abs(shown - (attribution[0]?.values[index] ?? NaN)), label).toBeLessThanOrEqual(0.0006);
    }
  });

  it('paints the words in the editor, and its hover has the strongest, until Escape', async () => {
    const { page, workbench } = session;
    await workbench.focusEditor();
    const why = await workbench.hover(WORD);
    expect(why).toMatch(/^Why /);
    expect(why).toContain('The strongest words, by the method chosen in the panel');
    await session.screenshot('90 why this token');
    await page.keyboard.press('Escape');
    await page.mouse.move(5, 5);
    await page.locator('.monaco-hover:not(.hidden) .monaco-hover-content').waitFor({ state: 'hidden' });
    await workbench.focusEditor();
    await page.keyboard.press('Escape');
    await until(
      'a hover without the question',
      () => workbench.hover(WORD),
      (text) => !text.includes('Why ') && text.includes('probability'),
    );
    await session.screenshot('91 why this token after Escape');
  });

  it('switches a head off: every view says so, and the numbers are those of the command line with the same recipe', async () => {
    const { frame } = panel;
    await settled();
    await frame.locator('.why-head .head-switch').click();
    const band = frame.locator('.recipe-band');
    await band.waitFor({ timeout: 120_000 });
    await settled();
    const [, layer = '', head = ''] = /Layer (\d+), head (\d+) off/.exec(await band.innerText()) ?? [];
    const steps = [{ kind: 'head', layer: Number(layer), head: Number(head), action: 'zero' }];
    const folder = mkdtempSync(join(tmpdir(), 'explain-tokens-recipe-'));
    try {
      const file = join(folder, 'one.recipe.json');
      writeFileSync(file, JSON.stringify({ version: 1, steps }));
      const [before, after] = [await byCommandLine(), await byCommandLine('--recipe', file)];
      const shown = await frame.locator('.before-after tbody tr').first().locator('td').allInnerTexts();
      expect(Math.abs(shownNumber(shown[0] ?? '') - before.target)).toBeLessThanOrEqual(0.0006);
      expect(Math.abs(shownNumber(shown[1] ?? '') - after.target)).toBeLessThanOrEqual(0.0006);
    } finally {
      rmSync(folder, { recursive: true });
    }
    await session.screenshot('92 what if');
    await frame.getByRole('button', { name: 'Open as a document' }).click();
    await until(
      'the recipe in an editor',
      () => session.page.locator('.monaco-editor .view-lines').allInnerTexts(),
      (texts) => texts.some((text) => text.includes('"steps"') && text.includes('"zero"')),
    );
    await session.screenshot('93 a recipe as a document');
    await band.getByRole('button', { name: 'Switch off' }).click();
    await band.waitFor({ state: 'hidden', timeout: 120_000 });
  });

  it('asks nothing outside this machine and breaks no rule of the page', () => {
    expect(session.browser.outside).toEqual([]);
    expect(session.ownErrors()).toEqual([]);
  });
});
