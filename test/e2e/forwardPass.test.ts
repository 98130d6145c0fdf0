import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { shownNumber } from '../shownNumber.ts';
import { zh } from './chinese.ts';
import { expectShown, panelOf, unfold, type Panel } from './panel.ts';
import { openSession, type Session } from './session.ts';
import { SAMPLE, SAMPLE_LINES, sampleLines } from './texts.ts';
import { tensorsByCommandLine, traceByCommandLine, type TracedToken } from './trace.ts';
import { until } from './until.ts';

const TOKEN = 9;

describe.each([
  ['en', (text: string) => text],
  ['zh-cn', zh],
] as const)('the forward pass and positions in VS Code (%s)', (language, t) => {
  let session: Session;
  let panel: Panel;
  let traced: readonly TracedToken[];
  let tensorOf: ReturnType<typeof tensorsByCommandLine>;

  beforeAll(async () => {
    traced = traceByCommandLine(sampleLines(1, SAMPLE_LINES));
    tensorOf = tensorsByCommandLine(sampleLines(1, SAMPLE_LINES));
    session = await openSession({
      files: { 'sample.md': SAMPLE },
      open: 'sample.md',
      expect: 'The model reads',
      ...(language === 'en' ? {} : { language }),
    });
    panel = panelOf(session.workbench);
    await session.workbench.selectLines(1, SAMPLE_LINES);
    await session.page.keyboard.press('Control+Alt+e');
    await panel.frame.locator('.strip').waitFor({ timeout: 120_000 });
    await panel.frame.locator('.page > .status').waitFor({ state: 'hidden', timeout: 120_000 });
    await panel.frame.locator('.strip .token').nth(TOKEN).click();
    await panel.frame.getByRole('tab', { name: t('Forward pass'), exact: true }).click();
    await settled();
  });
  afterAll(() => session?.close());
  afterEach(async (context) => {
    if (context.task.result?.state === 'fail') await session.screenshot(`failed ${context.task.name} ${language}`);
  });

  const settled = async (): Promise<void> =>
    void (await until(
      'the answer',
      () => panel.frame.locator('[aria-busy="true"]').count(),
      (waiting) => waiting === 0,
    ));
  const openStep = async (index: number, title: string): Promise<void> => {
    await panel.frame
      .locator('.map-step')
      .nth(index - 1)
      .click();
    await expect
      .poll(() =>
        panel.frame
          .getByRole('region', { name: t('This step') })
          .getByRole('heading', { level: 2 })
          .innerText(),
      )
      .toBe(title);
    await settled();
  };
  /** Chooses number `index` of the vector with this title, and returns what is written of it. */
  const numberOf = async (vector: string, index: number): Promise<string> => {
    const strip = panel.frame.getByRole('slider', { name: t(vector), exact: true });
    await strip.press('Home');
    for (let i = 0; i < index; i++) await strip.press('ArrowRight');
    await settled();
    return panel.frame.locator('.number-value').innerText();
  };
  /** The first numbers of a row of [rows, width]. */
  const rowOf = (name: string, row: number): Float32Array => {
    const { dims, data } = tensorOf(name);
    const width = dims.at(-1) ?? 0;
    return data.subarray(row * width, (row + 1) * width);
  };
  const signed = (text: string, value: number | undefined, what: string): void => {
    expectShown(text.replace('−', ''), Math.abs(value ?? Number.NaN), what);
    expect(text.startsWith('−')).toBe((value ?? 0) < 0);
  };

  it('walks from the token’s row to the draw, with the numbers of the command line', async () => {
    signed(await numberOf('Row of the table', 3), rowOf('embedding', TOKEN)[3], 'embedding');
    await session.screenshot(`90 forward embedding ${language}`);
    await openStep(3, t('Query, key and value of head {0}').replace('{0}', '0'));
    await expect.poll(() => panel.frame.locator('.sum-table tbody tr').count()).toBe(9);
    await session.screenshot(`91 forward query ${language}`);
    await openStep(8, 'Softmax');
    const { dims, data } = tensorOf('attentions.0');
    const tokens = dims[1] ?? 0;
    expectShown(await numberOf('Attention weights', 2), 100 * (data[TOKEN * tokens + 2] ?? Number.NaN), 'attention weight');
    await session.screenshot(`92 forward softmax ${language}`);
    await openStep(16, t('Residual: MLP added'));
    signed(await numberOf('Residual stream', 4), rowOf('resid.1', TOKEN)[4], 'residual after the layer');
    await openStep(20, t('Probabilities'));
    const best = traced[TOKEN]?.top[0];
    expectShown(
      await panel.frame.locator('.stage-list .stage-value').first().innerText(),
      100 * (best?.prob ?? Number.NaN),
      'likeliest token',
    );
    await openStep(21, t('The draw'));
    const facts = await panel.frame.locator('.draw-facts dd').allInnerTexts();
    expect(facts).toHaveLength(2);
    expect(facts[1]).toContain(String(traced[TOKEN + 1]?.rank));
    await session.screenshot(`93 forward draw ${language}`);
  });

  it('goes on with arrow keys, through another layer and head', async () => {
    const { frame } = panel;
    await openStep(8, 'Softmax');
    await frame.locator('.map-step').nth(7).press('ArrowLeft');
    await expect
      .poll(() =>
        frame
          .getByRole('region', { name: t('This step') })
          .getByRole('heading', { level: 2 })
          .innerText(),
      )
      .toBe(t('Causal mask'));
    await frame.locator('.map-step').nth(7).press('ArrowRight');
    await frame.getByRole('slider', { name: t('Layer'), exact: true }).press('End');
    await frame.getByRole('slider', { name: t('Head'), exact: true }).press('End');
    await settled();
    const { dims, data } = tensorOf('attentions.5');
    const [heads = 0, tokens = 0] = dims;
    expectShown(
      await numberOf('Attention weights', 0),
      100 * (data[((heads - 1) * tokens + TOKEN) * tokens] ?? Number.NaN),
      'attention weight of the last head',
    );
  });

  it('rotates the real query and key of the pair', async () => {
    const { frame } = panel;
    await frame.getByRole('tab', { name: t('Positions'), exact: true }).click();
    await settled();
    await frame.getByRole('slider', { name: t('Key'), exact: true }).press('Home');
    await settled();
    await expect.poll(() => frame.locator('.dial').count()).toBe(16);
    await expect.poll(() => frame.locator('.position-pair').innerText()).toContain(String(TOKEN));
    await frame.locator('.rotary .js-plotly-plot').first().waitFor();
    await session.screenshot(`94 positions ${language}`);
    const scores = await frame.locator('.score-change dd').allInnerTexts();
    expect(scores.map(shownNumber).every(Number.isFinite)).toBe(true);
    await unfold(frame.locator('.positions-card').last());
    await frame.locator('.positions-card').last().scrollIntoViewIfNeeded();
    await session.screenshot(`95 sinusoids ${language}`);
  });

  it('breaks no rule of the page', () => {
    expect(session.browser.outside).toEqual([]);
    expect(session.ownErrors()).toEqual([]);
  });
});
