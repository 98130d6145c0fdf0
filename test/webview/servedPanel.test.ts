import type { FrameLocator } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ExpertRouting } from '../../src/core/trace.ts';
import type { Query } from '../../src/protocol/queries.ts';
import type { Browser } from '../e2e/browser.ts';
import { openFamily, type FamilyPanel } from './family.ts';
import { startHarness, type HarnessServer } from './harness/server.ts';
import { panelPage } from './panelPage.ts';

// The bundled model's numbers, as an engine would return them: some alternatives, and nothing of the inside.
const page = panelPage();
const { picture, tab } = page;
let browser: Browser;
let panel: FrameLocator;
let server: HarnessServer;
beforeAll(async () => {
  ({ browser, panel } = page);
  server = await startHarness();
});
afterAll(() => server?.close());

/** Shows the fixture's text as read by an engine that returns five alternatives. */
async function showServed(listedAlone = false, address = 'http://gpu-box.example:8000'): Promise<void> {
  await browser.page.evaluate(
    ({ alone, at }) => {
      const shown = window.harness.fixture?.shown;
      if (shown === undefined) throw new Error('There is no fixture.');
      const { explanation } = shown;
      const { tokens, topK, topIds, topProbs } = explanation;
      const most = Math.min(5, topK);
      const rows = <T extends Int32Array | Float32Array>(from: T, to: T): T => {
        for (let i = 0; i < tokens.length; i++) to.set(from.subarray(i * topK, i * topK + most), i * most);
        return to;
      };
      const served = {
        engine: 'vllm',
        version: '0.11.0',
        address: at,
        readOnTheWay: true,
        alternatives: 20,
        requestEach: false,
        listedAlone: alone,
      };
      const model = { ...explanation.model, layers: 0, heads: 0, kvHeads: 0, headDim: 0, dim: 0, vocab: 0, parameters: 0, weightType: '' };
      window.harness.send({
        type: 'explanation',
        shown: {
          ...shown,
          serial: shown.serial + 1,
          explanation: {
            ...explanation,
            model: { ...model, name: 'Qwen/Qwen2.5-72B-Instruct', family: 'vllm', served },
            rank: explanation.rank.map((rank) => (rank > most ? 0 : rank)),
            entropy: explanation.entropy.map(() => NaN),
            topK: most,
            topIds: rows(topIds, new Int32Array(tokens.length * most)),
            topProbs: rows(topProbs, new Float32Array(tokens.length * most)),
            forwardMs: 412,
          },
        },
      });
      window.harness.send({ type: 'nearest', name: 'Qwen/Qwen2.5-0.5B' });
    },
    { alone: listedAlone, at: address },
  );
  await expect.poll(() => panel.locator('.model-name').innerText()).toBe('Qwen/Qwen2.5-72B-Instruct');
}

it('shows what an engine returned, and says of the rest that it was not', async () => {
  for (const [theme, width] of [
    ['light', 1400],
    ['dark', 480],
    ['dark', 800],
  ] as const) {
    await browser.page.setViewportSize({ width, height: 1000 });
    await page.open(server, `theme=${theme}`);
    await showServed();
    await expect.poll(() => panel.locator('.engine-address').innerText()).toBe('vllm 0.11.0 at http://gpu-box.example:8000');
    await tab('Tokens');
    const table = await panel.getByRole('tabpanel', { name: 'Tokens' }).innerText();
    expect(table).toMatch(/≥ \d/);
    expect(table).toMatch(/> 5/);
    expect(table).not.toMatch(/NaN|Infinity/);
    await picture(`served-tokens-${theme}-${width}`);
    await tab('Predictions');
    const predictions = panel.getByRole('tabpanel', { name: 'Predictions' });
    const rows = predictions.locator('.candidates tbody tr');
    expect(await rows.count()).toBeGreaterThanOrEqual(6);
    expect(await rows.last().innerText()).toContain('not returned');
    expect(await predictions.innerText()).not.toMatch(/NaN|Temperature\n|Logit lens/);
    await picture(`served-predictions-${theme}-${width}`);
    await tab('Attention');
    const inside = panel.getByRole('tabpanel', { name: 'Attention' });
    expect(await inside.innerText()).toContain('This engine does not return attention weights');
    expect(await inside.innerText()).toContain('Nearest to it on this machine: Qwen/Qwen2.5-0.5B.');
    await picture(`served-attention-${theme}-${width}`);
  }
  await panel.getByRole('button', { name: 'Read With a Model on This Machine…' }).click();
  expect((await page.posted()).at(-1)).toEqual({ type: 'command', name: 'readHere' });
  for (const name of ['Model', 'Embeddings', 'Positions', 'Forward pass', 'Why']) {
    await tab(name);
    expect(await panel.getByRole('tabpanel', { name }).innerText()).toContain('This engine does not return');
  }
  // A saved report does not tell where the engine is.
  await showServed(false, '');
  await expect.poll(() => panel.locator('.engine-address').innerText()).toBe('vllm 0.11.0');
  // A model here has its views again.
  await browser.page.evaluate(() => {
    const shown = window.harness.fixture?.shown;
    if (shown !== undefined) window.harness.send({ type: 'explanation', shown: { ...shown, serial: shown.serial + 2 } });
  });
  await expect.poll(() => panel.getByRole('tabpanel', { name: 'Why' }).innerText()).not.toContain('does not return');
});

