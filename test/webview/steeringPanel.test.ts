import { afterAll, beforeAll, expect, it } from 'vitest';
import { lengthOf } from '../../src/core/steering.ts';
import { percent } from '../../webview/parts/format.ts';
import { openBundled, type OpenPanel } from './family.ts';
import { startHarness, type HarnessServer } from './harness/server.ts';
import { panelPage } from './panelPage.ts';
import { unfold } from '../e2e/panel.ts';

const page = panelPage();
const { picture, settled } = page;
let opened: OpenPanel;
let server: HarnessServer;
beforeAll(async () => {
  opened = await openBundled('Once upon a time there was a', 'english.txt');
  server = await startHarness(opened);
});
afterAll(() => server?.close());

const POSITIVE = ['I love this place, it is wonderful', 'What a lovely and happy day'];
const NEGATIVE = ['I hate this place, it is terrible'];

it('steers by two tokens, keeps the vector by its name, steers by it again, and takes one of a file', { timeout: 300_000 }, async () => {
  await page.browser.page.setViewportSize({ width: 1400, height: 2600 });
  await page.open(server, 'family&alone&theme=dark&language=en');
  const { panel } = page;
  await panel.locator('#tab-why').click();
  await settled();
  const card = panel.getByRole('region', { name: 'Steering', exact: true });
  await unfold(card);
  const { run, model } = opened.shown.explanation;
  const written = () => card.locator('.steering-written').allTextContents();
  const trial = { strength: 0.5, on: 'all', count: 4, tokens: 24 } as const;
  const idOf = async (text: string): Promise<number> =>
    (await opened.remote.ask(run, 'readText', { text })).tokens.find(({ special }) => !special)?.id ?? -1;
  await card.locator('.segment', { hasText: 'Tokens' }).first().click();
  await card.getByLabel('Towards a token, with its space').fill('');
  await card.getByRole('button', { name: 'Try it' }).click();
  expect(await card.getByRole('alert').filter({ visible: true }).innerText()).toBe('A token is needed to steer towards.');
  await card.getByLabel('Towards a token, with its space').fill(' happy');
  await card.getByLabel('Added at the input of layer').selectOption('3');
  await card.getByRole('button', { name: 'Try it' }).click();
  await expect.poll(() => card.locator('.steering-result').isVisible(), { timeout: 200_000 }).toBe(true);
  const source = { kind: 'tokens', token: await idOf(' happy'), rival: await idOf(' sad') } as const;
  const expected = await opened.remote.ask(run, 'steer', { ...trial, source, layer: 3 });
  const texts = [expected.texts.before, expected.texts.steered, expected.texts.random];
  expect(await written()).toEqual(texts);
  await picture('steering-tokens-en-dark-1400');

  const name = card.getByLabel('Name of the vector');
  expect(await name.inputValue()).toBe('happy − sad');
  await name.fill('glad');
  await card.getByRole('button', { name: 'Save as a file…' }).click();
  const saved = (await page.posted()).findLast((message) => message.type === 'saveVector');
  const vector = saved?.type === 'saveVector' ? saved.vector : expect.fail('Nothing is saved.');
  expect({ ...vector, directions: [] }).toMatchObject({ name: 'glad', family: model.family });
  expect(vector.directions.map(({ layer, values }) => [layer, Float32Array.from(values)])).toEqual([[3, expected.directions[0]?.values]]);
  await card.getByRole('button', { name: 'Keep', exact: true }).click();
  await expect.poll(() => card.locator('.steering-source').innerText()).toContain('The unembedding’s row of “·happy” less that of “·sad”.');
  expect(await card.getByLabel('Added at the input of layer').isVisible()).toBe(false);
  await card.getByRole('button', { name: 'Try it' }).click();
  await expect.poll(() => card.locator('.facts').innerText(), { timeout: 200_000 }).toContain('Length of the vector');
  expect(await written()).toEqual(texts);
  await expect.poll(() => page.browser.page.evaluate(() => sessionStorage.getItem('state') ?? '')).toContain('"name":"glad"');

  await card.getByRole('button', { name: 'Open a file…' }).click();
  expect((await page.posted()).some((message) => message.type === 'openVector')).toBe(true);
  const narrow = { name: 'narrow', description: '', family: 'llama', directions: [{ layer: 2, values: [1, 2] }] };
  await page.browser.page.evaluate((vector) => window.harness.send({ type: 'vector', vector }), narrow);
  await expect
    .poll(() => card.getByLabel('Vector', { exact: true }).evaluate((list) => (list as HTMLSelectElement).selectedOptions[0]?.text))
    .toBe('narrow');
  await card.getByRole('button', { name: 'Try it' }).click();
  await expect
    .poll(async () => (await card.getByRole('alert').filter({ visible: true }).allInnerTexts()).join())
    .toContain(`narrow holds vectors of 2 numbers, and the model's residual has ${model.dim}.`);
  await card.getByRole('button', { name: 'Remove', exact: true }).click();
  await expect.poll(() => card.locator('.steering-source').innerText()).toContain('less that of “·sad”');
  await picture('steering-kept-en-dark-1400');
});

