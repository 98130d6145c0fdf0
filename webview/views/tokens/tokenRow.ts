import { isAtMost } from '../../../src/core/atMost.ts';
import { surprisalBits } from '../../../src/core/probability.ts';
import { at } from '../../../src/core/tensor.ts';
import type { Token } from '../../../src/core/trace.ts';
import { hexBytes } from '../../../src/core/visibleText.ts';
import { columnsOf, itemBitsPerByte, type TableColumn, type TableItems } from '../../figures/tokenTable.ts';
import { numberCell } from '../../parts/controls.ts';
import { el } from '../../parts/dom.ts';
import { decimal, integer, percentInColumn } from '../../parts/format.ts';
import { entropyText, idText, probabilityText, rankText, surprisalText, untoldText } from '../../parts/servedTexts.ts';
import { t } from '../../strings.ts';

/** Row of a token or word in the table of all; `place`: its place among the rows, from 0. */
export function tokenRow(items: TableItems, item: number, place: number): HTMLTableRowElement {
  const unit = items.units[item];
  if (unit === undefined) return el('tr');
  const name = items.visible[item] ?? '';
  // Where the column of bytes is hidden, the row's tooltip still has them.
  return el(
    'tr',
    {
      'data-index': items.runs[item]?.first,
      'aria-rowindex': place + 2,
      'aria-selected': 'false',
      title: unit.special ? name : `${name} · ${t('{0}: {1}', t('Bytes'), hexBytes(unit.bytes))}`,
    },
    ...columnsOf(items.unit).map((column) => cell(items, item, unit, column)),
  );
}

function cell(items: TableItems, item: number, unit: Token, column: TableColumn): HTMLElement {
  const { explanation, runs, visible } = items;
  const run = runs[item] ?? { first: 0, end: 0 };
  const logprob = at(items.logprob, item);
  const predicted = !Number.isNaN(logprob);
  const none = (): HTMLElement => el('span', { class: 'none', title: untoldText(explanation, run.first) }, '–');
  const known = (text: string): HTMLElement => numberCell(predicted ? text : none());
  // A word has as much of them as its tokens, the least known of which tells what is known of it.
  const bound = Array.from({ length: run.end - run.first }, (_, i) => run.first + i).find((token) => isAtMost(explanation, token));
  const atMost = (text: string): string => (bound === undefined ? text : probabilityText(explanation, bound, text));
  const atLeast = (text: string): string => (bound === undefined ? text : surprisalText(explanation, bound, text));
  switch (column) {
    case 'index':
      return el('td', { class: 'number index' }, integer(run.first));
    case 'text': {
      const kinds = `${unit.special ? ' special' : ''}${unit.partial ? ' partial' : ''}`;
      return el('td', {}, el('span', { class: `token-text chip${kinds}` }, visible[item] ?? ''));
    }
    case 'bytes':
      return el('td', { class: 'bytes' }, unit.special ? t('added') : hexBytes(unit.bytes));
    case 'id':
      return el('td', { class: 'number id' }, idText(unit.id));
    case 'count':
      return numberCell(integer(run.end - run.first));
    case 'probability': {
      const bar = el('span', { class: 'cell-bar', 'aria-hidden': 'true' });
      bar.style.setProperty('--share', predicted ? Math.exp(logprob).toFixed(4) : '0');
      return el(
        'td',
        { class: 'number with-bar' },
        predicted ? bar : null,
        predicted ? atMost(percentInColumn(Math.exp(logprob))) : none(),
      );
    }
    case 'rank':
      return known(rankText(explanation, run.first));
    case 'bits':
      return known(atLeast(decimal(surprisalBits(logprob), 2)));
    case 'entropy':
      return known(entropyText(explanation, run.first) ?? '–');
    case 'bitsPerByte':
      return predicted && unit.bytes.length === 0 ? numberCell('–') : known(atLeast(decimal(itemBitsPerByte(items, item), 2)));
  }
}

/** Items that have the widest content of a column: rows with them are together as wide as all rows. */
export function widestItems(items: TableItems): readonly number[] {
  const { units, visible, runs, logprob, explanation } = items;
  const widest = (size: (item: number) => number): number => {
    let [best, most] = [0, -Infinity];
    for (let item = 0; item < units.length; item++) {
      const own = size(item);
      if (own > most) [best, most] = [item, own];
    }
    return best;
  };
  const first = (item: number): number => runs[item]?.first ?? 0;
  return [
    ...new Set([
      units.length - 1,
      // Roughly: what is not ASCII may be twice as wide.
      widest((item) => (visible[item] ?? '').replaceAll(/[^ -~]/gu, '__').length),
      widest((item) => units[item]?.bytes.length ?? 0),
      widest((item) => units[item]?.id ?? 0),
      widest((item) => at(logprob, item)),
      widest((item) => -at(logprob, item)),
      widest((item) => at(explanation.rank, first(item))),
      widest((item) => at(explanation.entropy, first(item))),
      widest((item) => itemBitsPerByte(items, item)),
    ]),
  ];
}
