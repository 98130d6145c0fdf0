import type { Token } from '../../../src/core/trace.ts';
import { visibleToken } from '../../../src/core/visibleText.ts';
import type { ComparisonRow } from '../../figures/comparisonRows.ts';
import { numberCell } from '../../parts/controls.ts';
import { el } from '../../parts/dom.ts';
import { decimal, signedDecimal } from '../../parts/format.ts';

/** Rows as wide together as all. */
export function widestRows(rows: readonly ComparisonRow[]): readonly HTMLElement[] {
  const widest = (size: (row: ComparisonRow) => number): ComparisonRow | undefined => {
    const sizes = rows.map((row) => size(row));
    return rows[sizes.indexOf(sizes.reduce((most, one) => Math.max(most, one), -Infinity))];
  };
  // Roughly: what is not ASCII may be twice as wide.
  const letters = (tokens: readonly Token[]): number =>
    tokens
      .map(visibleToken)
      .join(' ')
      .replaceAll(/[^ -~]/gu, '__').length;
  const number = (value: number): number => (Number.isNaN(value) ? 0 : Math.abs(value));
  const found = [
    widest(({ a }) => letters(a)),
    widest(({ b }) => letters(b)),
    widest(({ aBits }) => number(aBits)),
    widest(({ bBits }) => number(bBits)),
    widest(({ difference }) => number(difference)),
    widest(({ kl }) => number(kl)),
  ];
  return [...new Set(found)].flatMap((row) => (row === undefined ? [] : [tableRow(row, 0, 1)]));
}

/** Row of the table. `largest`: the difference with the longest bar. */
export function tableRow(row: ComparisonRow, index: number, largest: number): HTMLElement {
  const bar = el('span', { class: row.difference < 0 ? 'lean to-first' : 'lean', 'aria-hidden': 'true' });
  bar.style.setProperty('--share', Number.isNaN(row.difference) ? '0' : (Math.abs(row.difference) / largest).toFixed(4));
  const number = (value: number, digits: number): HTMLElement => numberCell(Number.isNaN(value) ? '–' : decimal(value, digits));
  return el(
    'tr',
    { class: row.same ? '' : 'apart', 'data-index': index, 'aria-rowindex': index + 2, tabindex: -1, 'aria-selected': 'false' },
    tokenCell(row.a),
    tokenCell(row.b),
    number(row.aBits, 2),
    number(row.bBits, 2),
    el('td', { class: 'number lean-cell' }, bar, el('span', {}, signedDecimal(row.difference, 2))),
    number(row.kl, 3),
  );
}

function tokenCell(tokens: readonly Token[]): HTMLElement {
  return el(
    'td',
    {},
    ...(tokens.length === 0
      ? ['–']
      : tokens.map((token) =>
          el(
            'span',
            { class: `token-text chip${token.special ? ' special' : ''}${token.partial ? ' partial' : ''}`, title: visibleToken(token) },
            visibleToken(token),
          ),
        )),
  );
}
