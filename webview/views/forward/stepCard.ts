import { nothing } from 'lit-html';
import type { ForwardPath } from '../../../src/core/forwardPath.ts';
import { tokenLabels, type PanelContext } from '../../context.ts';
import { partOf, resultsOf, stagesOf, type WalkStep } from '../../figures/pathSteps.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { keepFold } from '../../parts/foldout.ts';
import { explained } from '../../parts/terms.ts';
import { drawInto, formulasTemplate } from '../../parts/templates.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { drawStep } from './drawStep.ts';
import { createStageView, type StageView } from './stageView.ts';
import { stepText } from './stepTexts.ts';
import type { WalkPlaces } from './walkPlaces.ts';

/** Card of one step: what is computed, and the resulting numbers. */
export interface StepCard {
  readonly root: HTMLElement;
  readonly show: (path: ForwardPath, step: WalkStep, state: ViewState) => void;
}

/** Creates the card. */
export function createStepCard(context: PanelContext, places: WalkPlaces): StepCard {
  const title = el('h2');
  const sentence = el('p', { class: 'step-sentence' });
  const formula = el('p', { class: 'step-line-formula' });
  const stages = el('div', { class: 'stages' });
  const drawn = el('div', { class: 'draw-step' });
  const root = el(
    'section',
    { class: 'card walk-step', 'aria-label': t('This step') },
    el('div', { class: 'card-head' }, title),
    sentence,
    formula,
    stages,
    drawn,
  );
  let views: readonly StageView[] = [];
  const stepChanged = changeDetector();
  const numbersChanged = changeDetector();
  return {
    root,
    show: (path, step, { shown, settings, theme }) => {
      if (shown === null) return;
      const { explanation } = shown;
      if (stepChanged(path, step)) {
        const labels = tokenLabels(explanation);
        const text = stepText(step, path, explanation.model);
        places.settle(path, step);
        title.textContent = text.title;
        drawInto(sentence, explained(text.sentence));
        drawInto(formula, formulasTemplate(text.formula));
        views = stagesOf(path, step).map((stage) =>
          createStageView(path, stage, { labels, vocab: explanation.model.vocab }, context, (index) => {
            // Who asks for a number wants to see how it came about.
            keepFold(context.store, 'number', true);
            places.goTo({ stage: stage.name, index });
          }),
        );
        stages.replaceChildren(...views.map((view) => view.root));
        drawInto(drawn, step === 'draw' ? drawStep(path, explanation, labels) : nothing);
        stages.hidden = step === 'draw';
        drawn.hidden = step !== 'draw';
        root.dataset['part'] = partOf(step);
      }
      const place = places.place();
      if (!numbersChanged(path, step, place, theme, settings.folds)) return;
      const results = resultsOf(path, step);
      for (const view of views) {
        const selected = view.stage.name === place?.stage ? place.index : -1;
        view.show(selected, { settings, theme }, selected >= 0 || results.has(view.stage.name));
      }
    },
  };
}
