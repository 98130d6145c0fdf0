import type { ForwardPath } from '../../../src/core/forwardPath.ts';
import { tokenLabels, type PanelContext } from '../../context.ts';
import { partOf, stagesOf, type WalkStep } from '../../figures/pathSteps.ts';
import { changeDetector, el } from '../../parts/dom.ts';
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
export function createStepCard({ tooltip }: PanelContext, places: WalkPlaces): StepCard {
  const title = el('h2');
  const sentence = el('p', { class: 'step-sentence' });
  const formula = el('p', { class: 'step-line-formula' });
  const stages = el('div', { class: 'stages' });
  const root = el(
    'section',
    { class: 'card walk-step', 'aria-label': t('This step') },
    el('div', { class: 'card-head' }, title),
    sentence,
    formula,
    stages,
  );
  let views: readonly StageView[] = [];
  const stepChanged = changeDetector();
  const numbersChanged = changeDetector();
  return {
    root,
    show: (path, step, { shown, theme }) => {
      if (shown === null) return;
      const { explanation } = shown;
      if (stepChanged(path, step)) {
        const labels = tokenLabels(explanation);
        const text = stepText(step, path, explanation.model);
        places.settle(path, step);
        title.textContent = text.title;
        sentence.textContent = text.sentence;
        formula.textContent = text.formula;
        views = stagesOf(path, step).map((stage) =>
          createStageView(path, stage, { labels, vocab: explanation.model.vocab }, tooltip, (index) =>
            places.goTo({ stage: stage.name, index }),
          ),
        );
        stages.replaceChildren(...(step === 'draw' ? drawStep(path, explanation, labels) : views.map((view) => view.root)));
        root.dataset['part'] = partOf(step);
      }
      const place = places.place();
      if (!numbersChanged(path, step, place, theme)) return;
      for (const view of views) view.show(view.stage.name === place?.stage ? place.index : -1, theme);
    },
  };
}
