import { strongestKey } from '../../src/core/attentionRows.ts';
import { describe, expect, it } from 'vitest';
import { at } from '../../src/core/tensor.ts';
import type {
  AttentionMap,
  AttentionPicture,
  AttentionRow,
  Distribution,
  HeadSummaries,
  LensWindow,
  Projection,
} from '../../src/core/trace.ts';
import { attentionMapFigure, attentionShades, cellAt, cellShade, strongestWeight } from '../../webview/figures/attentionMap.ts';
import { blockSide, farthestAt, pairMapFigure, pooledRows, type PairNumbers } from '../../webview/figures/squareMap.ts';
import { attentionRowFigure, namedBars } from '../../webview/figures/attentionRow.ts';
import { candidates } from '../../webview/figures/candidates.ts';
import { columnAxes, stacked } from '../../webview/figures/columnLabels.ts';
import { labelled, labelStep, type Figure } from '../../webview/figures/figure.ts';
import {
  bestHead,
  headAt,
  headNumber,
  headsOfRepeated,
  headsOfText,
  isFew,
  metricShare,
  overviewGrid,
  withLayers,
} from '../../webview/figures/heads.ts';
import { cellOf, createLensGrid, lensPieces, lensShare, lensValue, visibleColumns, type LensCell } from '../../webview/figures/lensGrid.ts';
import { lensTable } from '../../webview/figures/lensTable.ts';
import { placeLabels, placeTokens, projectionFigure, turned } from '../../webview/figures/projectionPlot.ts';
import { sizesFigure } from '../../webview/figures/sizesFigure.ts';
import { summarise } from '../../webview/figures/summary.ts';
import { rankBucket, tokenColour, tokenShare } from '../../webview/figures/tokenColour.ts';
import { INITIAL_SETTINGS } from '../../webview/viewSettings.ts';
import { readTheme } from '../../webview/theme.ts';
import { readFixture } from './readFixture.ts';

const { shown, answer } = readFixture();
const { explanation } = shown;
const theme = readTheme(() => '', 'dark');
const T = explanation.tokens.length;
const heads = answer({ name: 'heads', args: { layer: 0 } }) as HeadSummaries;
const labels = explanation.tokens.map((token) => token.text);
const trace = (figure: Figure, index = 0): Readonly<Record<string, unknown>> => figure.data[index] ?? {};

