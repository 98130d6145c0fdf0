import { expect, it } from 'vitest';
import { tableCell, tableText } from '../../../src/core/tableText.ts';

it.each([
  ['=1+1', "'=1+1"],
  ['+1', "'+1"],
  ['-1', "'-1"],
  ['@SUM(A1)', "'@SUM(A1)"],
  ['\t=1', "'\t=1"],
  ['\r\n=cmd', '"\'\r\n=cmd"'],
  ['=HYPERLINK("x")', '"\'=HYPERLINK(""x"")"'],
  [' the', ' the'],
  ['a,b', '"a,b"'],
  ['a "quote"', '"a ""quote"""'],
  ['<script>', '<script>'],
  ['\u202eabc', '\u202eabc'],
])('writes %j so that no spreadsheet runs it', (text, cell) => {
  expect(tableCell(text, 'csv')).toBe(cell);
});

it('writes numbers to the last digit of a float32, and nothing for what is not known', () => {
  expect([-0.1, Math.fround(1 / 3), NaN, Infinity, null].map((value) => tableCell(value, 'csv'))).toEqual([
    '-0.1',
    '0.333333343',
    '',
    '',
    '',
  ]);
  expect(Math.fround(Number(tableCell(Math.fround(Math.PI), 'csv')))).toBe(Math.fround(Math.PI));
});

it('writes lines with a heading, the cells apart by commas or tabs', () => {
  const rows = [
    ['a\tb', 1],
    ['c,d', null],
  ] as const;
  expect(tableText(['text', 'value'], rows, 'csv')).toBe('text,value\r\na\tb,1\r\n"c,d",\r\n');
  expect(tableText(['text', 'value'], rows, 'tsv')).toBe('text\tvalue\r\n"a\tb"\t1\r\nc,d\t\r\n');
});
