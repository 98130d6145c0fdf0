import type { PanelContext, View } from '../../context.ts';
import { el } from '../../parts/dom.ts';
import { createLens } from './lens.ts';
import { createNextToken } from './nextToken.ts';

/** The Predictions tab: the next token after the selected one, and how the prediction forms over the layers. */
export function createPredictions(context: PanelContext): View {
  const next = createNextToken(context);
  const lens = createLens(context);
  return {
    root: el('div', { class: 'predictions-view' }, next.root, lens.root),
    update: (state) => {
      next.update(state);
      lens.update(state);
    },
  };
}
