// @vitest-environment happy-dom
import { beforeAll, describe, expect, it } from 'vitest';
import { positionTable, sinusoidalTable, type PositionView, type Rotation } from '../../src/core/positions.ts';
import { at } from '../../src/core/tensor.ts';
import {
  alibiFigure,
  angleAt,
  cosineFigure,
  distanceFigure,
  pairFigure,
  pairParts,
  tableFigure,
  tableGrid,
  turnFigure,
  turnGrid,
  wavelengthFigure,
} from '../../webview/figures/positionFigures.ts';
import { divergingColours, plotlyScale, readTheme, signedColours, type Theme } from '../../webview/theme.ts';
import { createDials } from '../../webview/views/positions/dials.ts';
import { angleText } from '../../webview/views/positions/positionTexts.ts';
import { openFamily } from './family.ts';

const theme = readTheme(() => '', 'dark');
const viewOf = async (name: string): Promise<PositionView> =>
  (await openFamily(name)).answer({ name: 'positions', args: { layer: 0, head: 1, query: 12, key: 5 } }) as Promise<PositionView>;
const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0);

describe.each(['llama', 'llama_yarn', 'phi.1', 'cohere.1', 'deepseek_v3.1', 'qwen3.1'])('rotary positions of %s', (name) => {
  let rotation: Rotation;
  beforeAll(async () => {
    const view = await viewOf(name);
    if (view.kind !== 'rotary') throw new Error(view.kind);
    rotation = view;
  });

  it('add up pair by pair to the product, before and after the rotation', () => {
    const { before, after, still } = pairParts(rotation);
    expect(sum(before) + still).toBeCloseTo(rotation.dotBefore, 3);
    expect(sum(after) + still).toBeCloseTo(rotation.dotAfter, 3);
    const figure = pairFigure({ before, after, still }, 1, 500, theme);
    expect(figure.data.map((trace) => trace['y'])).toEqual([[...before], [...after]]);
  });

  it('rotate every pair by its angle and keep its length', () => {
    const { pairs, frequencies, q, qRotated, query, attentionFactor } = rotation;
    for (let pair = 0; pair < frequencies.length; pair++) {
      const [a, b] = [at(pairs, 2 * pair), at(pairs, 2 * pair + 1)];
      const [before, after] = [Math.atan2(at(q, b), at(q, a)), Math.atan2(at(qRotated, b), at(qRotated, a))];
      const off = after - before - angleAt(at(frequencies, pair), query);
      expect(Math.cos(off)).toBeCloseTo(1, 5);
      expect(Math.hypot(at(qRotated, a), at(qRotated, b))).toBeCloseTo(Math.hypot(at(q, a), at(q, b)) * attentionFactor, 4);
    }
  });

  it('draw the score at every distance, the real one marked', () => {
    const [line, dot] = distanceFigure(rotation, 500, theme).data;
    const scores = line?.['y'] as readonly number[];
    expect(scores).toHaveLength(rotation.byDistance.length);
    expect(dot).toMatchObject({ x: [7], y: [scores[7]] });
    expect(scores[7]).toBeCloseTo(rotation.dotAfter * rotation.scale, 3);
  });

  it('draw wavelengths and rotations', () => {
    const waves = Array.from(rotation.frequencies, (frequency) => (2 * Math.PI) / frequency);
    expect(wavelengthFigure(waves, 40, 0, 500, theme).data[0]?.['y']).toEqual(waves);
    const grid = turnGrid(rotation.frequencies, 40);
    expect(grid[0]?.[0]).toBe(1);
    expect(turnFigure(grid, [5, 12], 0, 500, theme).data[0]).toMatchObject({ type: 'heatmap', zmin: -1, zmax: 1 });
  });

  it('have a dial for every pair, of which one is chosen', () => {
    const chosen: number[] = [];
    const dials = createDials((pair) => chosen.push(pair));
    dials.show(rotation, 1);
    const all = [...dials.root.querySelectorAll('[role="radio"]')];
    expect(all).toHaveLength(rotation.frequencies.length);
    expect(all.map((dial) => dial.getAttribute('aria-checked'))).toEqual(all.map((_, pair) => String(pair === 1)));
    expect(all[0]?.getAttribute('aria-label')).toMatch(/^Pair 0: query .+ rotated to .+, key .+ rotated to /);
    dials.root.dispatchEvent(new KeyboardEvent('keydown', { key: 'Home', bubbles: true }));
    expect(chosen).toEqual([0]);
  });
});

