import type { FrameLocator } from 'playwright-core';
import { expect } from 'vitest';
import { HEAD_METRICS } from '../src/core/headMetrics.ts';
import type { OpenPanel } from './webview/family.ts';

/** A panel whose path is walked: the page alone in a browser, or in VS Code; in any language. */
export interface WalkedPanel {
  readonly frame: FrameLocator;
  /** The model and the text of the panel, read by this process. */
  readonly model: OpenPanel;
  /** The page's words for an English text. */
  readonly say: (english: string) => string;
  /** Waits until no view is busy. */
  readonly settled: () => Promise<void>;
}

/** Numbers that the sentence about what was found has to tell, each with the decimals of it. */
type Told = readonly (readonly [value: number, decimals: number])[];

/** A station: its name, and what finds what it asks for, by this process's own numbers. */
interface Station {
  readonly name: string;
  /** Looks at something else, where what is chosen happens to be what is asked for; a token is chosen where it is not told. */
  readonly elsewhere?: (walked: WalkedPanel) => Promise<void>;
  readonly find: (walked: WalkedPanel) => Promise<Told>;
}

const chip = ({ frame }: WalkedPanel, index: number) => frame.locator(`.strip .token[data-index="${index}"]`);
/** The numbers of a sentence. */
export const numbersIn = (sentence: string): readonly number[] =>
  [...sentence.matchAll(/\d+(?:\.\d+)?/g)].map(([digits]) => Number(digits));

/** The stations that this model and text are enough for, in their order. */
export const WALK: readonly Station[] = [
  {
    name: 'Tokens',
    find: async (walked) => {
      const { tokens, logprob } = walked.model.shown.explanation;
      const bits = tokens.map(({ special }, index) => (special || index === 0 ? -1 : -(logprob[index] ?? 0) / Math.LN2));
      await chip(walked, bits.indexOf(Math.max(...bits))).click();
      return [[Math.max(...bits), 1]];
    },
  },
  {
    name: 'Vectors',
    find: async (walked) => {
      const { tokens, run } = walked.model.shown.explanation;
      const { cosines } = await walked.model.remote.ask(run, 'similarity', { layer: -1, frame: 'centred' });
      let best = { row: -1, cosine: -1 };
      for (const [row, one] of tokens.entries())
        for (const [column, other] of tokens.entries()) {
          const cosine = cosines[row * tokens.length + column] ?? 0;
          if (one.id !== other.id && !one.special && !other.special && cosine > best.cosine) best = { row, cosine };
        }
      await chip(walked, best.row).click();
      return [[best.cosine, 2]];
    },
  },
  {
    name: 'Positions',
    find: async (walked) => {
      // The fastest pair turns by one radian a token: far apart it has turned by half a turn, whatever is selected first.
      const last = walked.model.shown.explanation.tokens.length - 1;
      await chip(walked, last).click();
      await walked.frame.locator('#panel-positions .walk-controls input').nth(2).fill('2');
      return [[(last - 2) / (2 * Math.PI), 2]];
    },
  },
  {
    name: 'Attention',
    find: async ({ frame, model }) => {
      const { explanation } = model.shown;
      const { layers, heads } = explanation.model;
      expect(numbersIn(await frame.locator('.map-card h2').innerText()).slice(0, 2)).toEqual([layers - 1, heads - 1]);
      let best = 0;
      for (let layer = 0; layer < layers; layer++) {
        const { metrics } = await model.remote.ask(explanation.run, 'heads', { layer });
        for (let head = 0; head < heads; head++)
          best = Math.max(best, metrics[head * HEAD_METRICS.length + HEAD_METRICS.indexOf('previous')] ?? 0);
      }
      await frame.locator('.best-head').first().click({ timeout: 120_000 });
      return [[100 * best, 0]];
    },
  },
  {
    name: 'Layers',
    elsewhere: ({ frame }) => frame.locator('.river-layer:not([aria-expanded="true"])').first().click(),
    find: async ({ frame, model }) => {
      const { explanation } = model.shown;
      const { layers } = explanation.model;
      const position = Number(await frame.locator('.strip .token[aria-selected="true"]').getAttribute('data-index'));
      const lens = await model.remote.ask(explanation.run, 'lens', { layer: 0, layers: layers + 1, position, positions: 1 });
      let decided = layers;
      while (decided > 1 && lens.topIds[decided - 1] === lens.topIds[layers]) decided--;
      await frame
        .locator('.river-layer')
        .nth(decided - 1)
        .click();
      return [[decided - 1, 0]];
    },
  },
  {
    name: 'Logits',
    find: async (walked) => {
      const { tokens, rank, logprob } = walked.model.shown.explanation;
      // Of a short text none may have come first.
      const ranks = tokens.map(({ special }, index) => (special || index === 0 ? Infinity : (rank[index] ?? Infinity)));
      const after = ranks.indexOf(Math.min(...ranks));
      await chip(walked, after - 1).click();
      return [[100 * Math.exp(logprob[after] ?? 0), 1]];
    },
  },
  {
    name: 'Sampling',
    find: async ({ frame }) => {
      const sliders = frame.locator('.sampling input[type="range"]');
      // Of the filters top-k alone: top-p may leave fewer.
      await sliders.nth(2).fill('1');
      await sliders.nth(1).fill('2');
      return [[3, 0]];
    },
  },
  {
    name: 'The loop',
    find: async (walked) => {
      const { frame, settled } = walked;
      await frame.locator('.generate-controls .card-head .number-input').fill('3');
      await frame.locator('.generate-controls .button.primary').first().click();
      await expect.poll(() => frame.locator('.generated .token').count()).toBe(3);
      await isNotFoundYet(walked, 'The loop');
      await frame.locator('.generated .token').nth(1).click();
      await settled();
      await frame.locator('.step-candidates button[data-id][aria-pressed="false"]').first().click();
      return [[2, 0]];
    },
  },
];

/** Expects to stand at a station whose task is not done. */
export async function isNotFoundYet({ frame, say, settled }: WalkedPanel, name: string): Promise<void> {
  await settled();
  const here = await frame.locator('.path-station[aria-current="step"]').innerText();
  const done = await frame.locator('.path-found strong, .path-task[data-done]').count();
  expect([here, done]).toEqual([expect.stringContaining(say(name)), 0]);
}

/** What the station says is found; goes on to the next one. */
export async function isFound({ frame, say, settled }: WalkedPanel): Promise<string> {
  const found = frame.locator('.path-found strong');
  await found.waitFor();
  await settled();
  expect(await found.innerText()).toBe(say('Found.'));
  const sentence = await frame.locator('.path-found').innerText();
  const next = frame.locator('.path-foot .button.primary');
  if ((await next.count()) > 0) await next.click();
  return sentence;
}

/** Walks the path from its first station to where other models are needed, and expects every number that it tells. */
export async function walkStations(walked: WalkedPanel): Promise<void> {
  const another = (): Promise<void> => walked.frame.locator('.strip .token:not([aria-selected="true"])').last().click();
  for (const { name, find, elsewhere = another } of WALK) {
    await isNotFoundYet(walked, name);
    if ((await walked.frame.locator('.path-found').count()) > 0) {
      await elsewhere(walked);
      await walked.settled();
    }
    const told = await find(walked);
    const sentence = await isFound(walked);
    for (const [value, decimals] of told)
      expect(
        numbersIn(sentence).some((number) => Math.abs(number - value) <= 0.51 * 10 ** -decimals),
        `${name}: ${sentence} does not tell ${value}`,
      ).toBe(true);
  }
}
