import type { FrameLocator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ATTRIBUTION_METHODS, isSigned } from '../../src/core/attribution.ts';
import { at } from '../../src/core/tensor.ts';
import type { Browser } from '../e2e/browser.ts';
import { shownNumber } from '../shownNumber.ts';
import { openBundled, openFamily, type OpenPanel } from './family.ts';
import { startHarness, type HarnessServer } from './harness/server.ts';
import { panelPage } from './panelPage.ts';

const TEXTS = {
  english: 'When Mary and John went to the shop, John gave a bottle of milk to Mary. She said thank you to John.',
  chinese: '北京是中国的首都，东京是日本的首都，巴黎是法国的首都。',
  code: 'for (let i = 0; i < tokens.length; i++) {\n  console.log(tokens[i].text);\n}\n',
} as const;

const page = panelPage();
const { picture, settled } = page;
let browser: Browser;
let panel: FrameLocator;
beforeAll(() => {
  ({ browser, panel } = page);
});

async function open(server: HarnessServer, options: string, token: number): Promise<void> {
  await page.open(server, `family&alone&${options}`);
  await panel.locator('#tab-why').click();
  await panel.locator('.strip-section .token').nth(token).click();
  await settled();
}

const region = (name: string) => panel.getByRole('region', { name, exact: true });
const fact = (name: string): Promise<string> =>
  panel
    .locator('.why-parts .facts > div', { has: panel.getByText(name, { exact: true }) })
    .locator('dd')
    .innerText();
/** The last question about parts that the page has asked. */
const directAsked = async () =>
  (await page.posted())
    .flatMap((message) => (message.type === 'query' && message.query.name === 'direct' ? [message.query.args] : []))
    .at(-1);
const title = (): Promise<string> => panel.locator('.why-title').innerText();

