import { readFileSync } from 'node:fs';
import type { FrameLocator, Locator } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Recipe } from '../../src/core/run.ts';
import type { Browser } from '../e2e/browser.ts';
import { openBundled, type FamilyPanel } from './family.ts';
import { startHarness, type HarnessServer } from './harness/server.ts';
import { panelPage } from './panelPage.ts';

/** Greedily the model ends it at once. */
const ENDING = readFileSync(new URL('../fixtures/texts/ending.md', import.meta.url), 'utf8');
const GREEDY = { temperature: 0, topK: 0, topP: 1, minP: 0 };

const page = panelPage();
const { picture, posted, settled, violations } = page;
let model: FamilyPanel;
let server: HarnessServer;
let browser: Browser;
let panel: FrameLocator;

beforeAll(async () => {
  model = await openBundled('The lighthouse keeper wrote: 大型语言模型');
  server = await startHarness(model);
  ({ browser, panel } = page);
});
afterAll(() => server?.close());
beforeEach(() => browser.page.setViewportSize({ width: 1000, height: 1200 }));

async function open(options = '', kept?: 'kept'): Promise<void> {
  await page.open(server, `family&${options}`, kept);
  await browser.page.evaluate(() => window.harness.send({ type: 'insertable', possible: true }));
  await panel.locator('#tab-generate').click();
}
const tokens = (): Locator => panel.locator('.generated .token');
const press = (name: string): Promise<void> => button(name).click();
const set = async (label: string, value: string): Promise<void> => {
  const field = panel.getByRole('spinbutton', { name: label, exact: true });
  await field.fill(value);
  await field.press('Tab');
};
const button = (name: string): Locator => panel.getByRole('button', { name, exact: true });
const rested = (): Promise<void> => expect.poll(() => button('Pause').isVisible(), { timeout: 120_000 }).toBe(false);
const greedy = async (count: number): Promise<void> => {
  await panel.getByRole('radio', { name: 'Greedy', exact: true }).check();
  await set('New tokens at most', String(count));
  await press('Play');
  await rested();
  await expect.poll(() => tokens().count()).toBe(count);
};
const state = (): Promise<string> => panel.locator('.generate-state').innerText();

/** Ids that the engine gives after the text, one step after the other. */
async function generatedIds(count: number, sampling = GREEDY, seed = 0): Promise<readonly number[]> {
  const ids: number[] = [];
  while (ids.length < count) {
    const step = await model.answer({ name: 'step', args: { continuation: ids, sampling, seed, topK: 1, attention: false } });
    if ('id' in step) ids.push(step.id);
  }
  return ids;
}
/** Presses a button and returns the generated ids that it sends to the extension. */
const sentBy = async (name: string, type: 'insertGenerated' | 'explainGenerated'): Promise<readonly number[]> => {
  const sent = async (): Promise<readonly (readonly number[])[]> =>
    (await posted()).flatMap((one) => (one.type === type ? [one.continuation] : []));
  const before = (await sent()).length;
  await press(name);
  await expect.poll(async () => (await sent()).length).toBe(before + 1);
  return (await sent()).at(-1) ?? [];
};
const shownIds = (): Promise<readonly number[]> => sentBy('Insert into Editor', 'insertGenerated');

