import { afterAll, beforeAll, expect, it } from 'vitest';
import { lengthOf } from '../../src/core/steering.ts';
import { percent } from '../../webview/parts/format.ts';
import { openBundled, type OpenPanel } from './family.ts';
import { startHarness, type HarnessServer } from './harness/server.ts';
import { panelPage } from './panelPage.ts';

const page = panelPage();
const { picture, settled } = page;
let opened: OpenPanel;
let server: HarnessServer;
beforeAll(async () => {
  opened = await openBundled('Once upon a time there was a', 'english.txt');
  server = await startHarness(opened);
});
afterAll(() => server.close());

const POSITIVE = ['I love this place, it is wonderful', 'What a lovely and happy day'];
const NEGATIVE = ['I hate this place, it is terrible'];

it('steers by two sets of texts, beside the model as it is and a random vector, and in every view', { timeout: 120_000 }, async () => {
  await page.browser.page.setViewportSize({ width: 1000, height: 2600 });
  await page.open(server, 'family&alone&theme=light&language=en');
  const { panel } = page;
  await panel.locator('#tab-why').click();
  await settled();
  const card = panel.getByRole('region', { name: 'Steering', exact: true });
  const [towards, away] = [card.getByLabel('Towards: a text a line'), card.getByLabel('Away from: a text a line')];
  await towards.fill('');
  await card.getByRole('button', { name: 'Try it' }).click();
  expect(await card.getByRole('alert').innerText()).toBe('Each side needs at least one text.');
  await towards.fill(`${POSITIVE.join('\n\n')}\n`);
  await away.fill(NEGATIVE.join('\n'));
  await card.getByLabel('Added at the input of layer').selectOption('2');
  await card.getByRole('button', { name: 'Try it' }).press('Enter');
  await expect.poll(() => card.locator('.steering-result').isVisible(), { timeout: 60_000 }).toBe(true);
  const { run } = opened.shown.explanation;
  const question = {
    positive: POSITIVE,
    negative: NEGATIVE,
    read: 'last',
    layer: 2,
    strength: 0.5,
    on: 'all',
    count: 4,
    tokens: 24,
  } as const;
  const expected = await opened.remote.ask(run, 'steer', question);
  expect(lengthOf(expected.direction)).toBeCloseTo(expected.residual, 3);
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
  await card.getByRole('button', { name: 'Steer in every view' }).click();
  await expect.poll(() => panel.locator('.recipe-band').innerText()).toContain('added at layer 2, × 0.5');
  const asked = (await page.posted()).findLast((message) => message.type === 'recipe');
  expect(asked?.type === 'recipe' ? asked.recipe.map(({ kind }) => kind) : []).toEqual(['steer']);
  await page.browser.page.setViewportSize({ width: 480, height: 3600 });
  await page.open(server, 'family&alone&theme=dark&language=zh-cn');
  await page.panel.locator('#tab-why').click();
  await settled();
  const chinese = page.panel.getByRole('region', { name: '引导', exact: true });
  await chinese.getByRole('button', { name: '试一试' }).click();
  await expect.poll(() => chinese.locator('.steering-result').isVisible(), { timeout: 60_000 }).toBe(true);
  await picture('steering-zh-cn-dark-480');
  expect(await page.violations()).toEqual([]);
});
