import { expect, it } from 'vitest';
import { figureJson, figureNpy, figureTable, tokenAxis, type FigureData } from '../../webview/figures/figureData.ts';

const TOKENS = [{ text: 'a' }, { text: '=1' }];
const GRID = {
  kind: 'grid',
  value: 'weight',
  rows: tokenAxis('query', TOKENS),
  columns: tokenAxis('key', TOKENS),
  values: Float32Array.of(1, NaN, 0.25, 0.75),
} as const satisfies FigureData;
const TABLE: FigureData = {
  kind: 'table',
  columns: ['key', 'weight'],
  rows: [
    ['<b>', 0.5],
    ['x', NaN],
  ],
};

it('writes a grid as a line a cell, without those that have no number', () => {
  expect(figureTable(GRID, 'csv')).toBe("query,query_text,key,key_text,weight\r\n0,a,0,a,1\r\n1,'=1,0,a,0.25\r\n1,'=1,1,'=1,0.75\r\n");
});

it('writes a grid as JSON with its axes, and a table as objects', () => {
  expect(JSON.parse(figureJson(GRID))).toEqual({
    value: 'weight',
    axes: [
      { name: 'query', labels: ['a', '=1'] },
      { name: 'key', labels: ['a', '=1'] },
    ],
    values: [
      [1, null],
      [0.25, 0.75],
    ],
  });
  expect(JSON.parse(figureJson(TABLE))).toEqual([
    { key: '<b>', weight: 0.5 },
    { key: 'x', weight: null },
  ]);
});

it('writes a grid as an array of NumPy, rows by columns', () => {
  const bytes = figureNpy(GRID);
  expect(new TextDecoder().decode(bytes.subarray(10, 128))).toContain("'shape': (2, 2), }");
  expect(new Float32Array(bytes.slice(128).buffer)).toEqual(GRID.values);
});
