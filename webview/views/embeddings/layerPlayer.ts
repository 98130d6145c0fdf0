import type { PanelContext } from '../../context.ts';
import { el, icon, ICONS } from '../../parts/dom.ts';
import { t } from '../../strings.ts';

const PLAY_MS = 1100;

/** Button that steps through the layers, one after another, while the tab is open. */
export function createLayerPlayer({ store }: PanelContext): HTMLElement {
  const button = el('button', { type: 'button', class: 'button secondary icon-button' });
  let timer: ReturnType<typeof setInterval> | undefined;
  const last = (): number => store.state().shown?.explanation.model.layers ?? 0;
  const goTo = (embeddingLayer: number): void => store.dispatch({ type: 'settings', change: { embeddingLayer } });
  const step = (): void => {
    const { tab, embeddingLayer } = store.state().settings;
    if (tab !== 'embeddings' || embeddingLayer >= last()) playing(false);
    else goTo(embeddingLayer + 1);
  };
  function playing(on: boolean): void {
    clearInterval(timer);
    timer = on ? setInterval(step, PLAY_MS) : undefined;
    const label = on ? t('Pause') : t('Play through the layers');
    button.replaceChildren(icon(on ? ICONS.pause : ICONS.play));
    button.setAttribute('aria-label', label);
    button.title = label;
  }
  playing(false);
  button.addEventListener('click', () => {
    if (timer === undefined && store.state().settings.embeddingLayer >= last()) goTo(-1);
    playing(timer === undefined);
  });
  return button;
}