describe('why, of an English text', () => {
  let server: HarnessServer;
  let opened: OpenPanel;
  const TOKEN = 20;
  beforeAll(async () => {
    opened = await openBundled(TEXTS.english, 'english.txt');
    server = await startHarness(opened);
  });
  afterAll(() => server?.close());

  /** The model's own logits after a position. */
  const logitsAfter = async (position: number): Promise<Float32Array> =>
    (await opened.remote.ask(opened.shown.explanation.run, 'logits', { positions: Int32Array.of(position) })).logits;

  it('asks why the text goes on as it does, and shows a sum that is the difference of the model’s logits', async () => {
    await open(server, '', TOKEN);
    const { tokens, topIds, topK } = opened.shown.explanation;
    const next = tokens[TOKEN + 1]?.id ?? -1;
    const rival = [...topIds.subarray(TOKEN * topK, (TOKEN + 1) * topK)].find((id) => id !== next) ?? -1;
    expect(await title()).toBe('Why ·said here, rather than ·was?');
    const logits = await logitsAfter(TOKEN);
    const difference = at(logits, next) - at(logits, rival);
    for (const shown of [
      await fact('Logit difference'),
      await fact('Sum of the parts'),
      await panel.locator('.waterfall tfoot .strong').innerText(),
    ])
      expect(Math.abs(shownNumber(shown) - difference)).toBeLessThanOrEqual(0.0005 + 1e-4);
    const rows = await panel
      .locator('.waterfall tbody tr')
      .evaluateAll((all) =>
        all.map((row) => [...row.querySelectorAll('td.number')].map((cell) => Number(cell.textContent.replace('−', '-')))),
      );
    expect(rows).toHaveLength(2 + 2 * opened.shown.explanation.model.layers);
    rows.forEach(([adds = NaN, sum = NaN], index) =>
      expect(Math.abs((rows[index - 1]?.[1] ?? 0) + adds - sum), `row ${index}`).toBeLessThanOrEqual(0.0016),
    );
  });

  it('takes another token and another rival, or none, and keeps them through a reload', async () => {
    await open(server, '', TOKEN);
    const lists = region('Question').locator('select');
    await lists.last().selectOption({ label: 'nothing: its logit alone' });
    await settled();
    expect(await title()).toBe('Why ·said here?');
    const next = opened.shown.explanation.tokens[TOKEN + 1]?.id ?? -1;
    expect(Math.abs(shownNumber(await fact('Logit')) - at(await logitsAfter(TOKEN), next))).toBeLessThanOrEqual(0.0006);
    await lists.first().selectOption({ index: 2 });
    await settled();
    const chosen = await title();
    expect(chosen).not.toBe('Why ·said here?');
    // The token becomes the rival: the two change places.
    await lists.last().selectOption({ index: 0 });
    await lists.first().selectOption({ index: 0 });
    await settled();
    const swapped = await title();
    expect(swapped).toMatch(/^Why ·said here, rather than /);
    await expect
      .poll(() => browser.page.evaluate(() => sessionStorage.getItem('state') ?? ''))
      .toContain(`"whyAsked":{"position":${TOKEN}`);
    await browser.page.reload();
    await panel.locator('.strip .token').first().waitFor();
    await settled();
    expect(await panel.locator('#tab-why').getAttribute('aria-selected')).toBe('true');
    expect(await title()).toBe(swapped);
    // Another place has a question of its own.
    await panel.locator('.strip-section .token').nth(3).click();
    await settled();
    expect(await title()).toMatch(/^Why ·John here, rather than /);
  });

  it('opens on the largest head, is walked through with arrow keys, and leads to its attention with Enter', async () => {
    await open(server, '', TOKEN);
    const grid = panel.getByRole('application', { name: /What each head adds/ });
    const head = panel.locator('.why-head h3');
    const first = await head.innerText();
    expect(first).toMatch(/^Layer \d, head \d/);
    await grid.press('ArrowLeft');
    await settled();
    const second = await head.innerText();
    expect(second).not.toBe(first);
    const [, layer = '', number = ''] = /Layer (\d+), head (\d+)/.exec(second) ?? [];
    await expect.poll(() => panel.locator('[role="status"][aria-live]').innerText()).toContain(`Layer ${layer}, head ${number}`);
    const { position, token, rival } = (await directAsked()) ?? expect.fail('Nothing was asked.');
    const args = { position, token, rival, layer: Number(layer), head: Number(number) };
    const { values } = await opened.remote.ask(opened.shown.explanation.run, 'directSources', args);
    const strip = panel.getByRole('listbox', { name: 'The head’s part, by the token it reads' });
    expect(await strip.getByRole('option').count()).toBe(TOKEN + 1);
    const said = await strip.getByRole('option').nth(2).getAttribute('aria-label');
    expect(said).toContain('position 2');
    expect(Math.abs(shownNumber(/[+−]?[\d.]+(?= logits)/.exec(said ?? '')?.[0] ?? '') - at(values, 2))).toBeLessThanOrEqual(0.0006);
    await grid.press('Enter');
    await settled();
    expect(await panel.locator('#tab-attention').getAttribute('aria-selected')).toBe('true');
    await expect.poll(() => panel.getByRole('heading', { level: 2, name: `Layer ${layer}, head ${number}` }).count()).toBe(1);
  });

  it('leads from a token of a head to the arithmetic of its weight, and from an MLP to its numbers', async () => {
    await open(server, '', TOKEN);
    const strip = panel.getByRole('listbox', { name: 'The head’s part, by the token it reads' });
    await strip.getByRole('option').first().focus();
    await strip.getByRole('option', { selected: true }).press('Home');
    expect(await panel.locator('.why-head .signed-readout').innerText()).toContain('position 0');
    await strip.getByRole('option', { selected: true }).press('Enter');
    await settled();
    expect(await panel.locator('#tab-attention').getAttribute('aria-selected')).toBe('true');
    expect(await panel.locator('.cell-card .step').count()).toBeGreaterThan(0);
    await panel.locator('#tab-why').click();
    await settled();
    await panel.getByRole('button', { name: 'Layer 3: MLP' }).click();
    await settled();
    expect(await panel.locator('#tab-forward').getAttribute('aria-selected')).toBe('true');
    expect(await panel.locator('.map-step[aria-current]').getAttribute('aria-label')).toContain('MLP');
  });

  it('shows the heads of a layer whose attention is pressed', async () => {
    await open(server, '', TOKEN);
    await panel.getByRole('button', { name: 'Layer 2: attention' }).click();
    await settled();
    expect(await panel.locator('.why-head h3').innerText()).toMatch(/^Layer 2, head /);
  });

  it('opens when the editor asks, on the question of the editor', async () => {
    await open(server, '', TOKEN);
    await panel.locator('#tab-tokens').click();
    await browser.page.evaluate(() => window.harness.send({ type: 'why', position: 3 }));
    await expect.poll(() => panel.locator('#tab-why').getAttribute('aria-selected')).toBe('true');
    await expect.poll(title).toMatch(/^Why ·John here, rather than /);
  });
});