it('writes on by the engine’s own sampling, a step at a time too, and takes an alternative in a token’s place', async () => {
  await page.open(server, 'theme=light');
  await showServed();
  await tab('Generate');
  // The test itself answers from here on.
  await browser.page.evaluate(() => {
    window.harness.fixture = undefined;
  });
  const asked = async (): Promise<unknown> => (await page.posted()).findLast(({ type }) => type === 'query');
  const write = async (name: string, texts: readonly string[]): Promise<void> => {
    const before = (await page.posted()).filter(({ type }) => type === 'query').length;
    await panel.getByRole('button', { name, exact: true }).click();
    await expect.poll(async () => (await page.posted()).filter(({ type }) => type === 'query').length).toBe(before + 1);
    await browser.page.evaluate((made) => {
      const last = window.harness.posted.findLast((message) => message.type === 'query');
      if (last?.type !== 'query') throw new Error('Nothing was asked.');
      const top = [
        { text: ' the', prob: 0.4 },
        { text: ' a', prob: 0.3 },
        { text: ' some', prob: 0.1 },
      ];
      const tokens = made.map((text) => ({ text, prob: top.find((each) => each.text === text)?.prob ?? 0.01, top }));
      const result = { text: made.join(''), tokens, end: 'length', ms: 80 };
      window.harness.send({ type: 'reply', id: last.id, serial: last.serial, result });
    }, texts);
  };
  await panel.getByRole('spinbutton', { name: 'Temperature' }).fill('1');
  await panel.getByRole('spinbutton', { name: 'Top-p' }).fill('0.6');
  await panel.getByRole('spinbutton', { name: 'Top-p' }).press('Tab');
  await write('Generate', [' the', ' a', ' cat\n']);
  expect(await asked()).toMatchObject({ query: { name: 'servedGeneration', args: { written: null, alternatives: 20 } } });
  const chips = panel.locator('.generated .token');
  await expect.poll(() => chips.count()).toBe(3);
  await chips.nth(1).click();
  const detail = panel.locator('.served-detail');
  // 0.4 and 0.3 hold 0.6 of the mass.
  expect(await detail.locator('tbody tr').allInnerTexts()).toEqual([
    expect.stringMatching(/the\s+40\.00%\s+57\.14%/),
    expect.stringMatching(/a\s+drawn\s+30\.00%\s+42\.86%/),
    expect.stringMatching(/some\s+10\.00%\s+removed/),
    expect.stringMatching(/not returned\s+20\.00%/),
  ]);
  expect(await panel.getByRole('tabpanel', { name: 'Generate' }).innerText()).toContain('The engine ended with: length.');
  for (const width of [1400, 800, 480]) {
    await browser.page.setViewportSize({ width, height: 900 });
    await picture(`served-generate-${width}`);
  }
  // A token from beyond them was drawn with something else.
  await chips.nth(2).click();
  expect(await detail.locator('tbody tr').allInnerTexts()).toContainEqual(expect.stringMatching(/cat.*\s+drawn\s+1\.00%$/));
  expect(await detail.innerText()).toContain('What was drawn with depends on more than was returned.');
  await chips.nth(0).click();
  await detail.getByRole('button', { name: /^Take .some instead$/ }).click();
  await expect.poll(() => chips.allInnerTexts()).toEqual([expect.stringMatching(/some$/)]);
  expect(await detail.locator('.badge').allInnerTexts()).toEqual(['drawn', 'taken']);
  await write('One Step', [' the']);
  expect(await asked()).toMatchObject({ query: { args: { written: ' some', tokens: 1 } } });
  await expect.poll(() => chips.allInnerTexts()).toEqual([expect.stringMatching(/some$/), expect.stringMatching(/the$/)]);
  await panel.getByRole('button', { name: 'Reset', exact: true }).click();
  await expect.poll(() => chips.count()).toBe(0);
});

it('says “at most” and “at least” where an engine tells its likeliest tokens alone', async () => {
  await browser.page.setViewportSize({ width: 800, height: 1000 });
  await page.open(server, 'theme=dark');
  await showServed(true);
  await tab('Tokens');
  const table = await panel.getByRole('tabpanel', { name: 'Tokens' }).innerText();
  expect(table).toMatch(/≤ \d/);
  expect(await panel.locator('header.header').innerText()).toMatch(/≥ \d+\.\d\d\s+bits\/token/);
  await picture('served-bounds-dark-800');
});

