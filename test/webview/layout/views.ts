import type { FrameLocator } from 'playwright-core';
import { expect } from 'vitest';
import type { HostMessage } from '../../../src/protocol/messages.ts';
import { unfold } from '../../e2e/panel.ts';

/** A view as a reader finds it, and how to get there in any language. */
export interface ShownView {
  readonly name: string;
  readonly open: (panel: FrameLocator) => Promise<void>;
}

export const settled = (panel: FrameLocator): Promise<void> => expect.poll(() => panel.locator('[aria-busy="true"]').count()).toBe(0);

/** Opens a tab, with all its details: what is folded cannot lie on anything. */
async function tab(panel: FrameLocator, name: string): Promise<void> {
  await panel.locator(`#tab-${name}`).click();
  await settled(panel);
  await unfold(panel);
  await settled(panel);
}

function vectors(name: string, place: number, more: (panel: FrameLocator) => Promise<void> = async () => undefined): ShownView {
  return {
    name: `embeddings, ${name}`,
    open: async (panel) => {
      await tab(panel, 'embeddings');
      await panel.locator('.embedding-views > .choice .segment').nth(place).click();
      await settled(panel);
      await more(panel);
      await settled(panel);
    },
  };
}

/** `step` counts from 0 along the map of steps. */
function forward(step: number, name: string): ShownView {
  return {
    name: `forward pass, ${name}`,
    open: async (panel) => {
      await tab(panel, 'forward');
      await panel.locator('.map-step').nth(step).click();
      await settled(panel);
      await unfold(panel);
      await settled(panel);
      const largest = panel.locator('.stages .stage-number:visible').first();
      if ((await largest.count()) > 0) await largest.click();
      await settled(panel);
    },
  };
}

async function told(panel: FrameLocator, message: HostMessage): Promise<void> {
  await panel.locator('body').evaluate((_, sent) => window.parent.harness.send(sent), message);
}

/** Three tokens, and another candidate of the second: two branches. */
async function generate(panel: FrameLocator): Promise<void> {
  await tab(panel, 'generate');
  const tokens = panel.locator('.generated .token');
  const limit = panel.locator('.generate-controls .card-head .number-input');
  const branches = (count: number): Promise<void> => expect.poll(() => panel.locator('.branch-list .branch').count()).toBe(count);
  await limit.fill('3');
  await limit.press('Enter');
  await panel.locator('.generate-controls .button.primary').first().click();
  await expect.poll(() => tokens.count()).toBe(3);
  await branches(1);
  await tokens.nth(1).click();
  await settled(panel);
  await panel.locator('.step-candidates button[data-id][aria-pressed="false"]').first().click();
  await branches(2);
  await unfold(panel);
  await settled(panel);
}

/** Every view of a dense model beside a second text. */
export const VIEWS: readonly ShownView[] = [
  {
    name: 'tokens, some of them, with the histogram',
    open: async (panel) => {
      await tab(panel, 'tokens');
      await panel.locator('.table-filter .text-input').last().fill('1');
    },
  },
  {
    name: 'attention, with the arithmetic of a cell',
    open: async (panel) => {
      await tab(panel, 'attention');
      if ((await panel.locator('.cell-card .step').count()) === 0) await panel.locator('.map-card .plot').first().press('ArrowLeft');
      await settled(panel);
    },
  },
  vectors('map', 0, (panel) => panel.locator('.embeddings-view .segment').nth(0).click()),
  vectors('map in 3D', 0, (panel) => panel.locator('.embeddings-view .segment').nth(1).click()),
  vectors('neighbours', 1),
  vectors('arithmetic', 2),
  vectors('words', 3),
  vectors('context in the text', 4),
  vectors('context in typed texts', 4, (panel) => panel.locator('.embedding-views > :not([hidden]) .segment').last().click()),
  vectors('similarity', 5),
  { name: 'positions', open: (panel) => tab(panel, 'positions') },
  {
    name: 'predictions',
    open: async (panel) => {
      await tab(panel, 'predictions');
      const sliders = panel.locator('.sampling input[type="range"]');
      await sliders.nth(0).fill('0.7');
      await sliders.nth(2).fill('0.9');
    },
  },
  forward(2, 'query, key and value'),
  forward(4, 'scores'),
  forward(13, 'MLP'),
  forward(16, 'through all layers'),
  forward(20, 'the draw'),
  {
    name: 'why, of a token late in the text',
    open: async (panel) => {
      await panel.locator('.strip-section .token').nth(40).click();
      await tab(panel, 'why');
      await panel.locator('.why-method .select').selectOption({ index: 2 });
      await panel.locator('.why-words .segment').last().click();
      await settled(panel);
    },
  },
  { name: 'generate, with branches', open: generate },
  { name: 'compare', open: (panel) => tab(panel, 'compare') },
  { name: 'work going on', open: (panel) => told(panel, { type: 'progress', message: 'Loading the model…', fraction: 0.4 }) },
  {
    name: 'an edited text and a failure',
    open: async (panel) => {
      await told(panel, { type: 'stale', tokens: [3, 4] });
      await told(panel, {
        type: 'failure',
        message:
          `/home/someone/models/${'a-folder-with-a-long-name-'.repeat(5)}/model-00001-of-00002.safetensors: the file ends ` +
          `before its last tensor does.`,
      });
      await panel.locator('.status .buttons').first().waitFor();
    },
  },
  { name: 'what if', open: changeModel },
];

/** Interventions, and the outcome of the experiment. Comes last: what is compared is not of this explanation. */
async function changeModel(panel: FrameLocator): Promise<void> {
  await tab(panel, 'why');
  const band = panel.locator('.recipe-band');
  const menus = panel.locator('.add-step');
  for (const [kind, count] of [
    [1, 1],
    [4, 2],
  ] as const) {
    await menus.locator('.select').first().selectOption(String(kind));
    await menus.locator('.button').click();
    await expect.poll(() => panel.locator('.recipe-item').count()).toBe(count);
    await expect.poll(() => band.innerText()).toContain(String(count));
    await settled(panel);
  }
  await menus.locator('.select').first().selectOption('3');
  await panel.locator('.copy-experiment .button.primary').click();
  await panel.locator('.copy-losses tbody tr').nth(9).waitFor({ timeout: 120_000 });
}

/** What only a model with experts and sinks has. */
export const EXPERT_VIEWS: readonly ShownView[] = [
  { name: 'experts', open: (panel) => tab(panel, 'experts') },
  { name: 'attention with sinks', open: (panel) => tab(panel, 'attention') },
  forward(14, 'experts'),
  { name: 'why', open: (panel) => tab(panel, 'why') },
];
