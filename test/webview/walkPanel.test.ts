import type { FrameLocator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Browser } from '../e2e/browser.ts';
import { shownNumber } from '../shownNumber.ts';
import { openBundled, openFamily } from './family.ts';
import { startHarness, type HarnessServer } from './harness/server.ts';
import { panelPage } from './panelPage.ts';

const TEXT = 'The model reads a line of text.\n你好，世界！今天天气很好。\nfor (let i = 0; i < 10; i++) {\n  console.log(i);\n}\n';

const page = panelPage();
const { picture, settled, tab, violations } = page;
let browser: Browser;
let panel: FrameLocator;
let server: HarnessServer;
beforeAll(async () => {
  ({ browser, panel } = page);
});

const open = (options = '', kept?: 'kept'): Promise<void> => page.open(server, `family&${options}`, kept);
const step = async (name: string | RegExp): Promise<void> => {
  await panel.locator('.step-map').getByRole('button', { name }).click();
  await settled();
};

describe('the bundled model', () => {
  beforeAll(async () => {
    server = await startHarness(await openBundled(TEXT));
  });
  afterAll(() => server?.close());

  it('fits its window in all themes at all widths', { timeout: 240_000 }, async () => {
    for (const [theme, width] of [
      ['dark', 1400],
      ['light', 480],
      ['high-contrast', 900],
      ['high-contrast-light', 480],
    ] as const) {
      await browser.page.setViewportSize({ width, height: 1100 });
      await open(`theme=${theme}`);
      await panel.locator('.strip .token').nth(9).click();
      await tab('Forward pass');
      for (const name of [
        'Token embedding',
        'Query, key and value',
        'Scores',
        'Weighted sum',
        'MLP: SwiGLU',
        'Through all layers',
        'Unembedding',
        'The draw',
      ]) {
        await step(new RegExp(name));
        await picture(`forward-${name.toLowerCase().replace(/\W+/g, '-')}-${theme}-${width}`);
      }
      await tab('Positions');
      await picture(`positions-${theme}-${width}`);
      await browser.page.setViewportSize({ width, height: 2600 });
      await settled();
      await picture(`positions-long-${theme}-${width}`);
    }
  });

  it.each([
    [480, 4],
    [800, 8],
    [1400, 16],
  ])('has its 16 dials at %i px in whole lines, of %i, through which arrow keys walk up and down', async (width, inLine) => {
    await browser.page.setViewportSize({ width, height: 1300 });
    await open('theme=light');
    await tab('Positions');
    const dials = panel.getByRole('radiogroup', { name: 'Pairs of numbers that are rotated together' }).getByRole('radio');
    const tops = await dials.evaluateAll((all) => all.map((dial) => dial.getBoundingClientRect().top));
    const lines = [...new Set(tops)].map((top) => tops.filter((other) => other === top).length);
    expect(lines).toEqual(Array.from({ length: 16 / inLine }, () => inLine));
    await picture(`positions-dials-${width}`);
    await dials.nth(1).click();
    await dials.nth(1).press('ArrowDown');
    await settled();
    const chosen = await dials.evaluateAll((all) => all.findIndex((dial) => dial.getAttribute('aria-checked') === 'true'));
    expect(chosen).toBe(Math.min(15, 1 + inLine));
  });

  it('is walked by buttons, arrow keys and the scrub bar, and says each step', async () => {
    await open();
    await tab('Forward pass');
    const heading = panel.getByRole('region', { name: 'This step' }).getByRole('heading', { level: 2 });
    expect(await heading.innerText()).toBe('Token embedding');
    expect(await panel.getByRole('button', { name: 'Previous' }).isDisabled()).toBe(true);
    await panel.getByRole('button', { name: 'Next' }).click();
    await expect.poll(() => heading.innerText()).toBe('RMSNorm before attention');
    await panel.getByRole('button', { name: 'Next' }).press('ArrowRight');
    await expect.poll(() => heading.innerText()).toBe('Query, key and value of head 0');
    await expect.poll(() => panel.locator('[role="status"].visually-hidden').innerText()).toContain('Three matrices');
    await panel.getByRole('button', { name: 'Next' }).press('ArrowLeft');
    await expect.poll(() => heading.innerText()).toBe('RMSNorm before attention');
    await panel.getByRole('slider', { name: 'Step' }).press('End');
    await expect.poll(() => heading.innerText()).toBe('The draw');
    expect(await panel.getByRole('button', { name: 'Next' }).isDisabled()).toBe(true);
    expect(await panel.locator('.map-step[aria-current="step"]').getAttribute('aria-label')).toBe('21 The draw');
    // Boxes carry names at every width, not numbers.
    expect(await panel.locator('.map-step').first().innerText()).toMatch(/embedding/i);
  });

  it('shows the sum behind a number that is clicked or reached by keys', async () => {
    await open();
    await tab('Forward pass');
    await step(/Query, key and value/);
    const query = panel.getByRole('slider', { name: 'Query', exact: true });
    await query.press('Home');
    await query.press('ArrowRight');
    await settled();
    await expect.poll(() => panel.locator('.number-title .chip').innerText()).toBe('1');
    expect(await query.getAttribute('aria-valuenow')).toBe('1');
    const rows = await panel.locator('.sum-table tbody tr').allInnerTexts();
    expect(rows).toHaveLength(9);
    expect(rows.at(-1)).toContain('248 others');
    const products = await panel.locator('.sum-table tbody tr td:last-child').allInnerTexts();
    const total = shownNumber(await panel.locator('.sum-table tfoot td').last().innerText());
    expect(products.reduce((sum, product) => sum + shownNumber(product), 0)).toBeCloseTo(total, 2);
    expect(shownNumber(await panel.locator('.number-value').innerText())).toBeCloseTo(total, 3);
    await expect
      .poll(() => panel.locator('.number-card .caption').first().innerText())
      .toBe('Weights: row 1 of model.layers.0.self_attn.q_proj.weight.');
  });

  it('follows a number back to where it was made, across steps, layers and heads, and returns', async () => {
    await open();
    await tab('Forward pass');
    await panel.getByRole('slider', { name: 'Layer' }).press('End');
    await settled();
    await step(/Heads joined/);
    await panel.getByRole('slider', { name: 'All heads' }).press('End');
    await panel.getByRole('button', { name: 'Follow head 7' }).click();
    await settled();
    await expect
      .poll(() => panel.getByRole('region', { name: 'This step' }).getByRole('heading', { level: 2 }).innerText())
      .toBe('Weighted sum of values');
    expect(await panel.getByRole('slider', { name: 'Head', exact: true }).inputValue()).toBe('7');
    await expect.poll(() => panel.locator('.number-title .chip').innerText()).toBe('31');
    await step(/RMSNorm before attention/);
    await panel.locator('.number-parts .link').first().click();
    await panel.getByRole('button', { name: 'Follow it back' }).click();
    await settled();
    expect(await panel.getByRole('slider', { name: 'Layer' }).inputValue()).toBe('4');
    await expect.poll(() => panel.locator('.number-title').innerText()).toContain('Residual stream');
    const back = panel.getByRole('button', { name: 'Back', exact: true });
    while (await back.isVisible()) {
      await back.click();
      await settled();
    }
    expect(await panel.getByRole('slider', { name: 'Layer' }).inputValue()).toBe('5');
    expect(await panel.getByRole('slider', { name: 'Head', exact: true }).inputValue()).toBe('0');
  });

  it('comes back to the same step after a reload', async () => {
    await open();
    await tab('Forward pass');
    await step(/Softmax/);
    await expect.poll(() => browser.page.evaluate(() => sessionStorage.getItem('state') ?? '')).toContain('"pathStep":"softmax"');
    await open('', 'kept');
    await expect
      .poll(() => panel.getByRole('region', { name: 'This step' }).getByRole('heading', { level: 2 }).innerText())
      .toBe('Softmax');
  });

  it('rotates pairs: a dial is chosen by keys, the key by its slider', async () => {
    await open();
    await panel.locator('.strip .token').nth(9).click();
    await tab('Positions');
    const dials = panel.getByRole('radiogroup', { name: /Pairs of numbers/ });
    await expect.poll(() => dials.getByRole('radio').count()).toBe(16);
    await dials.getByRole('radio', { checked: true }).press('ArrowRight');
    await expect.poll(() => panel.locator('.pair-detail h4').innerText()).toBe('Pair 1: numbers 1 and 17 of the head');
    await panel.getByRole('slider', { name: 'Key' }).press('Home');
    await settled();
    await expect.poll(() => panel.locator('.position-pair').innerText()).toContain('distance 9');
    const change = await panel.locator('.score-change dd').allInnerTexts();
    expect(change).toHaveLength(3);
    expect(shownNumber(change[2] ?? '')).toBeCloseTo(shownNumber(change[1] ?? '') / Math.sqrt(32), 2);
    await panel.getByText('For comparison: sinusoidal positions').click();
    await panel.getByRole('slider', { name: 'Dimensions' }).press('Home');
    expect(await panel.getByRole('slider', { name: 'Dimensions' }).inputValue()).toBe('2');
  });

  it('breaks no rule of the page', async () => {
    expect(await violations()).toEqual([]);
    expect(browser.errors.filter((error) => !error.includes('favicon'))).toEqual([]);
  });

  it('speaks Chinese', async () => {
    await browser.page.setViewportSize({ width: 480, height: 1100 });
    await open('language=zh-cn&theme=light');
    await tab('前向传播');
    await panel.locator('.map-step').nth(2).click();
    await settled();
    await expect
      .poll(() => panel.getByRole('region', { name: '这一步' }).getByRole('heading', { level: 2 }).innerText())
      .toBe('头 0 的查询、键和值');
    await picture('forward-chinese-480');
    await browser.page.setViewportSize({ width: 1400, height: 1100 });
    await picture('forward-chinese-1400');
    await tab('位置编码');
    await picture('positions-chinese-1400');
  });
});

