import { describe, expect, it } from 'vitest';
import { at } from '../../src/core/tensor.ts';
import type { AttentionMap, AttentionPicture, AttentionRow, Distribution, Projection } from '../../src/core/trace.ts';
import { attentionMapFigure, attentionShades, blockSide, cellAt, cellShade, strongestWeight } from '../../webview/figures/attentionMap.ts';
import { attentionRowFigure } from '../../webview/figures/attentionRow.ts';
import { candidates } from '../../webview/figures/candidates.ts';
import { labelled, labelStep, type Figure } from '../../webview/figures/figure.ts';
import { bestHead, headAt, headMetric, metricShare, overviewGrid, strongestKey } from '../../webview/figures/heads.ts';
import { lensShare, lensValue, visibleColumns } from '../../webview/figures/lensGrid.ts';
import { placeLabels, placeTokens, projectionFigure, turned } from '../../webview/figures/projectionPlot.ts';
import { summarise } from '../../webview/figures/summary.ts';
import { rankBucket, tokenColour, tokenShare } from '../../webview/figures/tokenColour.ts';
import { INITIAL_SETTINGS } from '../../webview/settings.ts';
import { readTheme } from '../../webview/theme.ts';
import { readFixture } from './readFixture.ts';

const { shown, answer } = readFixture();
const { explanation } = shown;
const theme = readTheme(() => '', 'dark');
const T = explanation.tokens.length;
const labels = explanation.tokens.map((token) => token.text);
const trace = (figure: Figure, index = 0): Readonly<Record<string, unknown>> => figure.data[index] ?? {};

