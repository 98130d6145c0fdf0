import { surprisalBits } from '../../../src/core/probability.ts';
import { at } from '../../../src/core/tensor.ts';
import type { Explanation, Token } from '../../../src/core/trace.ts';
import { hexBytes, visibleToken } from '../../../src/core/visibleText.ts';
import { numberCell } from '../../parts/controls.ts';
import { el } from '../../parts/dom.ts';
import { decimal, integer, percentInColumn } from '../../parts/format.ts';
import { t } from '../../strings.ts';

/** Row of a token in the table of all. */
export function tokenRow(explanation: Explanation, index: number): HTMLTableRowElement {
  const token = explanation.tokens[index];
  if (token === undefined) return el('tr');
  const logprob = at(explanation.logprob, index);
  const predicted = !Number.isNaN(logprob);
  const probability = Math.exp(logprob);
  const bar = el('span', { class: 'cell-bar', 'aria-hidden': 'true' });
  bar.style.setProperty('--share', predicted ? probability.toFixed(4) : '0');
  const none = el('span', { class: 'none', title: t('Nothing precedes this token, so nothing predicted it') }, '–');
  const cell = (text: string): HTMLElement => numberCell(predicted ? text : none.cloneNode(true));
  // In a narrow panel the column of bytes is hidden: the row's tooltip still has them.
  return el(
    'tr',
    {
      'data-index': index,
      'aria-rowindex': index + 2,
      'aria-selected': 'false',
      title: token.special ? visibleToken(token) : `${visibleToken(token)} · ${t('{0}: {1}', t('Bytes'), hexBytes(token.bytes))}`,
    },
    el('td', { class: 'number index' }, integer(index)),
    el(
      'td',
      {},
      el('span', { class: `token-text chip${token.special ? ' special' : ''}${token.partial ? ' partial' : ''}` }, visibleToken(token)),
    ),
    el('td', { class: 'bytes' }, token.special ? t('added') : hexBytes(token.bytes)),
    numberCell(integer(token.id)),
    el('td', { class: 'number with-bar' }, predicted ? bar : null, predicted ? percentInColumn(probability) : none.cloneNode(true)),
    cell(integer(at(explanation.rank, index))),
    cell(decimal(surprisalBits(logprob), 2)),
    cell(decimal(at(explanation.entropy, index), 2)),
  );
}

/** Tokens that have the widest content of a column: rows with them are together as wide as all rows. */
export function widestRows({ tokens, rank, logprob, entropy }: Explanation): readonly number[] {
  const widest = (size: (token: Token) => number): number =>
    tokens.reduce((best, token) => (size(token) > best.size ? { index: token.index, size: size(token) } : best), {
      index: 0,
      size: -Infinity,
    }).index;
  return [
    ...new Set([
      tokens.length - 1,
      // Roughly: what is not ASCII may be twice as wide.
      widest((token) => visibleToken(token).replaceAll(/[^ -~]/gu, '__').length),
      widest(({ bytes }) => bytes.length),
      widest(({ id }) => id),
      widest(({ index }) => at(logprob, index)),
      widest(({ index }) => -at(logprob, index)),
      widest(({ index }) => at(rank, index)),
      widest(({ index }) => at(entropy, index)),
    ]),
  ];
}
