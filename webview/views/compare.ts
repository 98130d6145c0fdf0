import type { Explanation } from '../../src/core/trace.ts';
import type { ShownComparison } from '../../src/protocol/messages.ts';
import { button } from '../controls.ts';
import type { PanelContext, View } from '../context.ts';
import { changeDetector, el } from '../dom.ts';
import { comparisonRows, type ComparisonRow } from '../figures/comparison.ts';
import type { ViewState } from '../state.ts';
import { t } from '../strings.ts';
import { createCompareAttention } from './compareAttention.ts';
import { createCompareSides } from './compareSides.ts';
import { createCompareTokens } from './compareTokens.ts';
import { createCompareWord } from './compareWord.ts';
import { showFraction } from './status.ts';

/** The explained text and what it is compared with. */
export interface Compared {
  readonly first: Explanation;
  readonly comparison: ShownComparison;
  readonly rows: readonly ComparisonRow[];
}

/** A part of the comparison, brought to what is compared. */
export interface ComparePart {
  readonly root: HTMLElement;
  update(state: ViewState, compared: Compared): void;
}

/** Two texts, or two models, side by side; without a second side, the ways to get one. */
export function createCompare(context: PanelContext): View {
  const { host } = context;
  const ask = (type: 'compareWith' | 'compareModel' | 'compareAgain' | 'cancelComparison'): void => host.post({ type });
  const work = el('section', { class: 'status', 'aria-live': 'polite', 'aria-label': t('Comparison') });
  const message = el('p', { class: 'status-text' });
  const bar = el('div', { class: 'progress', role: 'progressbar', 'aria-valuemin': 0, 'aria-valuemax': 100 }, el('div', { class: 'progress-fill' }));
  const working = el('div', { class: 'status-working' }, message, button(t('Cancel'), 'secondary', () => ask('cancelComparison')), bar);
  const again = button('', 'secondary', () => ask('compareAgain'));
  const empty = el('section', { class: 'card compare-empty', 'aria-label': t('Nothing to compare with yet') },
    el('h2', {}, t('Set a second text, or a second model, beside this one')),
    el('p', { class: 'status-text' }, t('A second text is the selection in an editor, another open file, or the other side of a diff. A second model reads this same text.')),
    el('div', { class: 'buttons wrap' }, button(t('Compare With…'), 'primary', () => ask('compareWith')), button(t('Another Model…'), 'secondary', () => ask('compareModel')), again));
  const parts: readonly ComparePart[] = [createCompareSides(context), createCompareTokens(context), createCompareAttention(context), createCompareWord(context)];
  const content = el('div', { class: 'compare-content' }, ...parts.map((part) => part.root));
  const root = el('div', { class: 'compare-view' }, work, empty, content);
  const changed = changeDetector();
  const worked = changeDetector();
  let compared: Compared | null = null;

  function showWork({ comparing }: ViewState): void {
    work.hidden = comparing.kind === 'idle';
    if (comparing.kind === 'working') {
      if (!working.isConnected) work.replaceChildren(working);
      message.textContent = comparing.message;
      showFraction(bar, comparing.fraction);
    } else if (comparing.kind === 'failed') {
      work.replaceChildren(el('h2', {}, t('The comparison could not be made')), el('p', { class: 'status-text' }, comparing.message), el('div', { class: 'buttons' }, button(t('Show Log'), 'secondary', () => host.post({ type: 'showLog' }))));
    } else if (comparing.kind === 'cancelled') {
      work.replaceChildren(el('p', { class: 'status-text' }, t('The comparison was cancelled.')));
    }
  }

  return {
    root,
    update: (state) => {
      const { shown, comparison, comparing, compareAgain } = state;
      if (shown === null) return;
      if (worked(comparing)) showWork(state);
      if (changed(shown, comparison)) compared = comparison === null ? null : { first: shown.explanation, comparison, rows: comparisonRows(shown.explanation, comparison) };
      empty.hidden = compared !== null || comparing.kind === 'working';
      content.hidden = compared === null;
      again.hidden = compareAgain === null;
      if (compareAgain !== null) again.textContent = t('Again With {0}', compareAgain);
      if (compared === null) return;
      for (const part of parts) part.update(state, compared);
    },
  };
}
