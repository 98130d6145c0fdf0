import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBundled } from './family.ts';
import { startHarness, type HarnessServer } from './harness/server.ts';
import { panelPage } from './panelPage.ts';

/** 你好 is one token, which is doubled: the second follows itself. Of the tokens that follow something else, only ·the is repeated. */
const TEXT = 'The keeper closed the door of the house. 你好你好，我们去公园。';
let server: HarnessServer;
const page = panelPage();

beforeAll(async () => {
  server = await startHarness(await openBundled(TEXT));
});
afterAll(() => server?.close());

async function openAttention(): Promise<void> {
  await page.browser.page.setViewportSize({ width: 900, height: 1200 });
  await page.open(server, 'family&alone');
  await page.tab('Attention');
}

describe('heads on repeated random tokens, in the panel', () => {
  it('are scored when asked for, shown by their own scores, and switched back to the text', async () => {
    await openAttention();
    const overview = page.panel.getByRole('region', { name: 'All heads' });
    expect(await overview.getByRole('radio', { name: 'Repeated random tokens' }).isVisible()).toBe(false);
    await overview.getByRole('button', { name: 'Score on repeated random tokens' }).click();
    expect(await overview.getByRole('progressbar').isVisible()).toBe(true);
    await expect.poll(() => overview.getByRole('radio', { name: 'Repeated random tokens' }).isChecked(), { timeout: 120_000 }).toBe(true);
    await expect.poll(() => overview.locator('.best-head').allInnerTexts()).toHaveLength(4);
    const best = (await overview.locator('.best-head').allInnerTexts()).map((text) => text.replace(/\s+/g, ' '));
    expect(best[0]).toMatch(/^Previous token L2 H5 0\.95 n = 792$/);
    expect(best[1]).toMatch(/^Induction L\d H\d 0\.7\d n = 400$/);
    expect(best[2]).toMatch(/^Duplicate token /);
    await overview.locator('.segment', { hasText: 'This text' }).click();
    await expect
      .poll(async () => (await overview.locator('.best-head').first().innerText()).replace(/\s+/g, ' '))
      .toMatch(/^Previous token L\d H\d .* n = \d\d$/);
    expect(await overview.getByRole('button', { name: 'Score on repeated random tokens' }).isVisible()).toBe(false);
  });

  it('can be cancelled, and asked for again', async () => {
    await openAttention();
    const overview = page.panel.getByRole('region', { name: 'All heads' });
    const start = overview.getByRole('button', { name: 'Score on repeated random tokens' });
    // The first answer waits, so that there is something to cancel.
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const ofScores = (url: URL): boolean => url.search.includes('repeatedHeads');
    await page.browser.page.route(ofScores, async (route) => {
      await held;
      await route.continue();
    });
    await start.click();
    await overview.getByRole('button', { name: 'Cancel' }).click();
    await expect.poll(() => start.isVisible()).toBe(true);
    release();
    await page.browser.page.unrouteAll({ behavior: 'wait' });
    expect(await overview.getByRole('progressbar').isVisible()).toBe(false);
    const asked = (await page.posted()).filter((message) => message.type === 'query' && message.query.name === 'repeatedHeads').length;
    expect(asked).toBe(1);
  });

  it('say of how many tokens a score is the mean, and grey those of too few', async () => {
    await openAttention();
    const few = page.panel.getByRole('region', { name: 'All heads' }).locator('.best-head.few');
    await expect.poll(() => few.allInnerTexts()).toHaveLength(1);
    expect((await few.innerText()).replace(/\s+/g, ' ')).toMatch(/^Induction .* n = 1$/);
  });
});

describe('the scale of surprisal', () => {
  it('is chosen beside the strip, told to the extension, and explained by its legend', async () => {
    await openAttention();
    const legend = page.panel.locator('.strip-footer .legends');
    await page.panel.locator('.strip-footer .segment', { hasText: 'Fixed bits' }).click();
    await expect.poll(() => legend.innerText()).toMatch(/< 1\s+≥ 1\s+≥ 3\s+≥ 6\s+≥ 10 bits/);
    expect((await page.posted()).filter((message) => message.type === 'surprisalScale')).toEqual([
      { type: 'surprisalScale', scale: 'bits' },
    ]);
    await page.panel.locator('.strip-footer .segment', { hasText: 'Beyond what was expected' }).click();
    await expect.poll(() => legend.innerText()).toMatch(/< −3\s+≥ −3\s+≥ −1\s+≥ \+1\s+≥ \+3 bits/);
  });
});