describe('generating in the panel', { timeout: 180_000 }, () => {
  it('writes on greedily, a token a step, to the limit, and says why it ended', async () => {
    await open();
    await greedy(6);
    expect(await state()).toBe('6 of 6 new tokens. Ended at the limit: raise it to go on.');
    expect(await shownIds()).toEqual(await generatedIds(6));
    expect([await button('Play').isVisible(), await button('One Step').isVisible(), await button('64 Tokens More').isVisible()]).toEqual([
      false,
      false,
      true,
    ]);
    await set('New tokens at most', '7');
    await press('One Step');
    await expect.poll(() => tokens().count()).toBe(7);
  });

  it('ends at the end token with what can be done there in place of Play: go on past it, branch, start over', async () => {
    const ending = await openBundled(ENDING);
    const own = await startHarness(ending);
    try {
      await page.open(own, 'family');
      await panel.locator('#tab-generate').click();
      await panel.getByRole('radio', { name: 'Greedy', exact: true }).check();
      await set('New tokens at most', '6');
      await press('Play');
      await rested();
      expect(await state()).toMatch(/^1 of 6 new tokens\. Ended: the model drew <\|endoftext\|>/);
      expect([await button('Play').isVisible(), await button('One Step').isVisible(), await button('Reset').isVisible()]).toEqual([
        false,
        false,
        false,
      ]);
      expect(await button('Start Over').isEnabled()).toBe(true);
      await picture('generate-ended');
      await panel.getByRole('button', { name: /^Take .* Instead$/ }).click();
      expect(await state()).toBe('1 of 6 new tokens.');
      expect(await button('Play').isEnabled()).toBe(true);
      await panel.getByRole('treeitem').first().click();
      await button('Go On Past It').press('Enter');
      await rested();
      expect(await panel.getByRole('checkbox', { name: 'Go on past the end token' }).isChecked()).toBe(true);
      await expect.poll(() => tokens().count()).toBe(6);
      expect(await state()).toBe('6 of 6 new tokens. Ended at the limit: raise it to go on.');
      // The focus went from button to button.
      expect(await panel.locator(':focus').innerText()).toBe('64 Tokens More');
      await panel.getByRole('radio', { name: 'Sampling', exact: true }).check();
      await press('Start Over');
      expect([
        await tokens().count(),
        await panel.getByRole('spinbutton', { name: 'Seed', exact: true }).inputValue(),
        await button('Play').isVisible(),
      ]).toEqual([0, '1', true]);
    } finally {
      own.close();
    }
  });

  it('shows sampling from the start: a temperature and a filter that do something', async () => {
    await open();
    const value = (name: string): Promise<string> => panel.getByRole('spinbutton', { name, exact: true }).inputValue();
    expect([
      await panel.getByRole('radio', { name: 'Sampling', exact: true }).isChecked(),
      await value('Temperature'),
      await value('Top-p'),
    ]).toEqual([true, '0.8', '0.95']);
  });

  it('says what was kept and not run, and how fast the tokens came to the screen', async () => {
    await open();
    await greedy(6);
    const facts = panel.getByRole('region', { name: 'Time and memory' });
    // Nothing is ever shown open and empty: what unfolds is there within the press that unfolds it.
    const unfolded = await facts.evaluate((card) => {
      card.querySelector('summary')?.click();
      return [card.querySelector('details')?.open, card.textContent];
    });
    expect(unfolded).toEqual([true, expect.stringMatching(/Decode\s*5 tokens one by one/)]);
    const prompt = model.shown.explanation.tokens.length;
    expect(await facts.innerText()).toMatch(/Speed on screen\s*[\d.,]+ tokens\/s: 6 tokens in \d/);
    await press('Start Over');
    const before = Date.now();
    await press('Play');
    await rested();
    const elapsed = (Date.now() - before) / 1000;
    await expect.poll(() => tokens().count()).toBe(6);
    const text = await facts.innerText();
    expect(text).toContain(`${prompt} tokens were kept and not run`);
    expect(text).toMatch(/Decode\s*5 tokens one by one/);
    // No faster than the user saw it.
    const [, shown = '', seconds = ''] = /tokens\/s: (\d+) tokens in ([\d.]+) s/.exec(text) ?? [];
    expect([shown, Number(seconds) > 0, Number(seconds) <= elapsed + 0.01]).toEqual(['6', true, true]);
    // Drawn once more, a token needs nothing to be run.
    await tokens().nth(3).click();
    await press('Draw Again');
    await expect.poll(() => facts.innerText()).toMatch(/Decode\s*4 tokens one by one/);
    expect(await facts.innerText()).toMatch(/Kept\s*1 token was read before and not run again/);
  });

  it('draws by the settings and the seed, and shows what each filter took and where the number fell', async () => {
    await open();
    for (const [label, value] of [
      ['Temperature', '0.9'],
      ['Top-k', '40'],
      ['Top-p', '0.95'],
      ['Min-p', '0.01'],
      ['Seed', '7'],
      ['New tokens at most', '5'],
    ] as const)
      await set(label, value);
    await press('Play');
    await rested();
    expect(await shownIds()).toEqual(await generatedIds(5, { temperature: 0.9, topK: 40, topP: 0.95, minP: 0.01 }, 7));
    const detail = panel.getByRole('region', { name: 'Step', exact: true });
    expect(await detail.innerText()).toMatch(/Top-k removes\s*16,344 tokens, .*40 left/);
    expect(await detail.innerText()).toMatch(/u = 0\.\d{4} falls in/);
    expect(await panel.locator('.draw-needle').count()).toBe(1);
  });

  it('takes another candidate of an earlier step: a branch, walked with the keys, with its own total', async () => {
    await open();
    await greedy(5);
    await tokens().nth(2).click();
    await panel.locator('.step-candidates button[data-id]').nth(1).click();
    await expect.poll(() => tokens().count()).toBe(3);
    await press('Play');
    await rested();
    const items = panel.getByRole('treeitem');
    await expect.poll(() => items.count()).toBe(2);
    expect(await items.nth(1).innerText()).toMatch(/forks after token 2 · 5 tokens · ln p −\d/);
    await items.nth(1).press('ArrowUp');
    await expect.poll(() => items.nth(0).getAttribute('aria-selected')).toBe('true');
    expect(await shownIds()).toEqual(await generatedIds(5));
    await tokens().nth(2).click();
    await tokens().nth(2).press('ArrowDown');
    await expect.poll(() => items.nth(1).getAttribute('aria-selected')).toBe('true');
    await tokens().nth(2).press('ArrowLeft');
    await expect.poll(() => tokens().nth(1).getAttribute('aria-selected')).toBe('true');
  });

  it('can be paused at any moment, and reset', async () => {
    await open();
    await set('New tokens at most', '500');
    await panel.getByRole('radio', { name: 'Greedy', exact: true }).check();
    await press('Play');
    await expect.poll(() => tokens().count()).toBeGreaterThan(2);
    await press('Pause');
    await rested();
    const count = await tokens().count();
    expect(count).toBeLessThan(500);
    await browser.page.waitForTimeout(400);
    expect(await tokens().count()).toBe(count);
    await press('Reset');
    expect(await tokens().count()).toBe(0);
  });

  it('comes back after a reload with its branches, asking for their steps again', async () => {
    await open();
    await greedy(4);
    await tokens().nth(1).click();
    await panel.locator('.step-candidates button[data-id]').nth(2).click();
    await expect.poll(() => panel.getByRole('treeitem').count()).toBe(2);
    const texts = await panel.getByRole('treeitem').allInnerTexts();
    await browser.page.waitForTimeout(300);
    await open('', 'kept');
    await expect.poll(() => panel.getByRole('treeitem').allInnerTexts(), { timeout: 120_000 }).toEqual(texts);
    expect(await tokens().count()).toBe(2);
  });

  it('ends with another text and says so, and offers no insertion where there is no place', async () => {
    await open();
    await greedy(3);
    await browser.page.evaluate(() => window.harness.send({ type: 'insertable', possible: false }));
    await expect.poll(() => panel.getByRole('button', { name: 'Insert into Editor' }).isDisabled()).toBe(true);
    expect(await sentBy('Explain the Whole', 'explainGenerated')).toEqual(await generatedIds(3));
    const { explanation } = model.shown;
    const other = { ...model.shown, serial: 2, explanation: { ...explanation, text: 'The', tokens: explanation.tokens.slice(0, 2) } };
    await browser.page.evaluate((shown) => window.harness.send({ type: 'explanation', shown }), other);
    await expect.poll(state).toBe('Another text is explained: what was generated after the one before is gone.');
  });

  it.each([
    ['Temperature', '100'],
    ['Temperature', '0'],
    ['Top-k', '99999'],
    ['Top-p', '0'],
    ['Top-p', '3'],
    ['Min-p', '1'],
  ])('is defined and explained for %s %s', async (label, value) => {
    await open();
    await set(label, value);
    await press('One Step');
    await expect.poll(() => tokens().count()).toBe(1);
    const text = await panel.locator('.generate-view').innerText();
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
    expect(await panel.locator('.view-failure:visible').count()).toBe(0);
    const field = panel.getByRole('spinbutton', { name: label, exact: true });
    expect(await panel.locator(`[id="${(await field.getAttribute('aria-describedby')) ?? ''}"]`).innerText()).not.toBe('');
  });

  it('types digits into its fields, which do not switch tabs', async () => {
    await open();
    const field = panel.getByRole('spinbutton', { name: 'Seed', exact: true });
    await field.click();
    await browser.page.keyboard.type('12');
    expect(await panel.locator('#tab-generate').getAttribute('aria-selected')).toBe('true');
  });

  it('shows the attention of the last token read in every head', async () => {
    await open();
    await greedy(2);
    await panel.getByText('Attention of the last token read').click();
    await panel.locator('.step-attention .heatmaplayer image').waitFor({ state: 'attached' });
    expect(
      (await posted()).some((message) => message.type === 'query' && message.query.name === 'step' && message.query.args.attention),
    ).toBe(true);
    expect(await violations()).toEqual([]);
  });

  it('writes the same without the interventions that are on, beside the branch on show', async () => {
    const plain = await generatedIds(6);
    /** The page asks to be shown the text with other interventions. */
    const change = async (recipe: Recipe): Promise<void> => {
      await panel
        .locator('body')
        .evaluate((_, asked) => window.parent.postMessage({ type: 'recipe', serial: 1, recipe: asked }, '*'), recipe);
      await expect.poll(() => panel.locator('.recipe-band').isVisible(), { timeout: 120_000 }).toBe(recipe.length > 0);
    };
    await open('theme=light');
    await change([{ kind: 'mlp', layer: 0, action: 'zero' }]);
    await greedy(6);
    const card = panel.getByRole('region', { name: 'Beside: without interventions', exact: true });
    await card.getByRole('button', { name: 'Write the same without interventions' }).press('Enter');
    await expect.poll(() => card.locator('.plain-found').isVisible(), { timeout: 120_000 }).toBe(true);
    const changed = await generatedIds(6);
    const textOf = async (ids: readonly number[]): Promise<string> => {
      const answer = await model.answer({ name: 'textOf', args: { ids } });
      return 'text' in answer && typeof answer.text === 'string' ? answer.text : expect.fail('There is no text.');
    };
    expect(changed).not.toEqual(plain);
    expect(await card.locator('.steering-written').allTextContents()).toEqual([await textOf(changed), await textOf(plain)]);
    const parted = changed.findIndex((id, index) => plain[index] !== id);
    expect(await card.innerText()).toContain(parted === 0 ? 'They differ from the first token on.' : `The first ${parted} tokens`);
    await card.scrollIntoViewIfNeeded();
    await picture('generate-beside-en-light-1000');
    // Another token taken by hand: its branch is not what the settings give.
    await tokens().nth(2).click();
    await settled();
    await panel.locator('.step-candidates button[data-id][aria-pressed="false"]').first().click();
    await expect.poll(() => card.getByText('taken by hand').isVisible()).toBe(true);
    expect(await card.locator('.plain-found').isVisible()).toBe(false);
    await change([]);
    await greedy(2);
    expect(await card.isVisible()).toBe(false);
  });

  it('fits its window in all themes, in English and Chinese', { timeout: 300_000 }, async () => {
    for (const [theme, width, language] of [
      ['dark', 480, 'en'],
      ['light', 1400, 'en'],
      ['high-contrast', 480, 'zh-cn'],
      ['high-contrast-light', 1400, 'zh-cn'],
    ] as const) {
      await browser.page.setViewportSize({ width, height: 1200 });
      await open(`theme=${theme}&language=${language}`);
      // The tree of the theme before comes back with the page.
      if ((await tokens().count()) === 0) await panel.locator('.generate-controls .button').nth(2).click();
      await expect.poll(() => tokens().count()).toBeGreaterThan(0);
      for (const tab of ['generate', 'predictions']) {
        await panel.locator(`#tab-${tab}`).click();
        await settled();
        await picture(`${tab}-bundled-${theme}-${width}`);
      }
    }
  });
});
