// @vitest-environment happy-dom
import { render } from 'lit-html';
import { beforeAll, describe, expect, it } from 'vitest';
import { at } from '../../src/core/tensor.ts';
import type { AttentionCell, AttentionMap, AttentionPicture, ExpertRouting, LatentVector } from '../../src/core/trace.ts';
import type { QueryArgs, PageQueryName, QueryResult } from '../../src/protocol/queries.ts';
import { describeToken } from '../../webview/context.ts';
import { attentionMapFigure, attentionShades, sinkColumn, strongestWeight } from '../../webview/figures/attentionMap.ts';
import { attentionRowFigure } from '../../webview/figures/attentionRow.ts';
import {
  expertGrid,
  expertGridFigure,
  expertLayers,
  expertLoad,
  expertLoadFigure,
  expertsOf,
  largestWeight,
} from '../../webview/figures/expertGrid.ts';
import { summarise } from '../../webview/figures/summary.ts';
import { initialState, persisted, reduce } from '../../webview/state.ts';
import { readTheme } from '../../webview/theme.ts';
import { createTooltip } from '../../webview/parts/tooltip.ts';
import { cellSteps } from '../../webview/views/attention/cellSteps.ts';
import { latentTemplate } from '../../webview/views/attention/latent.ts';
import { layerNotes } from '../../webview/parts/layerNotes.ts';
import { FAMILY_TEXT, openFamily, type FamilyPanel } from './family.ts';

const theme = readTheme(() => '', 'dark');
const tooltip = createTooltip(document.body);
const T = FAMILY_TEXT.length;
const labels = Array.from(FAMILY_TEXT);
const ask = async <Name extends PageQueryName>({ answer }: FamilyPanel, name: Name, args: QueryArgs<Name>): Promise<QueryResult<Name>> =>
  answer({ name, args } as never);
const sum = (values: Iterable<number | null>): number => [...values].reduce<number>((total, value) => total + (value ?? 0), 0);
/** Name, formula and value of every step on the page. */
const steps = (cell: AttentionCell, { shown }: FamilyPanel): readonly (readonly [string, string, string])[] => {
  const holder = document.createElement('div');
  render(cellSteps(cell, shown.explanation, tooltip), holder);
  const text = (item: Element, name: string): string => item.querySelector(`.step-${name}`)?.textContent ?? '';
  return [...holder.querySelectorAll('.step')].map((item) => [text(item, 'name'), text(item, 'formula'), text(item, 'value')]);
};
const names = async (panel: FamilyPanel, layer: number, query: number, key: number): Promise<readonly string[]> =>
  steps(await ask(panel, 'attentionCell', { layer, head: 1, query, key }), panel).map(([name]) => name);

describe('a model with sinks, windows and experts (gpt_oss)', () => {
  let panel: FamilyPanel;
  let map: AttentionMap;
  let picture: AttentionPicture;
  beforeAll(async () => {
    panel = await openFamily('gpt_oss.1');
    map = await ask(panel, 'attention', { layer: 0, head: 1 });
    picture = await ask(panel, 'attentionPicture', { layer: 0, head: 1 });
  });

  it('shows the sink as a column left of the first token, with which rows sum to 1', async () => {
    const shades = attentionShades(picture, T, false, false);
    for (const [query, line] of shades.entries()) expect(at(line, 0)).toBe(at(map.sink ?? [], query));
    const figure = attentionMapFigure(
      shades,
      { labels, hideFirst: false, logScale: false, locked: null, selected: 4, width: 600, sink: true },
      theme,
    );
    expect(figure.data[0]?.['x0']).toBe(-1);
    expect(figure.layout['xaxis']).toMatchObject({
      range: [-1.5, T - 0.5],
      tickvals: expect.arrayContaining([-1]),
      ticktext: expect.arrayContaining(['sink']),
    });
    expect(sinkColumn(T, true)).toBe(0);
    expect(strongestWeight(picture, T, false, false)).toBe(Math.max(...map.weights, ...(map.sink ?? [])));
    const row = await ask(panel, 'attentionRow', { layer: 0, head: 1, query: 9 });
    expect([...row.weights]).toEqual([...map.weights.subarray(9 * T, 9 * T + 10)]);
    const bars = attentionRowFigure(row, { labels, key: 8, hideFirst: false, width: 600 }, theme).data[0] ?? {};
    expect((bars['x'] as number[])[0]).toBe(-1);
    expect(sum(bars['y'] as number[])).toBeCloseTo(1, 5);
  });

  it('tells the window and the sink as steps, with the share that the map shows', async () => {
    const cell = await ask(panel, 'attentionCell', { layer: 0, head: 1, query: 9, key: 8 });
    expect(steps(cell, panel).map(([name]) => name)).toEqual(['Score', 'Scale', 'Window', 'Exponential', 'Sink', 'Share']);
    expect(steps(cell, panel)[2]).toEqual(['Window', '9 − 8 < 5', 'kept']);
    expect(cell.sink?.weight).toBeCloseTo(at(map.sink ?? [], 9), 5);
    const far = await ask(panel, 'attentionCell', { layer: 0, head: 1, query: 9, key: 3 });
    expect(steps(far, panel)[2]).toEqual(['Window', '9 − 3 ≥ 5', '−∞']);
    expect(await names(panel, 1, 9, 3)).toEqual(['Score', 'Scale', 'Mask', 'Exponential', 'Sink', 'Share']);
  });

  it('says of a layer what sets it apart', () => {
    expect([0, 1].map((layer) => layerNotes(panel.shown.explanation.model, layer))).toEqual([['window 5'], []]);
  });
});