describe('attention map', () => {
  const { weights } = answer({ name: 'attention', layer: 2, head: 5 }) as AttentionMap;
  const picture = answer({ name: 'attentionPicture', layer: 2, head: 5 }) as AttentionPicture;
  const row = answer({ name: 'attentionRow', layer: 2, head: 5, query: 9 }) as AttentionRow;
  const shades = attentionShades(picture, T, false, false);
  /** A byte a weight tells colours apart, no more. */
  const STEP = 0.008;
  const view = { labels, hideFirst: false, logScale: false, locked: null, selected: 4, width: 600 };

  it('has queries as rows, keys as columns, and nothing in the future', () => {
    const z = trace(attentionMapFigure(shades, view, theme))['z'] as readonly Float32Array[];
    expect(z).toHaveLength(T);
    for (let query = 0; query < T; query++) {
      for (let key = 0; key < T; key++) {
        const shade = at(z[query] ?? [], key);
        if (key > query) expect(shade).toBeNaN();
        else expect(Math.abs(shade - at(weights, query * T + key))).toBeLessThan(STEP);
      }
    }
  });

  it('hides the first column and scales the colours to what is left', () => {
    const figure = attentionMapFigure(attentionShades(picture, T, true, false), { ...view, hideFirst: true }, theme);
    const z = trace(figure)['z'] as readonly Float32Array[];
    expect(Math.abs(at(z[3] ?? [], 0) - at(weights, 3 * T + 1))).toBeLessThan(STEP);
    expect(trace(figure)['x0']).toBe(1);
    const strongest = Math.max(...weights.filter((_, index) => index % T > 0));
    expect(strongestWeight(picture, T, true, false)).toBe(strongest);
    expect(Math.abs(Number(trace(figure)['zmax']) - strongest)).toBeLessThan(STEP);
  });

  it.each([false, true])('shows the strongest weight of each square where cells are smaller than pixels, and finds it again; first column hidden: %s', (hideFirst) => {
    const block = 3;
    const first = hideFirst ? 1 : 0;
    const figure = attentionMapFigure(attentionShades(picture, T, hideFirst, false, block), { ...view, hideFirst, block }, theme);
    const z = trace(figure)['z'] as readonly Float32Array[];
    const { x0, dx, y0, dy } = trace(figure) as Record<string, number>;
    expect(z).toHaveLength(Math.ceil(T / block));
    for (const [i, row] of z.entries()) {
      expect(row).toHaveLength(Math.ceil((T - first) / block));
      for (const [j, shade] of row.entries()) {
        let strongest = -1;
        for (let query = i * block; query < Math.min(T, (i + 1) * block); query++) {
          for (let key = first + j * block; key < Math.min(query + 1, first + (j + 1) * block); key++) strongest = Math.max(strongest, at(weights, query * T + key));
        }
        const cell = cellAt(picture, T, hideFirst, block, { x: Number(x0) + j * Number(dx), y: Number(y0) + i * Number(dy) });
        if (strongest < 0) {
          expect(shade).toBeNaN();
          expect(cell.key).toBeGreaterThan(cell.query);
        } else {
          expect(Math.abs(shade - strongest)).toBeLessThan(STEP);
          expect(Math.floor(cell.query / block)).toBe(i);
          expect(Math.floor((cell.key - first) / block)).toBe(j);
          expect(Math.abs(at(weights, cell.query * T + cell.key) - strongest)).toBeLessThan(STEP);
        }
      }
    }
  });

  it('gives every token a pixel where there is room, and a square of tokens one where there is not', () => {
    expect([blockSide({}, 256, 600, 1), blockSide({}, 1024, 600, 1), blockSide({}, 1024, 480, 1), blockSide({}, 1024, 600, 2), blockSide({}, 1024, 0, 1)]).toEqual([1, 2, 3, 1, 1]);
    expect(blockSide({ sink: new Float32Array(1024) }, 1024, 600, 1)).toBe(1);
  });

  it('maps weights to the logarithmic scale from 1e-4 to 1', () => {
    expect(cellShade(1, true)).toBe(1);
    expect(cellShade(1e-2, true)).toBeCloseTo(0.5, 9);
    expect(cellShade(0, true)).toBeCloseTo(0, 9);
  });

  it('marks the locked cell', () => {
    const shapes = attentionMapFigure(shades, { ...view, locked: { query: 9, key: 8 } }, theme).layout['shapes'] as { x0: number; y0: number }[];
    expect(shapes).toHaveLength(3);
    expect(shapes[2]).toMatchObject({ x0: 7.5, x1: 8.5, y0: 8.5, y1: 9.5 });
  });

  it('is square and thins its labels, keeping the selected token', () => {
    const figure = attentionMapFigure(shades, { ...view, width: 300, selected: 33 }, theme);
    const { tickvals, range } = figure.layout['yaxis'] as { tickvals: number[]; range: number[] };
    expect(tickvals).toContain(33);
    expect(tickvals.length).toBeLessThan(20);
    expect(range).toEqual([T - 0.5, -0.5]);
    expect(figure.height).toBe(300 - 92 - 8 + 8 + 84);
  });

  it('draws one query’s row as bars over its keys', () => {
    const bars = trace(attentionRowFigure(row, { labels, key: 8, hideFirst: false, width: 600 }, theme));
    expect(bars['x']).toEqual(Array.from({ length: 10 }, (_, key) => key));
    expect(bars['y']).toEqual([...weights.subarray(9 * T, 9 * T + 10)]);
  });

  it('finds the strongest key', () => {
    expect(strongestKey(row, false)).toBe(row.weights.indexOf(Math.max(...row.weights)));
    expect(strongestKey({ query: 0, weights: Float32Array.of(1) }, true)).toBe(0);
  });
});

describe('labels', () => {
  it('are thinned by 1, 2, 5, 10, …', () => {
    expect([labelStep(10, 200, 14), labelStep(54, 500, 14), labelStep(512, 500, 14), labelStep(1024, 500, 14)]).toEqual([1, 2, 20, 50]);
  });
  it('always include those asked for, without crowding them', () => {
    expect(labelled(20, 5, [6])).toEqual([0, 6, 10, 15]);
    expect(labelled(4, 1, [2, 9])).toEqual([0, 1, 2, 3]);
  });
});