describe('the words that a prediction depends on', () => {
  let server: HarnessServer;
  let opened: OpenPanel;
  const POSITION = 8;
  beforeAll(async () => {
    opened = await openBundled(TEXTS.chinese, 'chinese.txt');
    server = await startHarness(opened);
  });
  afterAll(() => server?.close());

  const words = () => panel.getByRole('listbox', { name: 'How much each token counts' }).getByRole('option');
  const labels = (): Promise<readonly string[]> => words().evaluateAll((all) => all.map((one) => one.getAttribute('aria-label') ?? ''));

  it.each(ATTRIBUTION_METHODS)('are shown as the engine finds them, with their sum, and told to the editor (%s)', async (method) => {
    await open(server, '', POSITION);
    await region('Words of the text')
      .getByLabel('By', { exact: true })
      .selectOption({ index: ATTRIBUTION_METHODS.indexOf(method) });
    // Some run the model again for every token.
    await expect
      .poll(() => panel.locator('[aria-busy="true"], .why-left-out .repeated-working:not([hidden])').count(), { timeout: 120_000 })
      .toBe(0);
    const { token, rival } = (await directAsked()) ?? expect.fail('Nothing was asked.');
    const args = { position: POSITION, token, rival, method };
    const { values } = await opened.remote.ask(opened.shown.explanation.run, 'attribution', args);
    const shown = await labels();
    expect(shown).toHaveLength(POSITION + 1);
    for (const [index, label] of shown.entries()) {
      const [, number = '', unit] = /([+−]?[\d.]+)( logits|%)$/.exec(label) ?? [];
      expect(unit).toBe(isSigned(method) ? ' logits' : '%');
      const value = isSigned(method) ? shownNumber(number) : shownNumber(number) / 100;
      expect(Math.abs(value - at(values, index)), label).toBeLessThanOrEqual(0.0006);
    }
    const sum = [...values].reduce((total, value) => total + value, 0);
    const written = await panel
      .locator('.why-words .facts > div', { has: panel.getByText('Sum of the words', { exact: true }) })
      .locator('dd')
      .innerText();
    expect(Math.abs(shownNumber(written.replace('%', '')) / (isSigned(method) ? 1 : 100) - sum)).toBeLessThanOrEqual(0.006);
    const told = (await page.posted()).findLast((message) => message.type === 'whyWords');
    expect(told).toMatchObject({ serial: 1, words: { position: POSITION, token, rival } });
    expect(told?.type === 'whyWords' ? told.words.values : []).toEqual(Array.from(values.subarray(0, POSITION + 1)));
  });

  it('are those of several tokens together once chosen, with what they are of; a method that has none says so', async () => {
    await open(server, '', POSITION);
    const [by, target] = [
      region('Words of the text').getByLabel('By', { exact: true }),
      region('Words of the text').getByLabel('For', { exact: true }),
    ];
    await by.selectOption({ index: ATTRIBUTION_METHODS.indexOf('gradient-x-input') });
    await target.focus();
    for (let press = 0; press < 3; press++) await target.press('ArrowDown');
    await settled();
    const args = { position: POSITION, end: POSITION + 2, method: 'gradient-x-input' } as const;
    const { values, target: sum } = await opened.remote.ask(opened.shown.explanation.run, 'spanAttribution', args);
    const shown = await labels();
    expect(shown).toHaveLength(POSITION + 3);
    for (const [index, label] of shown.entries()) {
      const [, number = ''] = /([+−]?[\d.]+) nats$/.exec(label) ?? [];
      expect(Math.abs(shownNumber(number) - at(values, index)), label).toBeLessThanOrEqual(0.0006);
    }
    expect(await region('Words of the text').innerText()).toContain(
      'Of the sum of the log-probabilities (natural) of 3 tokens of the text',
    );
    const written = await panel
      .locator('.why-words .facts > div', { has: panel.getByText('Log-probability', { exact: true }) })
      .locator('dd')
      .innerText();
    expect(Math.abs(shownNumber(written) - sum)).toBeLessThanOrEqual(0.0006);
    const told = (await page.posted()).findLast((message) => message.type === 'whyWords');
    expect(told).toMatchObject({ words: { position: POSITION, end: POSITION + 2, rival: null } });
    await by.selectOption({ index: ATTRIBUTION_METHODS.indexOf('rollout') });
    await settled();
    expect(await region('Words of the text').innerText()).toContain(
      'is not defined for several tokens together. These are: Gradient × input · ',
    );
    expect(await words().count()).toBe(0);
  });

  it('are not those of the method before while the new ones are computed', async () => {
    await open(server, '', POSITION);
    await expect.poll(() => words().count()).toBe(POSITION + 1);
    let answer = (): void => undefined;
    const asked = new Promise<void>((resolve) => (answer = resolve));
    await browser.page.route('**/?query=*', async (route) => {
      await asked;
      await route.continue();
    });
    await region('Words of the text')
      .getByLabel('By', { exact: true })
      .selectOption({ index: ATTRIBUTION_METHODS.indexOf('rollout') });
    await expect.poll(() => panel.locator('.why-waiting').isVisible()).toBe(true);
    expect(await panel.locator('.why-words .signed').isVisible()).toBe(false);
    answer();
    await settled();
    expect([await panel.locator('.why-waiting').isVisible(), await panel.locator('.why-words .signed').isVisible()]).toEqual([false, true]);
    await browser.page.unroute('**/?query=*');
  });

  it('are walked through with arrow keys, each number written out', async () => {
    await open(server, '', POSITION);
    const list = panel.getByRole('listbox', { name: 'How much each token counts' });
    await list.getByRole('option', { selected: true }).press('Home');
    const readout = panel.locator('.why-words .signed-readout');
    expect(await readout.innerText()).toContain('position 0');
    await list.getByRole('option', { selected: true }).press('ArrowRight');
    expect(await readout.innerText()).toContain('position 1');
    expect(await list.getByRole('option', { selected: true }).getAttribute('aria-posinset')).toBe('2');
    // The question is the one of before: only the strip at the top asks another.
    expect(await panel.locator('.strip-section [aria-selected="true"]').getAttribute('data-index')).toBe(String(POSITION));
  });

  it('are measured word by word: each is shown when it is known, Cancel keeps what is there, and it goes on from there', async () => {
    // A place behind a word of two tokens.
    const PLACE = 15;
    await open(server, '', PLACE);
    await region('Words of the text').locator('.segment', { hasText: 'Word' }).click();
    /** One unit is answered at a time, as often as this allows. */
    let allowed = 2;
    let allow = (): void => undefined;
    await browser.page.route('**/?query=*', async (route) => {
      const url = new URL(route.request().url());
      const query = JSON.parse(url.searchParams.get('query') ?? '') as { name: string; args: { units: unknown[] } };
      if (query.name !== 'leftOut') return route.continue();
      if (allowed <= 0) await new Promise<void>((resolve) => (allow = resolve));
      allowed--;
      query.args.units.length = 1;
      url.searchParams.set('query', JSON.stringify(query));
      await route.continue({ url: url.href });
    });
    const card = region('Words of the text');
    await card.getByLabel('By', { exact: true }).selectOption({ index: ATTRIBUTION_METHODS.indexOf('hidden') });
    await card.getByText(/^2 of \d+ words measured$/).waitFor();
    const count = await words().count();
    expect(count).toBe(PLACE);
    expect((await labels()).filter((label) => label.endsWith('not measured yet'))).toHaveLength(count - 2);
    await card.getByRole('button', { name: 'Cancel' }).press('Enter');
    const goOn = card.getByRole('button', { name: 'Go on measuring' });
    await goOn.waitFor();
    expect(await goOn.evaluate((button) => button === document.activeElement)).toBe(true);
    expect(await card.locator('.facts').innerText()).toContain(`(2 of ${count} words measured)`);
    allowed = count;
    await goOn.press('Enter');
    allow();
    await expect.poll(async () => (await labels()).some((label) => label.endsWith('not measured yet'))).toBe(false);
    await browser.page.unroute('**/?query=*');
    const { token, rival } = (await directAsked()) ?? expect.fail('Nothing was asked.');
    const told = (await page.posted()).findLast((message) => message.type === 'whyWords');
    const units = (told?.type === 'whyWords' ? told.words.units : null) ?? [];
    expect([units[0]?.first, units.at(-1)?.end, units.length]).toEqual([0, PLACE + 1, count]);
    const args = { position: PLACE, token, rival, method: 'hidden', units } as const;
    const { values } = await opened.remote.ask(opened.shown.explanation.run, 'leftOut', args);
    expect(values.length).toBeGreaterThan(0);
    for (const [index, value] of values.entries())
      expect(Math.abs(shownNumber(/[+−]?[\d.]+(?= logits)/.exec((await labels())[index] ?? '')?.[0] ?? '') - value)).toBeLessThanOrEqual(
        0.0006,
      );
    // By tokens it is another question.
    await card.locator('.segment', { hasText: 'Token' }).click();
    await expect.poll(() => words().count()).toBe(PLACE + 1);
  });
});