describe('attention map', () => {
  const { weights } = answer({ name: 'attention', args: { layer: 2, head: 5 } }) as AttentionMap;
  const picture = answer({ name: 'attentionPicture', args: { layer: 2, head: 5 } }) as AttentionPicture;
  const row = answer({ name: 'attentionRow', args: { layer: 2, head: 5, query: 9 } }) as AttentionRow;
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

  it.each([false, true])(
    'shows the strongest weight of each square where cells are smaller than pixels, and finds it again; first column hidden: %s',
    (hideFirst) => {
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
            for (let key = first + j * block; key < Math.min(query + 1, first + (j + 1) * block); key++)
              strongest = Math.max(strongest, at(weights, query * T + key));
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
    },
  );

  it('gives every token a pixel where there is room, and a square of tokens one where there is not', () => {
    expect([
      blockSide(256, 600, 1),
      blockSide(1024, 600, 1),
      blockSide(1024, 480, 1),
      blockSide(1024, 600, 2),
      blockSide(1024, 0, 1),
    ]).toEqual([1, 3, 3, 2, 1]);
    expect(blockSide(700, 600, 1)).toBe(2);
  });

  it('maps weights to the logarithmic scale from 1e-4 to 1', () => {
    expect(cellShade(1, true)).toBe(1);
    expect(cellShade(1e-2, true)).toBeCloseTo(0.5, 9);
    expect(cellShade(0, true)).toBeCloseTo(0, 9);
  });

  it('marks the locked cell', () => {
    const shapes = attentionMapFigure(shades, { ...view, locked: { query: 9, key: 8 } }, theme).layout['shapes'] as {
      x0: number;
      y0: number;
    }[];
    expect(shapes).toHaveLength(3);
    expect(shapes[2]).toMatchObject({ x0: 7.5, x1: 8.5, y0: 8.5, y1: 9.5 });
  });

  it('is square and thins its labels, keeping the selected token', () => {
    const figure = attentionMapFigure(shades, { ...view, width: 300, selected: 33 }, theme);
    const { tickvals, range } = figure.layout['yaxis'] as { tickvals: number[]; range: number[] };
    expect(tickvals).toContain(33);
    expect(tickvals.length).toBeLessThan(20);
    expect(range).toEqual([T - 0.5, -0.5]);
    const margin = figure.layout['margin'] as { b: number };
    expect(figure.height).toBe(300 - 92 - 8 + 8 + margin.b);
    // Short names need little room below the map, long ones are cut.
    const named = (name: string): number =>
      (attentionMapFigure(shades, { ...view, width: 300, labels: view.labels.map(() => name) }, theme).layout['margin'] as { b: number }).b;
    expect(named('a')).toBeLessThan(24);
    expect(named('a'.repeat(30))).toBe(named('a'.repeat(10)));
    expect(named('天气')).toBeGreaterThan(named('a') + 10);
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

describe('names under columns', () => {
  it('turn letters, and set East Asian characters upright, one below the other', () => {
    const names = ['Ġthe', '你好', 'of', '一二三四五六', '，'];
    const { layout, data } = columnAxes({ range: [-0.5, 4.5], places: [0, 1, 2, 3, 4], text: (column) => names[column] ?? '' }, theme);
    expect(layout.xaxis).toMatchObject({ tickvals: [0, 2], ticktext: ['Ġthe', 'of'], tickangle: -90 });
    expect(layout.xaxis2).toMatchObject({
      tickvals: [1, 3, 4],
      ticktext: ['你<br>好', '一<br>二<br>三<br>四<br>⋮', '，'],
      tickangle: 0,
      range: [-0.5, 4.5],
    });
    expect(data).toHaveLength(1);
    expect(columnAxes({ range: [-0.5, 0.5], places: [0], text: () => 'the' }, theme).layout.xaxis2).toBeUndefined();
  });
  it('are text, never markup', () => {
    expect(stacked('<b')).toBe('&lt;<br>b');
  });
  it('are given to the foremost bars first, as many as do not touch', () => {
    expect(namedBars([5, 0, 9, 1], (bar) => ({ middle: bar * 10, half: 6 }), [])).toEqual([5, 0, 9]);
    expect(namedBars([5, 0], (bar) => ({ middle: bar * 10, half: 6 }), [{ middle: 3, half: 10 }])).toEqual([5]);
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
  const numbers = headsOfText(explanation, withLayers(null, explanation.model, heads));
  it('are found by their metric', () => {
    for (const [metric, extreme] of [
      ['previous', Math.max],
      ['induction', Math.max],
      ['entropy', Math.min],
    ] as const) {
      const best = bestHead(numbers, metric);
      expect(best?.value, metric).toBe(
        extreme(...Array.from({ length: 48 }, (_, i) => headNumber(numbers, Math.floor(i / 8), i % 8, metric))),
      );
      expect(headNumber(numbers, best?.layer ?? -1, best?.head ?? -1, metric), metric).toBe(best?.value);
    }
  });
  it('are not known before they are measured', () => {
    const none = headsOfText(explanation, null);
    expect([none.known, headNumber(none, 0, 0, 'previous'), bestHead(none, 'previous')]).toEqual([0, Number.NaN, undefined]);
    expect(none.samples).toEqual(numbers.samples);
  });
  it('have no best where the text defines none', () => {
    expect(bestHead({ ...numbers, values: numbers.values.map(() => Number.NaN) }, 'induction')).toBeUndefined();
  });
  it('say of how many queries their numbers are the mean, and which are too few', () => {
    expect([numbers.samples.previous, numbers.samples.entropy]).toEqual([T - 1, T]);
    expect([
      isFew(numbers, 'previous'),
      isFew({ samples: { induction: 4 } }, 'induction'),
      isFew({ samples: { induction: 5 } }, 'induction'),
    ]).toEqual([false, true, false]);
  });
  it('are measured on repeated random tokens by the scores of these', () => {
    const scores = Float32Array.from({ length: 48 * 4 }, (_, index) => index);
    const repeated = headsOfRepeated(explanation, {
      sequence: 0,
      tokens: 50,
      begins: true,
      scores,
      firstBits: 1,
      secondBits: 1,
      thumbnailSize: 2,
      thumbnails: new Uint8Array(48 * 4),
    });
    expect(headNumber(repeated, 1, 2, 'duplicate')).toBe((8 + 2) * 4 + 2);
    expect([repeated.samples.induction, repeated.samples.previous]).toEqual([400, 792]);
    expect(bestHead(repeated, 'first')).toMatchObject({ layer: 5, head: 7 });
  });
  it('measure entropy against an even spread', () => {
    expect(metricShare(3, 'entropy', 64)).toBe(0.5);
    expect(metricShare(0.25, 'previous', 64)).toBe(0.25);
    expect(metricShare(Number.NaN, 'induction', 64)).toBe(0);
  });
  it('are hit where they are drawn', () => {
    const grid = overviewGrid(6, 8, 480);
    expect(grid.width).toBeLessThanOrEqual(480);
    for (const [layer, head] of [
      [0, 0],
      [5, 7],
      [3, 2],
    ] as const) {
      const x = grid.left + head * (grid.cell + grid.gap) + grid.cell / 2;
      const y = grid.top + layer * (grid.cell + grid.caption + grid.gap) + grid.cell / 2;
      expect(headAt(grid, x, y, 6, 8)).toEqual({ layer, head });
    }
    expect(headAt(grid, 5, 5, 6, 8)).toBeUndefined();
  });
});

describe('projection', () => {
  const projection = answer({ name: 'projection', args: { layer: 3, skipFirst: true } }) as Projection;
  const view = {
    labels,
    selected: 5,
    dimensions: 2 as const,
    yaw: 0.6,
    pitch: 0.4,
    width: 640,
    height: 448,
    axisTitles: ['a', 'b', 'c'] as const,
  };

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

  it('names the axes of 3D past their ends, where no token is, or where that is too narrow, above and below the lines', () => {
    const placesAt = (width: number): unknown[] =>
      projectionFigure(projection, { ...view, width, dimensions: 3, axisTitles: ['1 · 44.2%', '2 · 5.26%', '3 · 4.33%'] }, theme)
        .data.slice(0, 3)
        .map((axis) => (axis as { textposition: unknown }).textposition);
    expect(placesAt(800)).toEqual(['middle right', 'top center', 'middle right']);
    expect(placesAt(340)).toEqual(['top left', 'top center', 'middle right']);
  });

  it.each([
    [640, 448],
    [480, 320],
    [1300, 560],
  ])('has equal units on both axes in 2D, with every token inside, at %i x %i', (width, height) => {
    const { layout } = projectionFigure(projection, { ...view, width, height }, theme);
    const [x = [0, 0], y = [0, 0]] = [layout['xaxis'], layout['yaxis']].map((axis) => (axis as { range: number[] }).range);
    const margin = layout['margin'] as { l: number; r: number; t: number; b: number };
    const units = [
      ((x[1] ?? 0) - (x[0] ?? 0)) / (width - margin.l - margin.r),
      ((y[1] ?? 0) - (y[0] ?? 0)) / (height - margin.t - margin.b),
    ] as const;
    expect(units[0] / units[1]).toBeCloseTo(1, 9);
    expect(layout['yaxis']).toMatchObject({ scaleanchor: 'x', scaleratio: 1 });
    for (const token of placeTokens(projection, view))
      expect([token.x > (x[0] ?? 0), token.x < (x[1] ?? 0), token.y > (y[0] ?? 0), token.y < (y[1] ?? 0)]).toEqual([
        true,
        true,
        true,
        true,
      ]);
  });

  it('labels the selected token always, and twins in one place once', () => {
    const placed = placeTokens(projection, view);
    const named = placeLabels(placed, 5, labels, { x: 3, y: 2 }, 11);
    expect(named.has(5)).toBe(true);
    expect(
      placeLabels(
        [
          { index: 0, x: 0, y: 0, depth: 0 },
          { index: 1, x: 0.1, y: 0, depth: 0 },
        ],
        0,
        ['same', 'same'],
        { x: 1, y: 1 },
        11,
      ).size,
    ).toBe(1);
  });
});

describe('token strip', () => {
  it('has no colour where nothing predicted the token', () => {
    expect(tokenColour(explanation, 0, 'surprisal', theme, 'quantile')).toBeUndefined();
    expect(tokenColour(explanation, 1, 'surprisal', theme, 'quantile')).toBeDefined();
  });
  it('measures surprisal by the levels of the editor, entropy against a blind guess, probability as it is', () => {
    const logprob = at(explanation.logprob, 4);
    const bits = -logprob / Math.LN2;
    expect(tokenShare(explanation, 4, 'surprisal', 'bits')).toBe([1, 3, 6, 10].filter((step) => bits >= step).length / 4);
    expect(tokenShare(explanation, 4, 'entropy', 'bits')).toBeCloseTo(at(explanation.entropy, 4) / 14, 6);
    expect(tokenShare(explanation, 4, 'probability', 'bits')).toBeCloseTo(Math.exp(logprob), 9);
  });
  it('puts ranks into the buckets of GLTR', () => {
    expect([1, 2, 10, 11, 100, 101, 1000, 1001, 16384].map(rankBucket)).toEqual([0, 1, 1, 2, 2, 3, 3, 4, 4]);
  });
});

it('summarises the text', () => {
  const summary = summarise(explanation, 'en');
  expect([summary.own, summary.added]).toEqual([53, 1]);
  expect(summary.bytes).toBe(new TextEncoder().encode(explanation.text).length);
  const bits = [...explanation.logprob].slice(1).map((value) => -value / Math.LN2);
  expect(summary.bitsPerToken).toBeCloseTo(bits.reduce((sum, value) => sum + value, 0) / 53, 9);
  expect(summary.bitsPerByte).toBeCloseTo(bits.reduce((sum, value) => sum + value, 0) / summary.bytes, 9);
});

describe('candidates', () => {
  const distribution = answer({ name: 'distribution', args: { position: 20 } }) as Distribution;
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
  const grid = createLensGrid(7, T);
  for (const piece of lensPieces({ layer: 0, layerEnd: 7, position: 0, positionEnd: T }, 7, T))
    grid.put(answer({ name: 'lens', args: piece }) as LensWindow);
  const lensAt = (layer: number, position: number): LensCell =>
    grid.cell(layer, position) ?? expect.fail(`no cell in layer ${layer} at position ${position}`);

  it('agrees at its last layer with the prediction itself', () => {
    for (let position = 0; position < T; position++) {
      const last = lensAt(6, position);
      expect(lensValue(last, 'kl')).toBeCloseTo(0, 5);
      expect(lensValue(last, 'probability')).toBeCloseTo(explanation.topProbs[position * explanation.topK] ?? -1, 5);
      if (position + 1 < T) expect(lensValue(last, 'rank')).toBe(explanation.rank[position + 1]);
    }
    expect(lensValue(lensAt(6, T - 1), 'rank')).toBeNaN();
  });
  it('is strong where the prediction is good', () => {
    for (const mode of ['probability', 'rank', 'entropy', 'kl'] as const) {
      const share = lensShare(lensAt(0, 3), mode, 16384);
      expect(share).toBeGreaterThanOrEqual(0);
      expect(share).toBeLessThanOrEqual(1);
    }
  });
  it('is read in pieces, the last layers first, that lie at the same places whatever is in sight', () => {
    expect(lensPieces({ layer: 5, layerEnd: 13, position: 10, positionEnd: 20 }, 13, 21)).toEqual([
      { layer: 8, layers: 5, position: 8, positions: 8 },
      { layer: 8, layers: 5, position: 16, positions: 5 },
      { layer: 0, layers: 8, position: 8, positions: 8 },
      { layer: 0, layers: 8, position: 16, positions: 5 },
    ]);
    expect(lensPieces({ layer: 0, layerEnd: 3, position: -12, positionEnd: 0 }, 13, 21)).toEqual([]);
    expect(lensPieces({ layer: 13, layerEnd: 13, position: 0, positionEnd: 9 }, 13, 21)).toEqual([]);
    expect(lensPieces({ layer: 0, layerEnd: 3, position: -12, positionEnd: 1 }, 3, 21)).toEqual([
      { layer: 0, layers: 3, position: 0, positions: 8 },
    ]);
  });
  it('knows the cells that have been read, and no others', () => {
    const some = createLensGrid(7, T);
    const piece = { layer: 0, layers: 7, position: 8, positions: 8 };
    expect([some.has(piece), some.cell(2, 9)]).toEqual([false, undefined]);
    some.put(answer({ name: 'lens', args: piece }) as LensWindow);
    expect([some.has(piece), some.read(), some.cell(2, 7), some.cell(2, 16)]).toEqual([true, 1, undefined, undefined]);
    expect(some.cell(2, 9)).toEqual(lensAt(2, 9));
    expect(cellOf(answer({ name: 'lens', args: { layer: 2, layers: 1, position: 9, positions: 1 } }) as LensWindow, 2, 9)).toEqual(
      lensAt(2, 9),
    );
  });
  it('is saved as a table of every cell, in which no text breaks a line or is a formula', () => {
    const tokens = explanation.tokens.map((token) => (token.index === 2 ? { ...token, text: '=1+1,\n"' } : token));
    const lines = lensTable(grid, { tokens }, 'csv').trimEnd().split('\r\n');
    expect(lines).toHaveLength(1 + 7 * T);
    expect(lines[0]?.split(',').slice(0, 4)).toEqual(['layer', 'position', 'token', 'top_id']);
    expect(lines[1 + 6 * T + 2]).toContain('6,2,"""=1+1,\\n\\""""",');
    const [, , , , , probability] = (lines[1 + 3 * T] ?? '').replaceAll(/"(?:[^"]|"")*"/g, '').split(',');
    expect(Math.fround(Number(probability))).toBe(lensAt(3, 0).topProb);
    expect(lines[7 * T]).toMatch(/,,,,[\d.]+,[\d.e-]+$/);
    const [first, , third] = JSON.parse(lensTable(grid, { tokens }, 'json')) as readonly Record<string, unknown>[];
    expect(first).toMatchObject({ layer: 0, position: 0, top_id: lensAt(0, 0).topId, token: tokens[0]?.text });
    expect(third?.['token']).toBe('=1+1,\n"');
    expect(() => lensTable(createLensGrid(7, T), explanation, 'csv')).toThrow('Layer 0 at position 0 has not been read.');
  });
  it('draws only the columns in sight', () => {
    expect(visibleColumns(0, 500, 92, 512)).toEqual([0, 10]);
    expect(visibleColumns(9200, 500, 92, 512)).toEqual([96, 110]);
    expect(visibleColumns(46500, 500, 92, 512)).toEqual([501, 512]);
  });
});

describe('a map of pairs that has more cells than pixels', () => {
  const count = 7;
  const numbers: PairNumbers = {
    count,
    centre: 0.5,
    at: (row, column) => (row === column ? Number.NaN : row === 5 && column === 2 ? -0.9 : 0.5 + (row + column) / 100),
  };

  it('shows of each square the number farthest from the centre, under its own place, and names it', () => {
    const window = { query: 0, key: 0, rows: count, columns: count };
    const z = pooledRows(numbers, 3, window);
    expect(z.map((row) => row.length)).toEqual([3, 3, 3]);
    const seen: number[] = [];
    for (const [line, row] of z.entries()) {
      for (const [place, value] of row.entries()) {
        const cell = farthestAt(numbers, 3, { x: place * 3 + 1, y: line * 3 + 1 });
        // The last square holds one cell alone, of a token with itself.
        expect(cell === undefined ? Number.NaN : Math.fround(numbers.at(cell.query, cell.key))).toBe(value);
        if (cell !== undefined) seen.push(Math.floor(cell.query / 3) * 3 + Math.floor(cell.key / 3));
      }
    }
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(farthestAt(numbers, 3, { x: 1, y: 4 })).toEqual({ query: 5, key: 2 });
    const figure = pairMapFigure(
      {
        z,
        labels: 'abcdefg'.split(''),
        selected: 6,
        frame: count,
        zmin: -1,
        zmax: 2,
        colours: theme.sequential,
        width: 700,
        block: 3,
        window,
      },
      theme,
    );
    expect(figure.data[0]).toMatchObject({ x0: 1, dx: 3, y0: 1, dy: 3 });
  });

  it('has in a part of it every number, with the names of that part', () => {
    const window = { query: 4, key: 1, rows: 2, columns: 2 };
    const z = pooledRows(numbers, 1, window);
    expect(z.map((row) => [...row])).toEqual([[0.55, 0.56].map(Math.fround), [0.56, -0.9].map(Math.fround)]);
    const figure = pairMapFigure(
      { z, labels: 'abcdefg'.split(''), selected: -1, frame: count, zmin: -1, zmax: 2, colours: theme.sequential, width: 700, window },
      theme,
    );
    expect(figure.layout['yaxis']).toMatchObject({ range: [5.5, 3.5], ticktext: ['e', 'f'] });
    expect(figure.layout['xaxis']).toMatchObject({ range: [0.5, 2.5], ticktext: ['b', 'c'] });
  });
});

describe('one text through many sizes', () => {
  const labels = (sizes: readonly number[], width: number): unknown => {
    const points = sizes.map((parameters) => ({ name: String(parameters), parameters, bitsPerByte: 2 }));
    const { xaxis } = sizesFigure(points, null, width, theme).layout as { xaxis: { tickvals: readonly number[]; ticktext: unknown } };
    expect(xaxis.tickvals).toEqual(sizes);
    return xaxis.ticktext;
  };

  it('names the sizes on the axis that have room there, in any order', () => {
    expect(labels([92_320, 119_072, 1_468_032], 689)).toEqual(['92.3K', '119K', '1.47M']);
    expect(labels([1_468_032, 119_072, 92_320], 480)).toEqual(['1.47M', '', '92.3K']);
    expect(labels([500_000_000, 494_000_000, 7_600_000_000], 800)).toEqual(['', '494M', '7.6B']);
    expect(labels([9_000_000, 9_000_000], 480)).toEqual(['9M', '']);
  });

  it('has room above and below the points for their numbers, however far the points are apart', () => {
    for (const bits of [[5.653, 3.769, 1.884], [1.9, 1.899], [2]]) {
      const points = bits.map((bitsPerByte, place) => ({ name: '', parameters: 10 ** (6 + place), bitsPerByte }));
      const { height, layout } = sizesFigure(points, null, 800, theme);
      const { yaxis, margin } = layout as { yaxis: { range: [number, number] }; margin: { t: number; b: number } };
      const [bottom, top] = yaxis.range;
      const pixels = (value: number): number => ((Math.log10(value) - bottom) / (top - bottom)) * (height - margin.t - margin.b);
      expect(pixels(Math.min(...bits))).toBeGreaterThanOrEqual(24);
      expect(height - margin.t - margin.b - pixels(Math.max(...bits))).toBeGreaterThanOrEqual(24);
    }
  });

  it('writes the number of a model on its side of the fitted line', () => {
    const points = [1.9, 1.7].map((bitsPerByte, place) => ({ name: '', parameters: 10 ** (6 + place), bitsPerByte }));
    const positions = (exponent: number): unknown =>
      (sizesFigure(points, { factor: 1.8, exponent, residuals: new Float64Array(2) }, 800, theme).data.at(-1) as { textposition: unknown })
        .textposition;
    expect(positions(0)).toEqual(['top center', 'bottom center']);
    const unfitted = sizesFigure(points, null, 800, theme).data.at(-1) as { textposition: unknown };
    expect(unfitted.textposition).toEqual(['top center', 'top center']);
  });
});
