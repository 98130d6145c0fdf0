import type { FrameLocator } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { softmax } from '../../src/core/probability.ts';
import { runOf, UNCHANGED, type Recipe } from '../../src/core/run.ts';
import { at } from '../../src/core/tensor.ts';
import { shownNumber } from '../shownNumber.ts';
import { openBundled, type OpenPanel } from './family.ts';
import { startHarness, type HarnessServer } from './harness/server.ts';
import { panelPage } from './panelPage.ts';
import { unfold } from '../e2e/panel.ts';

const TEXTS = {
  english: 'When Mary and John went to the shop, John gave a bottle of milk to Mary. She said thank you to John.',
  chinese: '北京是中国的首都，东京是日本的首都，巴黎是法国的首都。',
  code: 'for (let i = 0; i < tokens.length; i++) {\n  console.log(tokens[i].text);\n}\n',
} as const;
const TOKEN = 20;

const page = panelPage();
const { picture, settled } = page;
let panel: FrameLocator;

async function open(server: HarnessServer, opened: OpenPanel, options: string, token: number): Promise<void> {
  await opened.change(UNCHANGED);
  await page.open(server, `family&alone&${options}`);
  ({ panel } = page);
  await panel.locator('#tab-why').click();
  await panel.locator('.strip-section .token').nth(token).click();
  await settled();
}

const region = (name: string) => panel.getByRole('region', { name, exact: true });
const band = () => panel.locator('.recipe-band');
const cells = (row: string): Promise<readonly string[]> =>
  panel.locator('.before-after tbody tr', { hasText: row }).locator('td').allInnerTexts();
/** The interventions that the page asked for last. */
const asked = async (): Promise<Recipe | undefined> => {
  const last = (await page.posted()).findLast((message) => message.type === 'recipe');
  return last?.type === 'recipe' ? last.recipe : undefined;
};

