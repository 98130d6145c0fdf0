import type { PanelContext, View } from '../../context.ts';
import { el } from '../../parts/dom.ts';
import { createReturnedNext } from '../served/returnedNext.ts';
import { createLens } from './lens.ts';
import { createNextToken } from './nextToken.ts';

/**
 * The Predictions tab: the next token after the selected one, and how the prediction forms over the layers; of a model that an engine
 * serves the alternatives that it returned.
 */
export function createPredictions(context: PanelContext): View {
  const next = createNextToken(context);
  const lens = createLens(context);
  const returned = createReturnedNext();
  return {
    root: el('div', { class: 'predictions-view' }, next.root, lens.root, returned.root),
    update: (state) => {
      const isServed = state.shown?.explanation.model.served !== undefined;
      next.root.hidden = isServed;
      lens.root.hidden = isServed;
      returned.root.hidden = !isServed;
      if (isServed) return returned.update(state);
      next.update(state);
      lens.update(state);
    },
  };
}