describe('heads', () => {
  it('are found by their metric', () => {
    for (const [metric, extreme] of [['previous', Math.max], ['induction', Math.max], ['entropy', Math.min]] as const) {
      const best = bestHead(explanation, metric);
      expect(best?.value, metric).toBe(extreme(...Array.from({ length: 48 }, (_, i) => headMetric(explanation, Math.floor(i / 8), i % 8, metric))));
      expect(headMetric(explanation, best?.layer ?? -1, best?.head ?? -1, metric), metric).toBe(best?.value);
    }
  });
  it('have no best where the text defines none', () => {
    expect(bestHead({ ...explanation, headMetrics: explanation.headMetrics.map(() => Number.NaN) }, 'induction')).toBeUndefined();
  });
  it('measure entropy against an even spread', () => {
    expect(metricShare(3, 'entropy', 64)).toBe(0.5);
    expect(metricShare(0.25, 'previous', 64)).toBe(0.25);
    expect(metricShare(Number.NaN, 'induction', 64)).toBe(0);
  });
  it('are hit where they are drawn', () => {
    const grid = overviewGrid(6, 8, 480);
    expect(grid.width).toBeLessThanOrEqual(480);
    for (const [layer, head] of [[0, 0], [5, 7], [3, 2]] as const) {
      const x = grid.left + head * (grid.cell + grid.gap) + grid.cell / 2;
      const y = grid.top + layer * (grid.cell + grid.caption + grid.gap) + grid.cell / 2;
      expect(headAt(grid, x, y, 6, 8)).toEqual({ layer, head });
    }
    expect(headAt(grid, 5, 5, 6, 8)).toBeUndefined();
  });
});

describe('projection', () => {
  const projection = answer({ name: 'projection', layer: 3, skipFirst: true }) as Projection;
  const view = { labels, selected: 5, dimensions: 2 as const, yaw: 0.6, pitch: 0.4, width: 640, height: 448, axisTitles: ['a', 'b', 'c'] as const };

  it('draws every token but the one left out, at its own coordinates', () => {
    const placed = placeTokens(projection, view);
    expect(placed.map((point) => point.index)).toEqual(Array.from({ length: T - 1 }, (_, i) => i + 1));
    expect([placed[4]?.x, placed[4]?.y]).toEqual([at(projection.points, 15), at(projection.points, 16)]);
    const points = trace(projectionFigure(projection, view, theme));
    expect(points['customdata']).toHaveLength(T - 1);
  });

  it('turns without changing lengths; a quarter turn brings the third component to the right', () => {
    const [x, y, depth] = turned(1, 2, 3, 0.7, -0.3);
    expect(Math.hypot(x, y, depth)).toBeCloseTo(Math.hypot(1, 2, 3), 12);
    const [across, up, toReader] = turned(0, 0, 1, Math.PI / 2, 0);
    expect([across, up, toReader].map((value) => Math.round(value * 1e9) / 1e9)).toEqual([1, 0, 0]);
  });

  it('has equal units on both axes in 3D', () => {
    const { layout, width, height } = projectionFigure(projection, { ...view, dimensions: 3 }, theme);
    const [x, y] = [layout['xaxis'], layout['yaxis']].map((axis) => (axis as { range: number[] }).range);
    expect(((x?.[1] ?? 0) - (x?.[0] ?? 0)) / (width - 32)).toBeCloseTo(((y?.[1] ?? 0) - (y?.[0] ?? 0)) / (height - 32), 9);
  });

  it('labels the selected token always, and twins in one place once', () => {
    const placed = placeTokens(projection, view);
    const named = placeLabels(placed, 5, labels, { x: 3, y: 2 }, 11);
    expect(named.has(5)).toBe(true);
    expect(placeLabels([{ index: 0, x: 0, y: 0, depth: 0 }, { index: 1, x: 0.1, y: 0, depth: 0 }], 0, ['same', 'same'], { x: 1, y: 1 }, 11).size).toBe(1);
  });
});

describe('token strip', () => {
  it('has no colour where nothing predicted the token', () => {
    expect(tokenColour(explanation, 0, 'surprisal', theme)).toBeUndefined();
    expect(tokenColour(explanation, 1, 'surprisal', theme)).toBeDefined();
  });
  it('measures surprisal and entropy against a blind guess, probability as it is', () => {
    const logprob = at(explanation.logprob, 4);
    expect(tokenShare(explanation, 4, 'surprisal')).toBeCloseTo(-logprob / Math.LN2 / 14, 6);
    expect(tokenShare(explanation, 4, 'entropy')).toBeCloseTo(at(explanation.entropy, 4) / 14, 6);
    expect(tokenShare(explanation, 4, 'probability')).toBeCloseTo(Math.exp(logprob), 9);
  });
  it('puts ranks into the buckets of GLTR', () => {
    expect([1, 2, 10, 11, 100, 101, 1000, 1001, 16384].map(rankBucket)).toEqual([0, 1, 1, 2, 2, 3, 3, 4, 4]);
  });
});