describe.each([
  ['mixtral.1', ['Router', 'Expert \\d: SwiGLU', 'Experts mixed']],
  ['deepseek_v3.1', ['Query, key and value', 'Router', 'Shared expert|Expert \\d: ', 'Experts mixed']],
  ['gpt2', ['Position: learned', 'LayerNorm before attention', 'MLP: GELU']],
  ['bloom.2', ['Scaling']],
  ['gemma2.3', ['Scaling', 'Unembedding']],
] as const)('another model, %s', (name, steps) => {
  beforeAll(async () => {
    server = await startHarness(await openFamily(name));
  });
  afterAll(() => server?.close());

  it('fits its window', { timeout: 120_000 }, async () => {
    for (const width of [480, 1400]) {
      await browser.page.setViewportSize({ width, height: 1300 });
      await open('theme=dark');
      await tab('Forward pass');
      await panel.getByRole('slider', { name: 'Layer' }).press('End');
      await settled();
      for (const title of steps) {
        await step(new RegExp(title));
        await picture(`forward-${name}-${title.toLowerCase().replace(/\W+/g, '-')}-${width}`);
      }
      await tab('Positions');
      await picture(`positions-${name}-${width}`);
    }
  });
});

describe('a layer with experts', () => {
  beforeAll(async () => {
    server = await startHarness(await openFamily('mixtral.1'));
  });
  afterAll(() => server?.close());

  it('lets the expert be chosen that is shown inside', async () => {
    await open();
    await tab('Forward pass');
    await step(/^\d+ Expert \d: SwiGLU/);
    const heading = panel.getByRole('region', { name: 'This step' }).getByRole('heading', { level: 2 });
    const first = await heading.innerText();
    await panel.getByRole('radiogroup', { name: 'Expert', exact: true }).getByRole('radio').nth(1).check();
    await settled();
    await expect.poll(() => heading.innerText()).not.toBe(first);
    expect(await heading.innerText()).toMatch(/^Expert \d: SwiGLU$/);
  });

  it('says why where the model does not answer', async () => {
    await browser.page.route(/\?query=/, (route) => route.fulfill({ status: 500, body: 'The model is gone.' }));
    await open();
    for (const name of ['Forward pass', 'Positions']) {
      await tab(name);
      await expect.poll(() => panel.locator('.view-failure:visible [role="alert"]').allInnerTexts()).toEqual(['The model is gone.']);
      expect(await panel.locator('[aria-busy="true"]').count()).toBe(0);
    }
    expect(await panel.getByRole('region', { name: 'This step' }).count()).toBe(0);
    await browser.page.unroute(/\?query=/);
  });
});
