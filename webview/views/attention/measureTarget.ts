import type { PanelContext, View } from '../../context.ts';
import { tokenLabels } from '../../context.ts';
import { button } from '../../parts/controls.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { integer } from '../../parts/format.ts';
import { chipTemplate, drawInto, sentenceTemplate } from '../../parts/templates.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { askedWhy, keptQuestion, type AskedWhy } from '../why/asked.ts';

/**
 * The logit (difference) that a head's attention is measured by: the one that Why was asked about, else of the likeliest token after the
 * last. Null: nothing is shown, or nothing is predicted there.
 */
export function measureTarget(state: ViewState): AskedWhy | null {
  const { shown, settings } = state;
  if (shown === null) return null;
  const { whyAsked } = settings;
  const tokens = shown.explanation.tokens.length;
  const isAsked = whyAsked !== null && whyAsked.position < tokens;
  const found = askedWhy({ ...state, settings: { ...settings, selected: isAsked ? whyAsked.position : tokens - 1 } });
  return found === null || isAsked ? found : { ...found, rival: null, rivalText: null };
}

/** The line that says what the target is, and buttons that take another. */
export function createMeasureTarget({ store, host }: PanelContext): View {
  const text = el('p', { class: 'caption measure-target' });
  const ask = (state: ViewState): void => {
    const asked = askedWhy(state);
    if (asked !== null) store.dispatch({ type: 'settings', change: { whyAsked: keptQuestion(asked) } });
  };
  const own = button('', 'link', () => ask(store.state()));
  const inWhy = button(t('Choose in Why'), 'link', () => {
    const target = measureTarget(store.state());
    if (target === null) return;
    const { position } = target;
    store.dispatch({ type: 'settings', change: { tab: 'why', selected: position, whyAsked: keptQuestion(target) } });
    host.post({ type: 'select', token: position });
  });
  const changed = changeDetector();
  return {
    root: el('div', { class: 'measure-target-line' }, text, el('div', { class: 'buttons wrap' }, own, inWhy)),
    update: (state) => {
      const { shown, settings } = state;
      const target = measureTarget(state);
      if (shown === null || target === null || !changed(shown, settings.whyAsked, settings.selected)) return;
      const { position, tokenText, rivalText } = target;
      const labels = tokenLabels(shown.explanation);
      const [token, after] = [chipTemplate(tokenText), [chipTemplate(labels[position] ?? ''), integer(position)] as const];
      drawInto(
        text,
        rivalText === null
          ? sentenceTemplate(t('Target: the logit of {0} in the prediction after {1} (position {2}).'), token, ...after)
          : sentenceTemplate(
              t('Target: the logit of {0} less that of {1} in the prediction after {2} (position {3}).'),
              token,
              chipTemplate(rivalText),
              ...after,
            ),
      );
      own.hidden = settings.selected === position;
      own.textContent = t('Ask about what follows the selected token');
    },
  };
}
