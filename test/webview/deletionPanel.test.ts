import { afterAll, beforeAll, expect, it } from 'vitest';
import { ATTRIBUTION_METHODS } from '../../src/core/attribution.ts';
import { meanLogprob, mostImportantFirst, RANDOM_ORDERS, randomOrder } from '../../src/core/deletion.ts';
import { at } from '../../src/core/tensor.ts';
import { signedDecimal } from '../../webview/parts/format.ts';
import { shownNumber } from '../shownNumber.ts';
import { openBundled, type OpenPanel } from './family.ts';
import { startHarness, type HarnessServer } from './harness/server.ts';
import { panelPage } from './panelPage.ts';
import { unfold } from '../e2e/panel.ts';

const page = panelPage();
const { picture, settled } = page;
let opened: OpenPanel;
let server: HarnessServer;
beforeAll(async () => {
  opened = await openBundled('Lily gave Tom a ball. Lily', 'english.txt');
  server = await startHarness(opened);
});
afterAll(() => server?.close());

const COMPUTED = ['gradient-x-input', 'integrated-gradients', 'alti-logit', 'value-weighted', 'rollout'] as const;
const written = (value: number): string => signedDecimal(value, 3);

async function open(options: string, position: number): Promise<void> {
  await page.open(server, `family&alone&${options}`);
  await page.panel.locator('#tab-why').click();
  await page.panel.locator('.strip-section .token').nth(position).click();
  await settled();
}

it(
  'shows how the prediction fails by each method’s order beside random ones, as the engine measures it',
  { timeout: 300_000 },
  async () => {
    await page.browser.page.setViewportSize({ width: 800, height: 1800 });
    const { run, tokens } = opened.shown.explanation;
    const position = tokens.length - 1;
    await open('theme=light&language=en', position);
    const card = page.panel.getByRole('region', { name: 'Which method to believe here', exact: true });
    await unfold(card);
    /** One order is measured at a time, as often as this allows. */
    let allowed = 2;
    let allow = (): void => undefined;
    await page.browser.page.route('**/?query=*', async (route) => {
      const query = JSON.parse(new URL(route.request().url()).searchParams.get('query') ?? '') as { readonly name: string };
      if (query.name === 'deletion' && --allowed < 0) await new Promise<void>((resolve) => (allow = resolve));
      await route.continue();
    });
    await card.getByRole('button', { name: 'Measure the curves' }).press('Enter');
    await card.getByText(`2 of ${COMPUTED.length + RANDOM_ORDERS} orders measured`).waitFor();
    await card.getByRole('button', { name: 'Cancel' }).press('Enter');
    const goOn = card.getByRole('button', { name: 'Go on measuring' });
    await goOn.waitFor();
    expect(await goOn.evaluate((button) => button === document.activeElement)).toBe(true);
    const rows = card.locator('tbody tr');
    expect(await rows.count()).toBe(2);
    allowed = 100;
    await goOn.press('Enter');
    allow();
    await expect.poll(() => rows.count(), { timeout: 200_000 }).toBe(COMPUTED.length + 1);
    await expect.poll(() => goOn.isVisible()).toBe(false);
    await expect.poll(() => card.getByText('Mean of 3 random orders').count()).toBe(1);
    await page.browser.page.unroute('**/?query=*');

    const asked = (await page.posted()).findLast((message) => message.type === 'query' && message.query.name === 'direct');
    const args = asked?.type === 'query' && asked.query.name === 'direct' ? asked.query.args : expect.fail('Nothing was asked.');
    const curve = (order: readonly number[]) =>
      opened.remote.ask(run, 'deletion', { position, token: args.token, words: order.map((token) => [token]) });
    const cells = await rows.evaluateAll((all) => all.map((row) => [...row.querySelectorAll('th, td')].map((cell) => cell.textContent)));
    const shown = new Map(cells.map(([name = '', mean = '', there = '']) => [name.slice(1), [mean, there]]));
    const gradient = await opened.remote.ask(run, 'attribution', { position, token: args.token, rival: null, method: 'gradient-x-input' });
    const expected = await curve(mostImportantFirst(gradient.values.subarray(0, position)));
    const middle = Math.floor((expected.counts.length - 1) / 2);
    expect(shown.get('Gradient × input')).toEqual([written(meanLogprob(expected)), written(at(expected.logprob, middle))]);
    const random = [];
    for (let seed = 0; seed < RANDOM_ORDERS; seed++) random.push(meanLogprob(await curve(randomOrder(position, seed))));
    const mean = written(random.reduce((sum, value) => sum + value, 0) / RANDOM_ORDERS);
    const row = [...shown].find(([name]) => name.startsWith('Mean of 3'));
    expect(row?.[1][0]).toBe(mean);
    expect(row?.[0]).toContain(`(${written(Math.min(...random))} to ${written(Math.max(...random))})`);
    // The lowest comes first.
    const means = cells.map(([, value = '']) => shownNumber(value));
    expect(means).toEqual(means.toSorted((a, b) => a - b));

    const plot = card.getByRole('application');
    await plot.press('Home');
    await expect.poll(() => card.locator('thead').innerText()).toContain('Tokens hidden: 0');
    await plot.press('ArrowRight');
    await expect.poll(() => card.locator('thead').innerText()).toContain(`Tokens hidden: ${at(expected.counts, 1)}`);
    await expect
      .poll(() => page.panel.locator('[role="status"][aria-live]').innerText())
      .toContain(`Gradient × input ${written(at(expected.logprob, 1))}`);
    await card.scrollIntoViewIfNeeded();
    await picture('deletion-en-light-800');
    await page.browser.page.setViewportSize({ width: 1400, height: 1400 });
    await card.scrollIntoViewIfNeeded();
    await picture('deletion-en-light-1400');
  },
);