describe('why, of a model with a soft cap on its logits (gemma2)', () => {
  it('says that its numbers are those before the cap, and nothing of the ratio of probabilities', async () => {
    const server = await startHarness(await openFamily('gemma2.1'));
    try {
      await open(server, '', 9);
      expect(await region('Parts of the model').innerText()).toContain('Before the soft cap of ±');
      expect(await panel.locator('.why-parts .facts > div').count()).toBe(2);
      expect(await fact('Sum of the parts')).toBe(await fact('Logit difference'));
    } finally {
      server.close();
    }
  });
});

describe('pictures', () => {
  it.each([
    ['english', 20, 'en'],
    ['chinese', 8, 'zh-cn'],
    ['code', 12, 'en'],
  ] as const)('of why, on a text in %s', { timeout: 300_000 }, async (name, token, language) => {
    const server = await startHarness(await openBundled(TEXTS[name], `${name}.txt`));
    try {
      for (const [theme, width] of [
        ['dark', 480],
        ['light', 800],
        ['light', 1400],
      ] as const) {
        await browser.page.setViewportSize({ width, height: 1500 });
        await open(server, `theme=${theme}&language=${language}`, token);
        await browser.page.mouse.move(0, 0);
        await picture(`why-${name}-${language}-${theme}-${width}`);
      }
    } finally {
      server.close();
    }
  });
});