describe('what if', () => {
  let server: HarnessServer;
  let opened: OpenPanel;
  beforeAll(async () => {
    opened = await openBundled(TEXTS.english, 'english.txt');
    server = await startHarness(opened);
  });
  afterAll(() => server?.close());
  beforeEach(() => open(server, opened, '', TOKEN));

  const logitsOf = async (recipe: Recipe): Promise<Float32Array> =>
    (await opened.remote.ask(runOf(opened.shown.explanation.run.ids, recipe), 'logits', { positions: Int32Array.of(TOKEN) })).logits;

  it('switches a head off from the grid of parts, says so above every view, and shows the prediction before and after', async () => {
    const title = await panel.locator('.why-title').innerText();
    expect(await band().isVisible()).toBe(false);
    const [, layer = '', head = ''] = /Layer (\d), head (\d)/.exec(await panel.locator('.why-head h3').innerText()) ?? [];
    await panel.locator('.why-head').getByRole('button', { name: 'Switch this head off' }).click();
    await expect.poll(() => band().isVisible()).toBe(true);
    await settled();
    const recipe: Recipe = [{ kind: 'head', layer: Number(layer), head: Number(head), action: 'zero' }];
    expect(await asked()).toEqual(recipe);
    expect(await band().innerText()).toContain(`1 intervention is on: Layer ${layer}, head ${head} off`);
    // The question stays the one that was asked of the model as it is.
    expect(await panel.locator('.why-title').innerText()).toBe(title);
    const [before, after] = [await logitsOf(UNCHANGED), await logitsOf(recipe)];
    const next = opened.shown.explanation.tokens[TOKEN + 1]?.id ?? -1;
    const rivalId = [...opened.shown.explanation.topIds.subarray(TOKEN * 10)].find((id) => id !== next) ?? -1;
    const shown = (await cells('Logit difference')).map(shownNumber);
    expect(Math.abs((shown[0] ?? NaN) - (at(before, next) - at(before, rivalId)))).toBeLessThanOrEqual(0.0006);
    expect(Math.abs((shown[1] ?? NaN) - (at(after, next) - at(after, rivalId)))).toBeLessThanOrEqual(0.0006);
    expect(Math.abs((shown[1] ?? NaN) - (shown[0] ?? NaN) - (shown[2] ?? NaN))).toBeLessThanOrEqual(0.0011);
    const [from = '', to = ''] = await cells('Probability of ·said');
    expect(Math.abs(Number.parseFloat(from) / 100 - at(softmax(before), next))).toBeLessThanOrEqual(1e-3);
    expect(Math.abs(Number.parseFloat(to) / 100 - at(softmax(after), next))).toBeLessThanOrEqual(1e-3);
    for (const tab of ['tokens', 'attention', 'predictions', 'generate', 'compare']) {
      await panel.locator(`#tab-${tab}`).click();
      expect(await band().isVisible(), tab).toBe(true);
    }
    await settled();
    // A picture that is saved says so by its name.
    await panel.locator('#tab-why').click();
    await settled();
    const [name] = await page.savedFrom(panel.locator('.why-heads').getByRole('button', { name: /^Save: / }), 'Drawing (SVG)');
    expect(name).toBe('head-terms-with-interventions.svg');
    await band().getByRole('button', { name: 'Switch off' }).click();
    await expect.poll(() => band().isVisible()).toBe(false);
    expect(await asked()).toEqual([]);
    // It stays in the list, to be switched on again.
    await panel.locator('#tab-why').click();
    const toggle = region('What if').getByRole('checkbox', { name: `Layer ${layer}, head ${head} off` });
    expect(await toggle.isChecked()).toBe(false);
    await toggle.check();
    await expect.poll(() => band().isVisible()).toBe(true);
    await settled();
    await region('What if')
      .getByRole('button', { name: /^Remove: / })
      .click();
    await expect.poll(() => band().isVisible()).toBe(false);
    expect(await toggle.count()).toBe(0);
  });

  it('hides a token from where it is, and adds by menus what a recipe has, with a factor that can be changed', async () => {
    const list = panel.getByRole('listbox', { name: 'How much each token counts' });
    await list.getByRole('option').nth(2).click();
    await panel.locator('.why-words').getByRole('button', { name: 'Hide this token' }).click();
    await expect.poll(() => band().isVisible()).toBe(true);
    await settled();
    expect(await asked()).toEqual([{ kind: 'key', key: 2, action: 'cut' }]);
    expect(await panel.locator('.why-words').getByRole('button', { name: 'Show this token again' }).count()).toBe(1);
    const menus = panel.getByRole('group', { name: 'Add an intervention' });
    await menus.getByLabel('What', { exact: true }).selectOption({ label: 'Scale a head' });
    await menus.getByLabel('Layer', { exact: true }).selectOption('3');
    await menus.getByLabel('Head', { exact: true }).selectOption('1');
    // What stands in the field is what is added, also when it is the number of before again.
    for (const typed of ['3', '2']) {
      await menus.getByLabel('Factor', { exact: true }).fill(typed);
      await menus.getByLabel('Factor', { exact: true }).press('Enter');
    }
    await menus.getByRole('button', { name: 'Add' }).click();
    await expect.poll(() => band().innerText()).toContain('Layer 3, head 1 × 2');
    await settled();
    const factor = region('What if').locator('.recipe-item .number-input');
    await factor.fill('0.5');
    await factor.press('Enter');
    await expect.poll(() => band().innerText()).toContain('Layer 3, head 1 × 0.5');
    await settled();
    expect(await factor.evaluate((field) => field === document.activeElement)).toBe(true);
    expect(await asked()).toEqual([
      { kind: 'key', key: 2, action: 'cut' },
      { kind: 'head', layer: 3, head: 1, action: 'scale', factor: 0.5 },
    ]);
    await region('What if').getByRole('button', { name: 'Open as a document' }).click();
    const exported = (await page.posted()).filter(({ type }) => type === 'exportRecipe');
    expect(exported).toEqual([{ type: 'exportRecipe', recipe: await asked() }]);
    // What is on, and what is off, comes back after a reload.
    await expect.poll(() => page.browser.page.evaluate(() => sessionStorage.getItem('state') ?? '')).toContain('"factor":0.5');
    const kept = JSON.parse(await page.browser.page.evaluate(() => sessionStorage.getItem('state') ?? '')) as { recipe: { steps: Recipe } };
    expect(kept.recipe.steps).toEqual(await asked());
  });

  it('is reached from Attention’s overview', async () => {
    await panel.locator('#tab-attention').click();
    await settled();
    const menu = panel.getByRole('group', { name: 'The chosen head' });
    const name = await menu.locator('span').first().innerText();
    await menu.getByRole('button', { name: 'Switch this head off' }).press('Enter');
    await expect.poll(() => band().innerText()).toContain(`${name} off`);
    await settled();
    expect(await menu.getByRole('button').innerText()).toBe('Switch this head on again');
  });

  it('adds every other kind of step by menus, each where it is seen', async () => {
    const menus = panel.getByRole('group', { name: 'Add an intervention' });
    const choose = (label: string, value: string | { readonly label: string }) =>
      menus.getByLabel(label, { exact: true }).selectOption(value);
    const add = async (text: string): Promise<void> => {
      await menus.getByRole('button', { name: 'Add' }).click();
      await expect.poll(() => band().innerText()).toContain(text);
      await settled();
    };
    await choose('What', { label: 'Scale a neuron' });
    await menus.getByLabel('Neuron', { exact: true }).fill('7');
    await menus.getByLabel('Neuron', { exact: true }).press('Enter');
    await choose('Layer', '2');
    await add('Layer 2: neuron 7 × 2');
    await choose('What', { label: 'Move a residual towards a token' });
    await choose('Layer', { label: 'after the last' });
    const typed = menus.getByLabel('Or a token typed, with its space');
    await typed.fill(' milk');
    await typed.press('Enter');
    await expect.poll(() => menus.getByLabel('Towards', { exact: true }).evaluate((list: HTMLSelectElement) => list.title)).toBe('·milk');
    await add('after the last layer moved towards');
    await choose('What', { label: 'Cut an edge of attention' });
    await choose('Key', '4');
    await choose('Layer', { label: 'all' });
    await choose('Head', '1');
    await add('in head 1 of every layer');
    const milk = opened.shown.explanation.tokens.find(({ text }) => text === ' milk')?.id ?? -1;
    const before: Recipe = [
      { kind: 'neuron', layer: 2, neuron: 7, action: 'scale', factor: 2 },
      { kind: 'residual', layer: 6, token: TOKEN, action: 'move', direction: milk, strength: 1 },
      { kind: 'edge', query: TOKEN, key: 4, head: 1, action: 'cut' },
    ];
    expect(await asked()).toEqual(before);
    // Its vector is of the strength that is asked for.
    const strength = region('What if').locator('.recipe-item .number-input').nth(1);
    await strength.fill('3');
    await strength.press('Enter');
    await expect.poll(asked).toEqual(before.map((step) => (step.kind === 'residual' ? { ...step, strength: 3 } : step)));
    await settled();
    // The first token has no edge to cut.
    await choose('Token', '0');
    expect(await menus.getByRole('button', { name: 'Add' }).isDisabled()).toBe(true);
    await panel.locator('#tab-attention').click();
    await settled();
    const name = /Layer (\d), head (\d)/.exec(
      await panel.getByRole('group', { name: 'The chosen head' }).locator('span').first().innerText(),
    );
    const place = { layer: Number(name?.[1]), head: Number(name?.[2]) };
    await panel.getByRole('group', { name: 'The chosen head' }).getByLabel('Set to').selectOption({ label: 'its mean over the text' });
    await expect.poll(async () => (await asked())?.at(-1)).toEqual({ kind: 'head', ...place, action: 'mean' });
    await settled();
    await panel.getByRole('group', { name: 'The chosen head' }).getByLabel('Set to').selectOption({ label: 'attention to all alike' });
    await expect.poll(async () => (await asked())?.at(-1)).toEqual({ kind: 'pattern', ...place, action: 'uniform' });
    await settled();
    await panel.locator('.cell-card').getByRole('button', { name: 'Cut this edge' }).click();
    await expect.poll(async () => (await asked())?.at(-1)).toMatchObject({ kind: 'edge', query: TOKEN, ...place, action: 'cut' });
    await expect.poll(() => panel.locator('.cell-card').getByRole('button', { name: 'Let it be seen again' }).count()).toBe(1);
    await settled();
  });

  it('adds the words’ numbers up by word, line and sentence, to the same sum', async () => {
    const sum = panel.locator('.why-words .facts > div', { hasText: 'Sum of the words' }).locator('dd');
    const whole = shownNumber(await sum.innerText());
    const labels = async (unit: string): Promise<readonly string[]> => {
      await region('Words of the text').locator('.segment', { hasText: unit }).click();
      return panel
        .getByRole('listbox', { name: 'How much each token counts' })
        .getByRole('option')
        .evaluateAll((all) => all.map((one) => one.getAttribute('aria-label') ?? ''));
    };
    const tokens = await labels('Token');
    for (const [unit, fewer] of [
      ['Word', 1],
      ['Sentence', 10],
      ['Line', 10],
    ] as const) {
      const found = await labels(unit);
      expect(found.length, unit).toBeLessThanOrEqual(tokens.length - fewer);
      const total = found.reduce((all, label) => all + shownNumber(/[+−]?[\d.]+(?= logits)/.exec(label)?.[0] ?? ''), 0);
      expect(Math.abs(total - whole), unit).toBeLessThanOrEqual(0.0006 * (found.length + 1));
    }
    expect((await labels('Word')).find((label) => label.startsWith('·bottle'))).toContain('positions ');
    // The token asked about is the last of its line so far, and sees itself whatever is hidden.
    await labels('Line');
    await panel.getByRole('listbox', { name: 'How much each token counts' }).getByRole('option').last().click();
    const hide = panel.locator('.why-words').getByRole('button', { name: /^Hide these / });
    const [count] = /\d+/.exec(await hide.innerText()) ?? [];
    await hide.click();
    await expect.poll(() => band().isVisible()).toBe(true);
    await settled();
    expect(await asked()).toHaveLength(Number(count));
  });
});