describe('other steps and notes', () => {
  it('are soft caps (gemma2), distances (bloom) and layers without positions (smollm3)', async () => {
    const capped = await openFamily('gemma2.3');
    const seen = await names(capped, 0, 9, 8);
    expect(seen.slice(0, 3)).toEqual(['Score', 'Scale', 'Soft cap']);
    const alibi = await openFamily('bloom.2');
    expect(await names(alibi, 0, 9, 2)).toEqual(['Score', 'Scale', 'Distance', 'Mask', 'Exponential', 'Share']);
    const smol = (await openFamily('smollm3.1')).shown.explanation.model;
    const bare = smol.traits?.layers.flatMap(({ ropeTheta }, layer) => (ropeTheta === null ? [layer] : [])) ?? [];
    expect(bare.length).toBeGreaterThan(0);
    for (let layer = 0; layer < smol.layers; layer++) expect(layerNotes(smol, layer).includes('no positions')).toBe(bare.includes(layer));
  });
});

describe('a model with experts (mixtral)', () => {
  let panel: FamilyPanel;
  let routing: ExpertRouting;
  beforeAll(async () => {
    panel = await openFamily('mixtral.1');
    routing = await ask(panel, 'experts', { layer: 1 });
  });

  it('routes every token to as many experts as the model says, with weights that sum to 1', () => {
    const traits = panel.shown.explanation.model.traits?.layers[1]?.experts;
    expect([routing.count, routing.chosen]).toEqual([traits?.count, traits?.chosen]);
    const grid = expertGrid(routing);
    expect(grid).toHaveLength(T);
    for (const [token, line] of grid.entries()) {
      expect(line.filter((weight) => weight !== null)).toHaveLength(routing.chosen);
      expect(sum(line)).toBeCloseTo(1, 5);
      const [first, second] = expertsOf(routing, token);
      expect(first?.weight).toBeGreaterThanOrEqual(second?.weight ?? Infinity);
      expect(line[first?.expert ?? -1]).toBe(first?.weight);
    }
    expect(largestWeight(grid)).toBe(Math.max(...(routing.weights ?? [])));
  });

  it('counts the load of every expert', () => {
    const load = expertLoad(routing);
    expect(load).toHaveLength(routing.count);
    expect(sum(load)).toBeCloseTo(routing.chosen, 9);
    expect(load[2]).toBeCloseTo(routing.ids.filter((id) => id === 2).length / T, 9);
    const figure = expertLoadFigure(load, routing.chosen, 400, theme);
    expect(figure.data[0]?.['y']).toEqual([...load]);
  });

  it('draws tokens as rows and experts as columns', () => {
    const figure = expertGridFigure(expertGrid(routing), { labels, selected: 3, width: 400, isWeighted: true }, theme);
    expect(figure.layout['xaxis']).toMatchObject({ range: [-0.5, routing.count - 0.5] });
    expect(figure.layout['yaxis']).toMatchObject({ range: [T - 0.5, -0.5] });
  });

  it('without weights, as engines return it, tells where each token was sent and no even spread', () => {
    const bare = { ...routing, weights: null };
    const grid = expertGrid(bare);
    expect(grid.map((line) => line.map((sent) => sent !== null))).toEqual(
      expertGrid(routing).map((line) => line.map((sent) => sent !== null)),
    );
    expect(new Set(grid.flat())).toEqual(new Set([null, 1]));
    const first = expertsOf(bare, 0);
    expect(first.map(({ weight }) => weight)).toEqual([null, null]);
    expect(first.map(({ expert }) => expert)).toEqual([...routing.ids.subarray(0, 2)].sort((a, b) => a - b));
    expect(expertLoadFigure(expertLoad(bare), null, 400, theme).layout['shapes']).toEqual([]);
  });

  it('has a tab of its own, which a model without experts leaves', async () => {
    const state = reduce(initialState(theme, undefined), { type: 'host', message: { type: 'explanation', shown: panel.shown } });
    const open = reduce(state, { type: 'settings', change: { tab: 'experts', expertLayer: 1 } });
    expect([open.settings.tab, open.settings.expertLayer]).toEqual(['experts', 1]);
    const plain = await openFamily('bloom.2');
    expect(expertLayers(plain.shown.explanation.model)).toEqual([]);
    const left = reduce(open, { type: 'host', message: { type: 'explanation', shown: plain.shown } });
    expect([left.settings.tab, left.settings.expertLayer]).toEqual(['tokens', 0]);
    await expect(ask(plain, 'experts', { layer: 0 })).rejects.toThrow('no experts');
  });
});