it(
  'takes the chosen method that leaves words out, by sentences, and is asked of several tokens together',
  { timeout: 300_000 },
  async () => {
    await page.browser.page.setViewportSize({ width: 480, height: 2400 });
    await open('theme=dark&language=zh-cn', opened.shown.explanation.tokens.length - 2);
    const words = page.panel.getByRole('region', { name: '文本中的词', exact: true });
    const card = page.panel.getByRole('region', { name: '此处该信哪种方法', exact: true });
    await unfold(card);
    await words.locator('.segment', { hasText: '句' }).click();
    await words.locator('.why-method select').selectOption({ index: ATTRIBUTION_METHODS.indexOf('hidden') });
    await card.getByRole('button', { name: '测量曲线' }).click();
    await expect.poll(() => card.locator('tbody tr').count(), { timeout: 200_000 }).toBe(COMPUTED.length + 2);
    // Those that save the figure and the table.
    await expect.poll(() => card.getByRole('button').filter({ visible: true }).count()).toBe(2);
    expect(await card.locator('tbody tr.own th').innerText()).toContain('逐个剔除：遮住');
    await card.scrollIntoViewIfNeeded();
    await picture('deletion-zh-cn-dark-480');
    await open('theme=dark&language=zh-cn', 3);
    await unfold(card);
    await words.locator('.why-method select').selectOption({ index: ATTRIBUTION_METHODS.indexOf('hidden') });
    await words.locator('.why-target select').selectOption({ index: 2 });
    await expect.poll(() => card.getByRole('button', { name: '测量曲线' }).isVisible()).toBe(true);
    await card.getByRole('button', { name: '测量曲线' }).click();
    // The two methods that have numbers for several tokens, and the one chosen; those that follow one position are not among them.
    await expect.poll(() => card.locator('tbody tr').count(), { timeout: 200_000 }).toBe(4);
    await expect.poll(() => card.getByText('3 种随机顺序').count()).toBe(1);
    await expect.poll(() => card.getByRole('button').filter({ visible: true }).count()).toBe(2);
    const { run } = opened.shown.explanation;
    const [position, end] = [3, 4];
    const gradient = await opened.remote.ask(run, 'spanAttribution', { position, end, method: 'gradient-x-input' });
    const whole = await opened.remote.ask(run, 'spanDeletion', {
      position,
      end,
      words: mostImportantFirst(gradient.values.subarray(0, end)).map((token) => [token]),
    });
    const own = card.locator('tbody tr', { hasText: '梯度 × 输入' });
    expect(await own.locator('td').first().innerText()).toBe(written(meanLogprob(whole)));
    await card.scrollIntoViewIfNeeded();
    await picture('deletion-span-zh-cn-dark-480');
    await page.browser.page.setViewportSize({ width: 1400, height: 1400 });
    await card.scrollIntoViewIfNeeded();
    await picture('deletion-span-zh-cn-dark-1400');
    expect(await page.violations()).toEqual([]);
  },
);