it('summarises the text', () => {
  const summary = summarise(explanation, 'en');
  expect(summary.tokens).toBe(54);
  expect(summary.bytes).toBe(new TextEncoder().encode(explanation.text).length);
  const bits = [...explanation.logprob].slice(1).map((value) => -value / Math.LN2);
  expect(summary.bitsPerToken).toBeCloseTo(bits.reduce((sum, value) => sum + value, 0) / 53, 9);
  expect(summary.bitsPerByte).toBeCloseTo(bits.reduce((sum, value) => sum + value, 0) / summary.bytes, 9);
});

describe('candidates', () => {
  const distribution = answer({ name: 'distribution', position: 20 }) as Distribution;
  const actual = explanation.tokens[21]?.id;

  it('agree with PyTorch at temperature 1 without filters', () => {
    const { rows } = candidates(distribution, INITIAL_SETTINGS, actual, explanation.topK);
    for (let k = 0; k < explanation.topK; k++) {
      expect(rows[k]?.id).toBe(explanation.topIds[20 * explanation.topK + k]);
      expect(rows[k]?.before).toBeCloseTo(explanation.topProbs[20 * explanation.topK + k] ?? -1, 4);
    }
  });

  it('keep the model’s own probability beside that of another temperature', () => {
    for (const temperature of [0, 0.5, 2]) {
      const [first] = candidates(distribution, { ...INITIAL_SETTINGS, temperature }, actual, 1).rows;
      expect(first?.before).toBeCloseTo(explanation.topProbs[20 * explanation.topK] ?? -1, 4);
      expect(Math.sign((first?.after ?? 0) - (first?.before ?? 0)), `${temperature}`).toBe(temperature < 1 ? 1 : -1);
    }
  });

  it('always show the token that follows', () => {
    const { rows } = candidates(distribution, INITIAL_SETTINGS, actual, 1);
    expect(rows.map((row) => row.actual)).toEqual(rows.length === 1 ? [true] : [false, true]);
  });

  it('say what a filter took away', () => {
    const { rows, sampled } = candidates(distribution, { ...INITIAL_SETTINGS, topK: 3 }, undefined, 5);
    expect(rows.map((row) => row.kept)).toEqual([true, true, true, false, false]);
    expect(rows.reduce((sum, row) => sum + row.after, 0)).toBeCloseTo(1, 5);
    expect(sampled.keptCount).toBe(3);
  });
});

describe('logit lens', () => {
  const layers = Array.from({ length: 7 }, (_, layer) => answer({ name: 'lens', layer })) as Parameters<typeof lensValue>[0][];
  it('agrees at its last layer with the prediction itself', () => {
    const last = layers[6];
    if (last === undefined) throw new Error('no last layer');
    for (let position = 0; position < T; position++) {
      expect(lensValue(last, position, 'kl')).toBeCloseTo(0, 5);
      expect(lensValue(last, position, 'probability')).toBeCloseTo(explanation.topProbs[position * explanation.topK] ?? -1, 5);
      if (position + 1 < T) expect(lensValue(last, position, 'rank')).toBe(explanation.rank[position + 1]);
    }
    expect(lensValue(last, T - 1, 'rank')).toBeNaN();
  });
  it('is strong where the prediction is good', () => {
    const [first] = layers;
    if (first === undefined) throw new Error('no first layer');
    for (const mode of ['probability', 'rank', 'entropy', 'kl'] as const) {
      const share = lensShare(first, 3, mode, 16384);
      expect(share).toBeGreaterThanOrEqual(0);
      expect(share).toBeLessThanOrEqual(1);
    }
  });
  it('draws only the columns in sight', () => {
    expect(visibleColumns(0, 500, 92, 512)).toEqual([0, 10]);
    expect(visibleColumns(9200, 500, 92, 512)).toEqual([96, 110]);
    expect(visibleColumns(46500, 500, 92, 512)).toEqual([501, 512]);
  });
});
