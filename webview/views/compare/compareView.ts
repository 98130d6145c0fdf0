import type { PanelCommand, ShownComparison } from '../../../src/protocol/messages.ts';
import { button, progressBar } from '../../parts/controls.ts';
import type { PanelContext, View } from '../../context.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { comparisonRows } from '../../figures/comparisonRows.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import type { Compared, ComparePart } from './compared.ts';
import { createCompareAttention } from './compareAttention.ts';
import { createComparePatching } from './comparePatching.ts';
import { createCompareSides } from './compareSides.ts';
import { createCompareSizes } from './compareSizes.ts';
import { createCompareTokens } from './compareTokens.ts';
import { createCompareWord } from './compareWord.ts';
import { showFraction } from '../../parts/status.ts';

/** Name of the second side of a comparison. */
function secondName({ kind, source, explanation }: ShownComparison): string {
  return kind === 'text' ? source.label : explanation.model.name;
}

/** The Compare tab: two texts or two models side by side, or one text through many sizes; without any, the ways to choose. */
export function createCompare(context: PanelContext): View {
  const { host } = context;
  const ask = (type: 'compareAgain' | 'cancelComparison'): void => host.post({ type });
  const run = (name: PanelCommand): void => host.post({ type: 'command', name });
  const work = el('section', { class: 'status', 'aria-live': 'polite', 'aria-label': t('Comparison') });
  const message = el('p', { class: 'status-text' });
  const bar = progressBar(t('Comparison'));
  const working = el(
    'div',
    { class: 'status-working' },
    message,
    button(t('Cancel'), 'secondary', () => ask('cancelComparison')),
    bar,
  );
  const again = button('', 'secondary', () => ask('compareAgain'));
  const empty = el(
    'section',
    { class: 'card compare-empty', 'aria-label': t('Nothing to compare with yet') },
    el('h2', {}, t('Set a second text, or a second model, beside this one')),
    el(
      'p',
      { class: 'status-text' },
      t(
        'A second text is the selection in an editor, another open file, or the other side of a diff. A second model reads this same text; \
more of them show what their sizes do to it.',
      ),
    ),
    el(
      'div',
      { class: 'buttons wrap' },
      button(t('Compare With…'), 'primary', () => run('compareWith')),
      button(t('Another Model…'), 'secondary', () => run('compareModel')),
      button(t('More Models…'), 'secondary', () => run('compareSizes')),
      again,
    ),
  );
  const parts: readonly ComparePart[] = [
    createCompareSides(context),
    createCompareTokens(context),
    createCompareAttention(context),
    createCompareWord(context),
    createComparePatching(context),
  ];
  const sizes = createCompareSizes(context);
  const content = el('div', { class: 'compare-content' }, ...parts.map((part) => part.root));
  const root = el('div', { class: 'compare-view' }, work, sizes.root, empty, content);
  /** Line that names the comparison still shown. */
  const below = el('p', { class: 'status-below' });
  const back = (): readonly HTMLElement[] =>
    compared === null ? [] : [button(t('Back to {0}', secondName(compared.comparison)), 'secondary', () => ask('cancelComparison'))];
  const changed = changeDetector();
  const worked = changeDetector();
  let compared: Compared | null = null;

  function showWork({ comparing }: ViewState): void {
    work.hidden = comparing.kind === 'idle';
    if (comparing.kind === 'working') {
      if (!working.isConnected) work.replaceChildren(working, below);
      message.textContent = comparing.message;
      showFraction(bar, comparing.fraction);
    } else if (comparing.kind === 'failed') {
      const log = button(t('Show Log'), 'secondary', () => run('showLog'));
      work.replaceChildren(
        el('h2', {}, t('The comparison with {0} could not be made', comparing.what)),
        el('p', { class: 'status-text' }, comparing.message),
        el('div', { class: 'buttons wrap' }, log, ...back()),
        below,
      );
    } else if (comparing.kind === 'cancelled') {
      work.replaceChildren(
        el('p', { class: 'status-text' }, t('The comparison was cancelled.')),
        el('div', { class: 'buttons wrap' }, ...back()),
        below,
      );
    }
  }

  return {
    root,
    update: (state) => {
      const { shown, comparison, comparing, compareAgain } = state;
      if (shown === null) return;
      sizes.update(state);
      if (changed(shown, comparison))
        compared =
          comparison === null ? null : { first: shown.explanation, comparison, rows: comparisonRows(shown.explanation, comparison) };
      if (worked(comparing, compared)) showWork(state);
      const outdated = compared !== null && comparing.kind !== 'idle';
      content.classList.toggle('outdated', outdated);
      below.hidden = !outdated;
      if (compared !== null)
        below.textContent = t('The dimmed results are from before: the comparison with {0}.', secondName(compared.comparison));
      empty.hidden = compared !== null || comparing.kind === 'working';
      content.hidden = compared === null;
      again.hidden = compareAgain === null;
      if (compareAgain !== null) again.textContent = t('Again With {0}', compareAgain);
      if (compared === null) return;
      for (const part of parts) part.update(state, compared);
    },
  };
}