it('steers by two sets of texts, beside the model as it is and a random vector, and in every view', { timeout: 300_000 }, async () => {
  await page.browser.page.setViewportSize({ width: 1000, height: 2600 });
  await page.open(server, 'family&alone&theme=light&language=en');
  const { panel } = page;
  await panel.locator('#tab-why').click();
  await settled();
  const card = panel.getByRole('region', { name: 'Steering', exact: true });
  await unfold(card);
  const [towards, away] = [card.getByLabel('Towards: a text a line'), card.getByLabel('Away from: a text a line')];
  await towards.fill('');
  await card.getByRole('button', { name: 'Try it' }).click();
  expect(await card.getByRole('alert').innerText()).toBe('Each side needs at least one text.');
  await towards.fill(`${POSITIVE.join('\n\n')}\n`);
  await away.fill(NEGATIVE.join('\n'));
  await card.getByLabel('Added at the input of layer').selectOption('2');
  await card.getByRole('button', { name: 'Try it' }).press('Enter');
  await expect.poll(() => card.locator('.steering-result').isVisible(), { timeout: 200_000 }).toBe(true);
  const { run } = opened.shown.explanation;
  const question = {
    source: { kind: 'texts', positive: POSITIVE, negative: NEGATIVE, read: 'last' },
    layer: 2,
    strength: 0.5,
    on: 'all',
    count: 4,
    tokens: 24,
  } as const;
  const expected = await opened.remote.ask(run, 'steer', question);
  const [made] = expected.directions;
  expect([made?.layer, expected.directions.length]).toEqual([2, 1]);
  expect(lengthOf(made?.values ?? [])).toBeCloseTo(made?.residual ?? NaN, 3);
  expect(expected.bits).toBeGreaterThan(0.01);
  expect(await card.locator('.steering-written').allTextContents()).toEqual(
    [expected.texts.before, expected.texts.steered, expected.texts.random].map((text) => (text === '' ? '(ends at once)' : text)),
  );
  const rows = await card
    .locator('tbody tr')
    .evaluateAll((all) => all.map((row) => [...row.querySelectorAll('td')].map((cell) => cell.textContent)));
  expect(rows).toEqual(expected.candidates.map(({ before, steered, random }) => [before, steered, random].map((share) => percent(share))));
  // Greedy text begins with the likeliest token of its side.
  const best = expected.candidates.toSorted((a, b) => b.before - a.before)[0];
  expect(expected.texts.before.startsWith(best?.text ?? '?')).toBe(true);
  await picture('steering-en-light-1000');
  // The model as it is has no divergence above its text.
  const tops = await card.locator('.steering-written').evaluateAll((all) => all.map((one) => Math.round(one.getBoundingClientRect().top)));
  expect([tops.length, new Set(tops).size]).toEqual([3, 1]);
  await card.getByRole('button', { name: 'Steer in every view' }).click();
  await expect.poll(() => panel.locator('.recipe-band').innerText()).toContain('added at layer 2, × 0.5');
  const asked = (await page.posted()).findLast((message) => message.type === 'recipe');
  expect(asked?.type === 'recipe' ? asked.recipe.map(({ kind }) => kind) : []).toEqual(['steer']);
  await page.browser.page.setViewportSize({ width: 480, height: 3600 });
  await page.open(server, 'family&alone&theme=dark&language=zh-cn');
  await page.panel.locator('#tab-why').click();
  await settled();
  const chinese = page.panel.getByRole('region', { name: '引导', exact: true });
  await unfold(chinese);
  await chinese.getByRole('button', { name: '试一试' }).click();
  await expect.poll(() => chinese.locator('.steering-result').isVisible(), { timeout: 200_000 }).toBe(true);
  await picture('steering-zh-cn-dark-480');
  expect(await page.violations()).toEqual([]);
});