describe('a model with latent attention (deepseek_v3)', () => {
  it('shows what is kept of a token in place of keys and values', async () => {
    const panel = await openFamily('deepseek_v3.1');
    const { traits } = panel.shown.explanation.model;
    const latent: LatentVector = await ask(panel, 'latent', { layer: 1, token: 4 });
    expect(latent.compressed).toHaveLength(traits?.latentRank ?? -1);
    expect(latent.full).toBeGreaterThan(latent.compressed.length + latent.sharedKey.length);
    const strip = document.createElement('div');
    render(latentTemplate(latent, 'c', tooltip), strip);
    expect(strip.querySelectorAll('.product')).toHaveLength(latent.compressed.length);
    expect(strip.querySelector('.caption')?.textContent).toContain(
      `${latent.compressed.length + latent.sharedKey.length} kept in place of ${latent.full}`,
    );
    await expect(ask(await openFamily('bloom.2'), 'latent', { layer: 0, token: 0 })).rejects.toThrow('no latent attention');
  });
});

describe('a model with a chat template', () => {
  it('reads the text as a message where asked; the template’s tokens are added ones', async () => {
    const { explanation } = (await openFamily('mixtral.1', true)).shown;
    expect([explanation.chat, explanation.model.chatTemplate, explanation.text]).toEqual([true, true, FAMILY_TEXT]);
    expect(explanation.tokens.map(({ special }) => special)).toEqual([true, ...labels.map(() => false), true]);
    expect(describeToken(explanation, 0).rows).toContainEqual(['Kind', 'added by the chat template']);
    const state = reduce(initialState(theme, undefined), {
      type: 'host',
      message: {
        type: 'explanation',
        shown: { serial: 1, source: { uri: 'a:b', start: 0, end: T, label: 'b' }, explanation, notices: [] },
      },
    });
    expect(persisted(state)?.chat).toBe(true);
    const own = explanation.tokens.filter(({ special }) => !special).map(({ index }) => -at(explanation.logprob, index) / Math.LN2);
    expect(summarise(explanation, 'en').bitsPerByte).toBeCloseTo(sum(own) / T, 9);
    const plain = (await openFamily('mixtral.1', false)).shown.explanation;
    expect([plain.chat, plain.model.chatTemplate, plain.tokens.length]).toEqual([undefined, true, T]);
    expect((await openFamily('mixtral.1')).shown.explanation.model.chatTemplate).toBeUndefined();
  });
});
