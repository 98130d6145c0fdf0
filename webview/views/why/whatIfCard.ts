import type { PanelContext, View } from '../../context.ts';
import { el } from '../../parts/dom.ts';
import { t } from '../../strings.ts';
import { createAddStep } from './addStep.ts';
import { createBeforeAfter } from './beforeAfter.ts';
import { createRecipeEditor } from './recipeEditor.ts';

/** What if: interventions on the model, and what they do to the prediction that is asked about. */
export function createWhatIf(context: PanelContext): View {
  const views = [createRecipeEditor(context), createAddStep(context), createBeforeAfter(context)];
  return {
    root: el(
      'section',
      { class: 'card why-what-if', id: 'what-if', 'aria-label': t('What if') },
      el('h2', {}, t('What if')),
      el(
        'p',
        { class: 'caption' },
        t(
          'Change the model while it runs, and see what becomes of the prediction. What is on here is on in every view, for every token ' +
            'of the text. Parts behind one that is off may take over its work: what changes is not what that part said itself.',
        ),
      ),
      ...views.map(({ root }) => root),
    ),
    update: (state) => {
      for (const view of views) view.update(state);
    },
  };
}
