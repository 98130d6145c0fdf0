import { html, nothing } from 'lit-html';
import type { Explanation, RecurrenceTraits } from '../../../src/core/trace.ts';
import type { View } from '../../context.ts';
import { headsOfText, isFew } from '../../figures/heads.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { headNotes } from '../../parts/interventionTexts.ts';
import { layerNotes, recurrenceName } from '../../parts/layerNotes.ts';
import { besideTemplate, drawInto, type Content } from '../../parts/templates.ts';
import { explained } from '../../parts/terms.ts';
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
      drawInto(title, titleTemplate(shown.explanation, layer, number, isOpening(state)));
      const isShown = !isOpening(state) && recurrenceAt(shown.explanation, layer) === undefined;
      drawInto(metrics, isShown ? metricsTemplate(headsOfText(shown.explanation, heads), layer, number) : nothing);
    },
  };
}

function recurrenceAt({ model }: Explanation, layer: number): RecurrenceTraits | undefined {
  return model.traits?.layers[layer]?.recurrence;
}

function titleTemplate(explanation: Explanation, layer: number, head: number, isOpening: boolean): Content {
  if (isOpening) return t('One head');
  const recurrence = recurrenceAt(explanation, layer);
  if (recurrence !== undefined) return t('Layer {0}: {1}', layer, recurrenceName(recurrence.kind));
  const notes = [...headNotes(explanation, layer, head), ...layerNotes(explanation.model, layer)];
  return html`${t('Layer {0}, head {1}', layer, head)}${notes.map((note) => besideTemplate(note))}`;
}

function metricsTemplate(numbers: ReturnType<typeof headsOfText>, layer: number, head: number): Content {
  const texts = scoreTexts();
  return numbers.scores.map(
    (name) =>
      html`<div class=${isFew(numbers, name) ? 'few' : ''} title="${texts[name].meaning} ${samplesSentence(numbers, name)}">
        <dd>${headText(numbers, layer, head, name)}</dd>
        <dt>${explained(texts[name].name)} <span class="samples">${samplesText(numbers, name)}</span></dt>
      </div>`,
  );
}