describe('the experiment with induction heads', () => {
  it(
    'finds them, and shows that the second copy of a sentence needs them more than as many random heads',
    { timeout: 180_000 },
    async () => {
      const opened = await openBundled(TEXTS.english, 'english.txt');
      const server = await startHarness(opened);
      try {
        await page.browser.page.setViewportSize({ width: 1000, height: 2600 });
        await open(server, opened, '', TOKEN);
        const card = region('Experiment: what induction heads do');
        await unfold(card);
        const sentence = card.locator('.text-input');
        const text = await sentence.inputValue();
        await card.getByRole('button', { name: 'Run the experiment' }).press('Enter');
        // A run is of what was asked for when it began.
        await sentence.fill('Another sentence, for the next run.');
        await sentence.press('Enter');
        await expect.poll(() => card.locator('.copy-losses tbody tr').count(), { timeout: 150_000 }).toBe(10);
        const rows = await card.locator('.copy-losses tbody tr').evaluateAll((all) =>
          all.map((row) => ({
            heads: row.querySelector('.copy-heads')?.textContent ?? '',
            bits: [...row.querySelectorAll('td.number')].map((cell) => Number(cell.textContent)),
          })),
        );
        const [before, induction, ...random] = rows;
        const second = random.map(({ bits }) => bits[1] ?? NaN);
        const mean = second.reduce((sum, value) => sum + value, 0) / second.length;
        // The copy is a great help, which goes with the heads; what they do not do stays.
        expect((before?.bits[0] ?? 0) - (before?.bits[1] ?? 0)).toBeGreaterThan(3);
        expect((induction?.bits[1] ?? 0) - (before?.bits[1] ?? 0)).toBeGreaterThan(2 * (mean - (before?.bits[1] ?? 0)));
        expect(Math.abs((induction?.bits[0] ?? 0) - (before?.bits[0] ?? 0))).toBeLessThan(0.5);
        const heads = [...(induction?.heads ?? '').matchAll(/L(\d) H(\d)/g)].map(([, layer, head]) => ({
          layer: Number(layer),
          head: Number(head),
        }));
        expect(heads).toHaveLength(5);
        const { secondBits } = await opened.remote.ask(opened.shown.explanation.run, 'copyLoss', { text, heads });
        expect(Math.abs(secondBits - (induction?.bits[1] ?? NaN))).toBeLessThanOrEqual(0.0051);
        await picture('copy-experiment-en-dark-1000');
        await card.getByRole('button', { name: 'Switch these induction heads off in every view' }).click();
        await expect.poll(() => band().innerText()).toContain('5 interventions are on:');
      } finally {
        server.close();
      }
    },
  );
});

describe('pictures', () => {
  it.each([
    ['english', 20, 'en', 'light', 800],
    ['chinese', 8, 'zh-cn', 'dark', 480],
    ['code', 12, 'en', 'high-contrast', 1400],
  ] as const)('of what if, on a text in %s', { timeout: 120_000 }, async (name, token, language, theme, width) => {
    const opened = await openBundled(TEXTS[name], `${name}.txt`);
    const server = await startHarness(opened);
    try {
      await page.browser.page.setViewportSize({ width, height: 2600 });
      await open(server, opened, `theme=${theme}&language=${language}`, token);
      await panel.locator('.why-head .head-switch').click();
      await settled();
      await panel.locator('.why-words [role="option"]').nth(2).click();
      await panel.locator('.signed-offer .button').first().click();
      await settled();
      await page.browser.page.mouse.move(0, 0);
      await picture(`what-if-${name}-${language}-${theme}-${width}`);
    } finally {
      server.close();
    }
  });
});
