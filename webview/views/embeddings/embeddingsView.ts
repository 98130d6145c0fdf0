import type { PanelContext, View } from '../../context.ts';
import { segmented } from '../../parts/controls.ts';
import { el } from '../../parts/dom.ts';
import { EMBEDDING_VIEWS, type EmbeddingView } from '../../viewSettings.ts';
import { t } from '../../strings.ts';
import { createArithmetic } from './arithmeticView.ts';
import { createEmbeddings } from './projectionView.ts';
import { createNeighbours } from './neighbours.ts';
import { createSimilarity } from './similarity.ts';
import { createWordContext } from './wordContext.ts';
import { createWordMap } from './wordMap.ts';

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
  const choice = segmented(
    t('View of the vectors'),
    EMBEDDING_VIEWS.map((name) => [name, titles[name]] as const),
    (embeddingView) => {
      context.tooltip.hide();
      context.store.dispatch({ type: 'settings', change: { embeddingView } });
    },
  );
  const root = el('div', { class: 'embedding-views' }, choice.root, ...EMBEDDING_VIEWS.map((name) => views[name].root));
  return {
    root,
    update: (state) => {
      const { embeddingView } = state.settings;
      choice.set(embeddingView);
      for (const name of EMBEDDING_VIEWS) views[name].root.hidden = name !== embeddingView;
      views[embeddingView].update(state);
    },
  };
}
