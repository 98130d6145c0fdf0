import type { PanelContext } from '../../context.ts';
import { slider } from '../../parts/controls.ts';
import { el } from '../../parts/dom.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';

/** Slider over the places of the residual stream, with what is given before it. An engine returns one place alone, which `note` names. */
export function createPlaceChoice({ store }: PanelContext, ...before: readonly HTMLElement[]) {
  const layer = slider(t('Layer'), -1, 0, 1, (value) => store.dispatch({ type: 'settings', change: { embeddingLayer: value } }));
  const root = el('div', { class: 'player' }, ...before, layer.root);
  const note = el(
    'p',
    { class: 'caption' },
    t(
      'After the final norm: the vectors that the unembedding reads, as SGLang returns them (of models with several residual streams, such \
as DeepSeek-V4, the streams). Vectors of other layers are not returned.',
    ),
  );
  return {
    root,
    note,
    update: ({ shown, settings }: ViewState): void => {
      const { layers = 0, served } = shown?.explanation.model ?? {};
      root.hidden = served !== undefined;
      note.hidden = served === undefined;
      layer.set(settings.embeddingLayer, placeName(settings.embeddingLayer, layers), layers);
    },
  };
}

/** Name of the place on show, in the names of files. */
export function shownPlaceFile({ shown, settings }: ViewState): string {
  return shown?.explanation.model.served === undefined ? placeFile(settings.embeddingLayer) : 'final-norm';
}

/** Name of a place in the residual stream, in names of files. */
export function placeFile(layer: number): string {
  return layer < 0 ? 'static-embedding' : `layer-${layer}`;
}

/** Name of a place in the residual stream; `layer` as in `embeddingLayer`. */
export function placeName(layer: number, layers: number): string {
  if (layer < 0) return t('Static embedding, before positions');
  if (layer === 0) return t('Input of block 0');
  return layer === layers ? t('After block {0}, the last', layer - 1) : t('After block {0}', layer - 1);
}
