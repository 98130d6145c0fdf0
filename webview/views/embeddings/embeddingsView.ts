import type { PanelContext, View } from '../../context.ts';
import { segmented, type Choice } from '../../parts/controls.ts';
import { el } from '../../parts/dom.ts';
import { EMBEDDING_VIEWS, type EmbeddingView } from '../../viewSettings.ts';
import { t } from '../../strings.ts';
import { createAskVectors } from '../served/askVectors.ts';
import { createArithmetic } from './arithmeticView.ts';
import { createEmbeddings } from './projectionView.ts';
import { createNeighbours } from './neighbours.ts';
import { createSimilarity } from './similarity.ts';
import { createWordContext } from './wordContext.ts';
import { createWordMap } from './wordMap.ts';

/** Views for which the vectors of one layer suffice, which is what engines return. */
const RETURNED = ['map', 'similarity'] as const;

/** The Embeddings tab: views of vectors, one at a time. Only the open view is updated. */
export function createEmbeddingViews(context: PanelContext): View {
  const titles: Readonly<Record<EmbeddingView, string>> = {
    map: t('Map'),
    neighbours: t('Neighbours'),
    arithmetic: t('Arithmetic'),
    words: t('Words'),
    context: t('Context'),
    similarity: t('Similarity'),
  };
  const views: Readonly<Record<EmbeddingView, View>> = {
    map: createEmbeddings(context),
    neighbours: createNeighbours(context),
    arithmetic: createArithmetic(context),
    words: createWordMap(context),
    context: createWordContext(context),
    similarity: createSimilarity(context),
  };
  const choiceOf = (names: readonly EmbeddingView[]): Choice<EmbeddingView> =>
    segmented(
      t('View of the vectors'),
      names.map((name) => [name, titles[name]] as const),
      (embeddingView) => {
        context.tooltip.hide();
        context.store.dispatch({ type: 'settings', change: { embeddingView } });
      },
    );
  const choice = choiceOf(EMBEDDING_VIEWS);
  const servedChoice = choiceOf(RETURNED);
  const ask = createAskVectors(() => context.store.dispatch({ type: 'settings', change: {} }));
  const parts = [choice.root, servedChoice.root, ask.root, ...EMBEDDING_VIEWS.map((name) => views[name].root)];
  const root = el('div', { class: 'embedding-views' }, ...parts);
  return {
    root,
    update: (state) => {
      const isServed = state.shown?.explanation.model.served !== undefined;
      const isFree = ask.update(state);
      const open = isServed
        ? (RETURNED.find((name) => name === state.settings.embeddingView) ?? RETURNED[0])
        : state.settings.embeddingView;
      choice.root.hidden = isServed;
      servedChoice.root.hidden = !isServed || !isFree;
      choice.set(open);
      servedChoice.set(open);
      for (const name of EMBEDDING_VIEWS) views[name].root.hidden = name !== open || !isFree;
      if (isFree) views[open].update(state);
    },
  };
}
