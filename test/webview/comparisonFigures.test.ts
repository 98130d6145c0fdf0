import { wholeMap } from '../../webview/figures/mapWindow.ts';
import { pooledRows } from '../../webview/figures/squareMap.ts';
import { describe, expect, it } from 'vitest';
import type { Explanation, Token } from '../../src/core/trace.ts';
import type { ShownComparison } from '../../src/protocol/messages.ts';
import {
  attentionDifference,
  comparisonRows,
  differenceFigure,
  differenceReach,
  pairedTokens,
  rowOfToken,
  rowText,
  summariseComparison,
  surprisalFigure,
} from '../../webview/figures/comparisonRows.ts';
import { divergingColours, readTheme } from '../../webview/theme.ts';
import { readFixture } from './readFixture.ts';

const theme = readTheme(() => '', 'dark');
const { shown } = readFixture();
const token = (id: number, index: number): Token => ({
  index,
  id,
  text: `t${id}`,
  bytes: [...new TextEncoder().encode(`t${id}`)],
  start: index,
  end: index + 1,
  special: id === 0,
  partial: false,
});
const explained = (ids: readonly number[], bits: readonly number[]): Explanation => ({
  ...shown.explanation,
  tokens: ids.map(token),
  logprob: Float32Array.from(bits, (value) => -value * Math.LN2),
});
const first = explained([0, 1, 2, 3], [Number.NaN, 4, 3, 2]);
const second = explained([0, 1, 9, 3, 4], [Number.NaN, 4, 1, 5, 2]);
const comparison: ShownComparison = {
  serial: 1,
  with: 1,
  kind: 'text',
  source: shown.source,
  model: null,
  explanation: second,
  notices: [],
  sameVocabulary: true,
  divergence: { spans: Float32Array.of(Number.NaN, 0, Number.NaN, Number.NaN, 0.5, Number.NaN), final: 0.25 },
};
const rows = comparisonRows(first, comparison);

describe('rows of a comparison', () => {
  it('hold the tokens and bits of both sides', () => {
    expect(
      rows.map((row) =>
        [row.a.map(({ id }) => id), row.b.map(({ id }) => id), row.difference, row.kl].map((value) =>
          typeof value === 'number' ? Math.round(value * 1e4) / 1e4 : value,
        ),
      ),
    ).toEqual([
      [[0], [0], NaN, NaN],
      [[1], [1], 0, 0],
      [[2], [], NaN, NaN],
      [[], [9], NaN, NaN],
      [[3], [3], -3, 0.5],
      [[], [4], NaN, NaN],
    ]);
    expect([rowText(rows[2] ?? expect.fail()), rowText(rows[3] ?? expect.fail())]).toEqual(['t2', 't9']);
    expect([rowOfToken(rows, 3), rowOfToken(rows, 9)]).toEqual([4, -1]);
    expect(pairedTokens(rows)).toEqual([
      [0, 0],
      [1, 1],
      [3, 3],
    ]);
  });

  it('are summed up', () => {
    expect(summariseComparison(rows)).toMatchObject({ shared: 2, rows: 5, identical: false, meanKl: 0.25 });
    expect(summariseComparison(rows).largest?.kl).toBe(0.5);
    const same = comparisonRows(first, { ...comparison, explanation: first, divergence: null });
    expect(summariseComparison(same)).toMatchObject({ shared: 3, rows: 3, identical: true, meanKl: Number.NaN, largest: undefined });
  });

  it('are drawn as pairs of bars, gaps where a side has none', () => {
    const figure = surprisalFigure(rows, 4, 600, theme);
    const y = figure.data.map((bars) =>
      (bars['y'] as (number | null)[]).map((value) => (value === null ? null : Math.round(value * 1e4) / 1e4)),
    );
    expect(y).toEqual([
      [null, 4, 3, null, 2, null],
      [null, 4, null, 1, 5, 2],
    ]);
    expect(figure.layout['shapes']).toMatchObject([{ x0: 3.5, x1: 4.5 }]);
  });
});

describe('difference of attention', () => {
  it('is the second less the first on the tokens both have, the future left out', () => {
    const a = Float32Array.of(1, 0, 0.25, 0.75);
    const b = Float32Array.of(1, 0, 0, 0.5, 0.5, 0, 0.1, 0.2, 0.7);
    const pairs = [
      [0, 0],
      [1, 2],
    ] as const;
    const numbers = attentionDifference(a, 2, b, 3, pairs);
    const rows = pooledRows(numbers, 1, wholeMap(2, false));
    expect(rows.map((row) => Array.from(row, (value) => Math.round(value * 1e4) / 1e4))).toEqual([
      [0, Number.NaN],
      [-0.15, -0.05],
    ]);
    const most = differenceReach(numbers);
    expect(most).toBeCloseTo(0.15, 6);
    const figure = differenceFigure(rows, { labels: ['a', 'b'], selected: 1, width: 400, most }, theme);
    expect(figure.data[0]).toMatchObject({ zmin: -most, zmax: most });
    // The frame goes around what the query sees.
    expect(figure.layout['shapes']).toMatchObject([{ x0: -0.5, x1: 1.5, y0: 0.5, y1: 1.5 }]);
    // Rounding is no finding: below the floor colours stay faint.
    expect(differenceReach({ count: 1, centre: 0, at: () => 1e-7 })).toBe(0.05);
    const hidden = attentionDifference(a, 2, b, 3, pairs, true);
    expect([hidden.at(0, 0), hidden.at(1, 0)]).toEqual([Number.NaN, Number.NaN]);
  });

  it('has a colour for each side, and the background between', () => {
    const colours = divergingColours(theme);
    expect(colours.length % 2).toBe(1);
    expect(colours[(colours.length - 1) / 2]?.map(Math.round)).toEqual([...theme.background]);
    expect(divergingColours(theme)).toBe(colours);
  });
});