it('draws one text through many sizes', async () => {
  for (const [theme, width] of [
    ['light', 1400],
    ['dark', 480],
  ] as const) {
    await browser.page.setViewportSize({ width, height: 1400 });
    await page.open(server, `theme=${theme}`);
    await browser.page.evaluate(() => {
      const shown = window.harness.fixture?.shown;
      if (shown === undefined) throw new Error('There is no fixture.');
      const { tokens, logprob, rank, text } = shown.explanation;
      const sizes = [70, 160, 410, 1400].map((millions, index) => ({
        name: `EleutherAI/pythia-${millions}m`,
        family: 'gpt_neox',
        parameters: millions * 1e6,
        tokens,
        logprob: logprob.map((value, i) => value * ([1, 0.93, 0.85, 0.8][index] ?? 1) + (i % 7 === 3 ? -0.6 * index : 0)),
        rank: rank.map((value, i) => (i % 4 <= index ? 1 : value)),
      }));
      window.harness.send({ type: 'sizes', sizes: { with: shown.serial, text, models: sizes, notices: [] }, open: true });
    });
    const card = panel.locator('.compare-sizes');
    await expect.poll(() => card.locator('.sizes-table tbody tr').count()).toBe(4);
    await expect.poll(() => card.locator('.js-plotly-plot .scatterlayer .trace').count()).toBe(2);
    const text = await card.innerText();
    expect(text).toMatch(/bits\/byte = .* × parameters \^ −0\.\d+/);
    expect(text).toContain('Where the largest is worse than the smallest');
    expect(text).not.toMatch(/NaN/);
    await picture(`sizes-${theme}-${width}`);
  }
  await panel.getByRole('button', { name: 'Close the comparison of sizes' }).click();
  expect((await page.posted()).at(-1)).toEqual({ type: 'closeSizes' });
});

it('shows the experts and the last vectors where an engine returns them', async () => {
  const inside = await startHarness(await servedFamily());
  try {
    for (const [theme, width] of [
      ['light', 1400],
      ['dark', 800],
      ['dark', 480],
    ] as const) {
      await browser.page.setViewportSize({ width, height: 1000 });
      await page.open(inside, `family&theme=${theme}`);
      await tab('Experts');
      const experts = panel.getByRole('tabpanel', { name: 'Experts' });
      const text = await experts.innerText();
      expect(text).toContain('neither the weights of the experts nor how many there are');
      expect(text).toMatch(/≥ 8\s+experts/);
      expect(text).not.toMatch(/Dotted|Weights|NaN|null/);
      expect(await panel.locator('.chosen-experts li').allInnerTexts()).toEqual([
        expect.stringMatching(/^Expert \d$/),
        expect.stringMatching(/^Expert \d$/),
      ]);
      await picture(`served-experts-${theme}-${width}`);
      await tab('Embeddings');
      const vectors = panel.getByRole('tabpanel', { name: 'Embeddings' });
      expect(await vectors.innerText()).toContain('is sent the text once more');
      expect((await page.posted()).filter((message) => message.type === 'query' && message.query.name === 'projection')).toEqual([]);
      await picture(`served-vectors-before-${theme}-${width}`);
      await vectors.getByRole('button', { name: 'Ask for the Vectors' }).click();
      await page.settled();
      expect(await vectors.innerText()).toContain('After the final norm');
      expect(await vectors.getByRole('slider').count()).toBe(0);
      expect(await vectors.getByRole('radio', { name: 'Neighbours' }).count()).toBe(0);
      await picture(`served-vectors-${theme}-${width}`);
      await vectors.locator('.segment:visible', { hasText: 'Similarity' }).click();
      await page.settled();
      await picture(`served-similarity-${theme}-${width}`);
    }
    expect(await page.violations()).toEqual([]);
  } finally {
    inside.close();
  }
});

/** A tiny model with experts, as an engine that returns experts and vectors shows it. */
async function servedFamily(): Promise<FamilyPanel> {
  const { shown, answer } = await openFamily('deepseek_v3.1');
  const { explanation } = shown;
  const { layers } = explanation.model;
  const served = {
    engine: 'sglang',
    version: '0.5.14',
    address: 'http://localhost:30000',
    readOnTheWay: false,
    alternatives: 100,
    requestEach: false,
    listedAlone: false,
    routing: { layers: [1, 2], chosen: 2, least: 8 },
    hiddenStates: true,
  } as const;
  const { traits: _traits, ...model } = explanation.model;
  return {
    shown: { ...shown, explanation: { ...explanation, model: { ...model, layers: 0, heads: 0, dim: 0, vocab: 0, parameters: 0, served } } },
    answer: async (query) => {
      if (query.name === 'experts') return { ...((await answer(query)) as ExpertRouting), weights: null };
      if (query.name !== 'projection' && query.name !== 'similarity') throw new Error(`Nobody should ask for ${query.name}.`);
      return answer({ ...query, args: { ...query.args, layer: layers } } as Query);
    },
  };
}
