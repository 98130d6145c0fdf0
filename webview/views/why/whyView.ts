import type { PanelContext, View } from '../../context.ts';
import { el } from '../../parts/dom.ts';
import { createWhatIf } from './whatIfCard.ts';
import { createCopyExperiment } from './copyExperimentCard.ts';
import { createSteering } from './steeringCard.ts';
import { createWhyParts } from './whyParts.ts';
import { createWhyQuestion } from './questionCard.ts';
import { createWhyWords } from './whyWords.ts';

/**
 * The Why tab: a question about a prediction, the words of the text and the parts of the model that it comes from, what if, steering,
 * and an experiment.
 */
export function createWhy(context: PanelContext): View {
  const views = [
    createWhyQuestion(context),
    createWhyWords(context),
    createWhyParts(context),
    createWhatIf(context),
    createSteering(context),
    createCopyExperiment(context),
  ];
  return {
    root: el('div', { class: 'why-view' }, ...views.map(({ root }) => root)),
    update: (state) => {
      for (const view of views) view.update(state);
    },
  };
}
