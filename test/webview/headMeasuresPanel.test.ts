import type { FrameLocator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { headMapAt } from '../../src/core/headMeasures.ts';
import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { at } from '../../src/core/tensor.ts';
import type { QueryArgs } from '../../src/protocol/queries.ts';
import { shownNumber } from '../shownNumber.ts';
import { openBundled, type OpenPanel } from './family.ts';
import { startHarness, type HarnessServer } from './harness/server.ts';
import { panelPage } from './panelPage.ts';

const TEXT = 'When Mary and John went to the shop, John gave a bottle of milk to Mary.';
const page = panelPage();
const { picture, settled } = page;
let server: HarnessServer;
let opened: OpenPanel;
let panel: FrameLocator;

beforeAll(async () => {
  opened = await openBundled(TEXT, 'english.txt');
  server = await startHarness(opened);
});
afterAll(() => server?.close());

async function open(options = '', width = 900): Promise<void> {
  await page.browser.page.setViewportSize({ width, height: 1900 });
  await page.open(server, `family&alone&${options}`);
  ({ panel } = page);
  await panel.locator('#tab-attention').click();
  await settled();
}

const last = () => opened.shown.explanation.tokens.length - 1;
const card = () => panel.locator('.map-card');
const choose = async (index: number): Promise<void> => {
  await card().locator('.measure-choice .segment').nth(index).click();
  await settled();
};
/** Moves the lock of a map by keys and returns the number that is said of the cell it leads to. */
async function saidAfter(map: string, ...keys: readonly string[]): Promise<number> {
  const area = panel.getByRole('application', { name: map });
  for (const key of keys) await area.press(key);
  await settled();
  return shownNumber((await card().locator('.head-row [role="status"]:visible').innerText()).split(': ').at(-1) ?? '');
}
const lockOf = async (): Promise<{ readonly query: number; readonly key: number }> => {
  await expect
    .poll(async () => JSON.parse(await page.browser.page.evaluate(() => sessionStorage.getItem('state') ?? '{}')))
    .toMatchObject({
      view: { locked: { query: expect.any(Number) as number } },
    });
  const kept = JSON.parse(await page.browser.page.evaluate(() => sessionStorage.getItem('state') ?? '')) as {
    readonly view: { readonly locked: { readonly query: number; readonly key: number }; readonly layer: number; readonly head: number };
  };
  return kept.view.locked;
};
const headOf = async (): Promise<{ readonly layer: number; readonly head: number }> => {
  const [, layer, head] = /Layer (\d), head (\d)/.exec(await card().locator('h2').innerText()) ?? [];
  return { layer: Number(layer), head: Number(head) };
};
const close = (found: number, exact: number): void => expect(Math.abs(found - exact)).toBeLessThanOrEqual(6e-4 * Math.abs(exact) + 1e-9);
const MAP = 'What is measured of one head: rows are queries, columns are keys';
const run = () => runOf(opened.shown.explanation.run.ids, UNCHANGED);

describe('what is shown of a head', () => {
  it('is the length of what is taken, as the engine has it, and is kept', async () => {
    await open();
    await choose(1);
    expect(await card().locator('.measure-choice .caption').first().innerText()).toContain('Kobayashi');
    const said = await saidAfter(MAP, 'ArrowUp', 'ArrowLeft');
    const { query, key } = await lockOf();
    const map = await opened.remote.ask(run(), 'weightedValues', await headOf());
    close(said, headMapAt(map, query, key));
    await page.browser.page.reload();
    await panel.locator('.map-card .plot:visible').first().waitFor();
    await settled();
    expect(await card().locator('.measure-choice input').nth(1).isChecked()).toBe(true);
  });

  it('is the gradient by a weight times the weight, for the likeliest next token, or for what Why was asked', async () => {
    await open();
    await choose(2);
    const { topIds, topK } = opened.shown.explanation;
    const target = card().locator('.measure-target');
    expect(await target.innerText()).toContain(`(position ${last()})`);
    const place = await headOf();
    const slope = async (question: Omit<QueryArgs<'weightGradients'>, 'layer' | 'head'>) =>
      opened.remote.ask(run(), 'weightGradients', { ...question, ...place });
    await panel.locator('.strip-section .token').nth(12).click();
    await settled();
    const said = await saidAfter(MAP, 'ArrowLeft');
    const { query, key } = await lockOf();
    expect(query).toBe(12);
    close(said, headMapAt(await slope({ position: last(), token: at(topIds, last() * topK), rival: null }), query, key));
    await card().getByRole('button', { name: 'Ask about what follows the selected token' }).click();
    await settled();
    expect(await target.innerText()).toContain('(position 12)');
    const asked = (await page.posted()).findLast((message) => message.type === 'query' && message.query.name === 'weightGradients');
    const args = asked?.type === 'query' && asked.query.name === 'weightGradients' ? asked.query.args : expect.fail('Nothing was asked.');
    expect(args.position).toBe(12);
    expect(args.rival).not.toBe(null);
    const again = shownNumber((await card().locator('.head-row [role="status"]:visible').innerText()).split(': ').at(-1) ?? '');
    close(again, headMapAt(await slope(args), query, key));
    await card().getByRole('button', { name: 'Choose in Why' }).click();
    await settled();
    expect(await panel.locator('#tab-why').getAttribute('aria-selected')).toBe('true');
  });

  it('is what cutting each edge of one row changes, with the weights’ map above it', async () => {
    await open();
    await panel.locator('.strip-section .token').nth(6).click();
    await choose(3);
    await card().getByRole('button', { name: 'Cut each of 6 edges: one run each' }).click();
    await expect.poll(() => card().locator('.edge-card .facts').isVisible()).toBe(true);
    await expect.poll(() => card().locator('.edge-card .facts dd').nth(1).innerText()).toBe('6');
    await expect.poll(() => card().locator('.edge-card .progress').isVisible()).toBe(false);
    const place = await headOf();
    const { topIds, topK } = opened.shown.explanation;
    const question = { position: last(), token: at(topIds, last() * topK), rival: null, ...place, query: 6 };
    const changes: number[] = [];
    while (changes.length < 6) {
      const keys = [0, 1, 2, 3, 4, 5].slice(changes.length);
      changes.push(...(await opened.remote.ask(run(), 'edgeCuts', { ...question, keys })).changes);
    }
    const most = changes.reduce((largest, change) => (Math.abs(change) > Math.abs(largest) ? change : largest), 0);
    close(shownNumber(await card().locator('.edge-card .facts dd').nth(2).innerText()), most);
    const said = await saidAfter('Attention of one head: rows are queries, columns are keys', 'ArrowLeft', 'ArrowRight');
    const { query, key } = await lockOf();
    expect(query).toBe(6);
    close(said, at(changes, key));
    await panel.getByRole('button', { name: 'Unlock' }).click();
    // The first token has nothing to be cut from, and what comes after the prediction cannot change it.
    await panel.locator('.strip-section .token').first().click();
    await settled();
    expect(await card().locator('.edge-card .caption').first().innerText()).toContain('sees only itself');
  });

  it.each([
    [2, 'zh-cn', 'dark', 900],
    [3, 'zh-cn', 'light', 480],
  ])('looks right (%s, %s, %s, %s)', async (index, language, theme, width) => {
    await open(`theme=${theme}&language=${language}`, width);
    await panel.locator('.strip-section .token').nth(9).click();
    await choose(index);
    if (index === 3) {
      await card().locator('.edge-card .button.primary').click();
      await expect.poll(() => card().locator('.edge-card .facts dd').nth(1).innerText()).toBe('9');
    }
    await page.browser.page.mouse.move(0, 0);
    await picture(`head-measure-${index}-${language}-${theme}-${width}`);
  });
});
