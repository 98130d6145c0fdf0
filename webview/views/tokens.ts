import { surprisalBits } from '../../src/core/probability.ts';
import { at } from '../../src/core/tensor.ts';
import type { Explanation } from '../../src/core/trace.ts';
import { markTokens, selectToken, type PanelContext, type View } from '../context.ts';
import { changeDetector, el, stepKey } from '../dom.ts';
import { summarise } from '../figures/summary.ts';
import { decimal, displayLanguage, integer, percent } from '../format.ts';
import { t } from '../strings.ts';
import { hexBytes, visibleToken } from '../../src/core/visibleText.ts';

/** Table of all tokens. */
export function createTokens(context: PanelContext): View {
  const counts = el('dl', { class: 'facts' });
  const body = el('tbody');
  const columns = [t('Index'), t('Text'), t('Bytes'), t('Id'), t('Probability'), t('Rank'), t('Surprisal, bits'), t('Entropy, bits')];
  const table = el('table', { class: 'token-table', role: 'grid' }, el('caption', { class: 'visually-hidden' }, t('Tokens of the text')),
    el('thead', {}, el('tr', {}, ...columns.map((name) => el('th', { scope: 'col' }, name)))), body);
  const root = el('div', { class: 'tokens-view' }, counts, el('div', { class: 'table-frame' }, table));
  let rows: readonly HTMLTableRowElement[] = [];
  let current: HTMLTableRowElement | undefined;
  let marked: readonly number[] = [];
  const built = changeDetector();
  const moved = changeDetector();
  const staleChanged = changeDetector();

  body.addEventListener('click', (event) => {
    const index = indexOf(event);
    if (index !== undefined) selectToken(context, index);
  });
  body.addEventListener('mousemove', (event) => {
    const index = indexOf(event);
    if (index !== undefined) markTokens(context, [index]);
  });
  body.addEventListener('mouseleave', () => markTokens(context, []));
  body.addEventListener('keydown', (event) => {
    const next = stepKey(event.key, context.store.state().settings.selected, rows.length);
    if (next === undefined || event.key === 'ArrowLeft' || event.key === 'ArrowRight') return;
    event.preventDefault();
    selectToken(context, next);
    rows[next]?.focus();
  });

  return {
    root,
    update: ({ shown, settings, stale, marked: nowMarked }) => {
      if (shown === null) return;
      const { explanation } = shown;
      const fresh = built(shown);
      if (fresh) {
        counts.replaceChildren(...facts(explanation));
        rows = explanation.tokens.map((_, index) => tokenRow(explanation, index));
        body.replaceChildren(...rows);
        current = undefined;
        marked = [];
      }
      if (moved(shown, settings.selected)) {
        current?.setAttribute('aria-selected', 'false');
        current?.removeAttribute('tabindex');
        current = rows[settings.selected];
        current?.setAttribute('aria-selected', 'true');
        current?.setAttribute('tabindex', '0');
        if (!fresh) current?.scrollIntoView({ block: 'nearest' });
      }
      if (nowMarked !== marked) {
        for (const index of marked) rows[index]?.classList.remove('marked');
        for (const index of nowMarked) rows[index]?.classList.add('marked');
        marked = nowMarked;
      }
      if (staleChanged(shown, stale)) rows.forEach((row, index) => row.classList.toggle('stale', stale.has(index)));
    },
  };
}

function tokenRow(explanation: Explanation, index: number): HTMLTableRowElement {
  const token = explanation.tokens[index];
  if (token === undefined) return el('tr');
  const logprob = at(explanation.logprob, index);
  const predicted = !Number.isNaN(logprob);
  const probability = Math.exp(logprob);
  const bar = el('span', { class: 'cell-bar', 'aria-hidden': 'true' });
  bar.style.setProperty('--share', predicted ? probability.toFixed(4) : '0');
  const none = el('span', { class: 'none', title: t('Nothing precedes this token, so nothing predicted it') }, '–');
  const cell = (text: string): HTMLElement => el('td', { class: 'number' }, predicted ? text : none.cloneNode(true));
  // Where the panel is narrow the column of bytes gives way: the row's tooltip still has them.
  return el('tr', { 'data-index': index, 'aria-selected': 'false', ...(token.special ? {} : { title: `${visibleToken(token)} · ${t('Bytes')}: ${hexBytes(token.bytes)}` }) },
    el('td', { class: 'number index' }, integer(index)),
    el('td', {}, el('span', { class: `token-text chip${token.special ? ' special' : ''}${token.partial ? ' partial' : ''}` }, visibleToken(token))),
    el('td', { class: 'bytes' }, token.special ? t('added') : hexBytes(token.bytes)),
    el('td', { class: 'number' }, integer(token.id)),
    el('td', { class: 'number with-bar' }, predicted ? bar : null, predicted ? percent(probability) : none.cloneNode(true)),
    cell(integer(at(explanation.rank, index))), cell(decimal(surprisalBits(logprob), 2)), cell(decimal(at(explanation.entropy, index), 2)));
}

function facts(explanation: Explanation): readonly HTMLElement[] {
  const summary = summarise(explanation, displayLanguage());
  const added = explanation.tokens.filter((token) => token.special).length;
  const entries: (readonly [string, string])[] = [
    [added > 0 ? t('tokens, {0} added', integer(added)) : t('tokens'), integer(summary.tokens)],
    [t('distinct ids'), integer(summary.distinct)],
    [t('bytes'), integer(summary.bytes)],
    [t('words'), integer(summary.words)],
  ];
  if (Number.isFinite(summary.tokensPerWord)) entries.push([t('tokens per word'), decimal(summary.tokensPerWord, 2)]);
  return entries.map(([label, value]) => el('div', {}, el('dd', {}, value), el('dt', {}, label)));
}

/** Index of the row an event is in. */
function indexOf(event: Event): number | undefined {
  const row = event.target instanceof Element ? event.target.closest('tr') : null;
  return row?.dataset['index'] === undefined ? undefined : Number(row.dataset['index']);
}
