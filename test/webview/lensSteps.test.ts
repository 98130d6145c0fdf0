import type { FrameLocator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { at } from '../../src/core/tensor.ts';
import { shownNumber } from '../shownNumber.ts';
import { openBundled, openFamily, type OpenPanel } from './family.ts';
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

async function open(of: HarnessServer, options = '', width = 1000): Promise<void> {
  await page.browser.page.setViewportSize({ width, height: 1900 });
  await page.open(of, `family&alone&${options}`);
  ({ panel } = page);
  await panel.locator('#tab-predictions').click();
  await settled();
}
const lens = () => panel.locator('.lens');
const rows = async (index: number): Promise<void> => {
  await lens().locator('.choice').first().locator('.segment').nth(index).click();
  await settled();
};
const cell = (row: number, position: number) => lens().locator(`.lens-column[data-position="${position}"] [data-layer="${row}"]`);
const shownAt = async (row: number, position: number): Promise<number> =>
  shownNumber(await cell(row, position).locator('.lens-number').innerText());

describe('the lens', () => {
  it('has attention and MLP apart, as the engine reads them, and the blocks’ rows stay what they are', async () => {
    await open(server);
    const { layers } = opened.shown.explanation.model;
    const before = await Promise.all(Array.from({ length: layers + 1 }, (_, block) => shownAt(block, 3)));
    await rows(1);
    expect(await lens().locator('.lens-layer').allInnerTexts()).toEqual([
      ...Array.from({ length: layers }, (_, back) => [`${layers - 1 - back} MLP`, `${layers - 1 - back} attn`]).flat(),
      'input',
    ]);
    expect(await Promise.all(before.map((_, block) => shownAt(2 * block, 3)))).toEqual(before);
    const place = { layer: 0, layers: 2 * layers + 1, position: 0, positions: 8 };
    const found = await opened.remote.ask(opened.shown.explanation.run, 'lensSteps', place);
    for (const row of [1, 5, 11]) expect(Math.abs((await shownAt(row, 3)) / 100 - at(found.topProbs, row * 8 + 3))).toBeLessThan(6e-5);
    await cell(5, 3).hover();
    expect(await panel.locator('.tooltip').innerText()).toContain('After attention of block 2');
    expect(await lens().getByText('read the same input').isVisible()).toBe(false);
  });

  it('shows what each step adds, in logits, with the token it raises and what it does to the next, and is kept', async () => {
    await open(server);
    await rows(2);
    const { layers } = opened.shown.explanation.model;
    const place = { layer: 0, layers: 2 * layers, position: 0, positions: 8 };
    const found = await opened.remote.ask(opened.shown.explanation.run, 'lensAdded', place);
    for (const row of [0, 7, 11]) expect(Math.abs((await shownAt(row, 4)) - at(found.raised, row * 8 + 4))).toBeLessThanOrEqual(0.0051);
    await cell(7, 4).hover();
    const tip = await panel.locator('.tooltip').innerText();
    expect(tip).toContain('Added by the MLP of block 3');
    expect(tip).toContain('Lowered most');
    await lens().locator('.toolbar .segment', { hasText: 'The next token' }).click();
    await settled();
    expect(Math.abs((await shownAt(7, 4)) - at(found.next, 7 * 8 + 4))).toBeLessThanOrEqual(0.0051);
    const [name, content] = await page.savedFrom(lens().getByRole('button', { name: /^Save: / }), 'Table (CSV)');
    expect(name).toBe('logit-lens-added.csv');
    const lines = content.trimEnd().split('\r\n');
    expect(lines[0]).toBe(
      'block,step,position,token,raised_id,raised_token,raised_logits,lowered_token,lowered_logits,next_token,next_rank,next_logits',
    );
    expect(lines).toHaveLength(1 + 2 * layers * opened.shown.explanation.tokens.length);
    await page.browser.page.reload();
    await panel.locator('.lens-cell[data-layer]').first().waitFor();
    expect(await lens().locator('.choice').first().locator('input').nth(2).isChecked()).toBe(true);
  });

  it('says what is what where a block’s steps run side by side, and why there is nothing where a norm follows', async () => {
    for (const [name, index, sentence] of [
      ['phi.1', 1, 'read the same input'],
      ['bloom.2', 2, 'a norm follows what a block adds'],
    ] as const) {
      const other = await startHarness(await openFamily(name));
      try {
        await open(other);
        await rows(index);
        await expect.poll(() => lens().getByText(sentence).isVisible()).toBe(true);
      } finally {
        other.close();
      }
    }
  });

  it.each([
    [1, 'zh-cn', 'dark', 480],
    [2, 'en', 'light', 1000],
  ])('looks right (%s, %s, %s, %s)', async (index, language, theme, width) => {
    await open(server, `theme=${theme}&language=${language}`, width);
    await rows(index);
    if (index === 2) await lens().locator('.toolbar .segment').nth(5).click();
    await settled();
    await lens().scrollIntoViewIfNeeded();
    await picture(`lens-steps-${index}-${language}-${theme}-${width}`);
  });
});
