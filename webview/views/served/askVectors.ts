import { button } from '../../parts/controls.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { engineText } from '../../parts/servedTexts.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';

/** Asks before a text is sent to an engine once more, for its vectors. `agreed`: called once it may be. */
export function createAskVectors(agreed: () => void) {
  const asked = new WeakSet<object>();
  let shown: ViewState['shown'] = null;
  const text = el('p', { class: 'status-text' });
  const ask = button(t('Ask for the Vectors'), 'primary', () => {
    if (shown === null) return;
    asked.add(shown);
    agreed();
  });
  const root = el(
    'section',
    { class: 'card not-returned', 'aria-label': t('Vectors of the last layer') },
    el('h2', {}, t('The engine returns the vectors of the last layer')),
    text,
    el('div', { class: 'buttons wrap' }, ask),
  );
  const changed = changeDetector();
  return {
    root,
    /** Whether the vectors of what is shown may be asked for. A report asks nobody: it says that it does not hold them. */
    update: ({ shown: now, report }: ViewState): boolean => {
      shown = now;
      const model = now?.explanation.model;
      const isFree = now === null || report !== null || model?.served === undefined || asked.has(now);
      root.hidden = isFree;
      if (!isFree && model !== undefined && changed(now))
        text.textContent = t(
          'They are not part of its first answer: {0} is sent the text once more, and answers with all numbers as text, some megabytes. \
Up to SGLang 0.5.14 a server that reads other texts at the same moment can mix up their vectors.',
          engineText(model) ?? '',
        );
      return isFree;
    },
  };
}