describe('other positions', () => {
  it('are rotated before a norm in Hunyuan: the score at the real distance is the model’s', async () => {
    const view = await viewOf('hunyuan_v1_dense.1');
    if (view.kind !== 'rotary') throw new Error(view.kind);
    expect(view.normed).toBe(true);
    expect(at(view.byDistance, 7)).toBeCloseTo(view.dotAfter, 4);
  });

  it('are tables with their cosines', async () => {
    const view = await viewOf('gpt2');
    if (view.kind !== 'learned') throw new Error(view.kind);
    const { table } = view;
    const grid = tableGrid(table.values, table.dimensions.length);
    expect(grid).toHaveLength(table.positions.length);
    expect(tableFigure(grid, table, 600, theme).data[0]?.['z']).toBe(grid);
    expect(cosineFigure(tableGrid(table.cosine, table.positions.length), table.positions, 600, theme).data[0]).toMatchObject({
      zmin: -1,
      zmax: 1,
    });
    expect(tableGrid(new Float32Array(0), 0)).toEqual([]);
  });

  it('are biases by distance, 0 at the query itself', async () => {
    const view = await viewOf('bloom.2');
    if (view.kind !== 'alibi') throw new Error(view.kind);
    const figure = alibiFigure(view.bias, view.slopes.length, view.query, 1, 500, theme);
    expect(figure.data).toHaveLength(view.slopes.length);
    const { x, y } = figure.data.at(-1) as unknown as { readonly x: readonly number[]; readonly y: readonly number[] };
    expect([x.at(-1), y.at(-1)]).toEqual([0, 0]);
    expect(y[0]).toBeCloseTo(-at(view.slopes, 1) * 12, 5);
  });

  it('are the formula’s, whatever its width and length', () => {
    for (const [count, dim] of [
      [2, 2],
      [128, 64],
      [512, 512],
    ] as const) {
      const positions = Int32Array.from({ length: count }, (_, position) => position);
      const table = positionTable(sinusoidalTable(positions, dim), positions, count, 512);
      expect(table.values).toHaveLength(count * dim);
      expect(at(table.cosine, 0)).toBeCloseTo(1, 6);
    }
  });

  it('have colours for both signs that meet in the background', () => {
    const scale = divergingColours(theme);
    expect(scale[(scale.length - 1) / 2]).toEqual(theme.background.map((channel) => expect.closeTo(channel, 6)));
    expect(divergingColours(theme)).toBe(scale);
  });

  it('give positive numbers the colour that they have everywhere', () => {
    const table = positionTable(sinusoidalTable(Int32Array.of(0, 1), 4), Int32Array.of(0, 1), 2, 512);
    const coloured: Theme = { ...theme, accent: [0, 90, 200], warm: [200, 90, 0] };
    const { data } = tableFigure(tableGrid(table.values, 4), table, 400, coloured);
    expect(data[0]).toMatchObject({ colorscale: plotlyScale(signedColours(coloured)) });
  });
});

it('an angle of more than a turn says how many, backwards too', () => {
  expect(angleText(1, 3)).toBe('3 × 1 = 3 rad = 171.9°');
  expect(angleText(1, 9)).toBe('9 × 1 = 9 rad = 1 × 360° + 155.7°');
  expect(angleText(-1, 9)).toBe('9 × −1 = −9 rad = −1 × 360° + −155.7°');
});
