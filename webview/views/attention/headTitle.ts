import type { View } from '../../context.ts';
import { headsOfText, isFew } from '../../figures/heads.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { headNotes } from '../../parts/interventionTexts.ts';
import { layerNotes, recurrenceName } from '../../parts/layerNotes.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { headText, samplesSentence, samplesText, scoreTexts } from './headTexts.ts';

/** Title of the chosen head, with its scores. `isOpening`: no head is chosen yet. */
export function createHeadTitle(isOpening: (state: ViewState) => boolean): View {
  const title = el('h2');
  const metrics = el('dl', { class: 'facts small' });
  const changed = changeDetector();
  return {
    root: el('div', { class: 'card-head' }, title, metrics),
    update: (state) => {
      const { shown, heads } = state;
      const { layer, head: number } = state.settings;
      if (shown === null || !changed(shown, heads, layer, number, isOpening(state))) return;
      if (isOpening(state)) {
        title.replaceChildren(t('One head'));
        return metrics.replaceChildren();
      }
      const recurrence = shown.explanation.model.traits?.layers[layer]?.recurrence;
      if (recurrence !== undefined) {
        title.replaceChildren(t('Layer {0}: {1}', layer, recurrenceName(recurrence.kind)));
        return metrics.replaceChildren();
      }
      title.replaceChildren(
        t('Layer {0}, head {1}', layer, number),
        ...[...headNotes(shown.explanation, layer, number), ...layerNotes(shown.explanation.model, layer)].map((note) =>
          el('span', { class: 'beside' }, note),
        ),
      );
      const texts = scoreTexts();
      const numbers = headsOfText(shown.explanation, heads);
      metrics.replaceChildren(
        ...numbers.scores.map((name) =>
          el(
            'div',
            { class: isFew(numbers, name) ? 'few' : '', title: `${texts[name].meaning} ${samplesSentence(numbers, name)}` },
            el('dd', {}, headText(numbers, layer, number, name)),
            el('dt', {}, texts[name].name, ' ', el('span', { class: 'samples' }, samplesText(numbers, name))),
          ),
        ),
      );
    },
  };
}
