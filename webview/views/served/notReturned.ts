import type { ServedBy } from '../../../src/core/servedBy.ts';
import type { PanelContext, View } from '../../context.ts';
import { button } from '../../parts/controls.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { engineText } from '../../parts/servedTexts.ts';
import { t } from '../../strings.ts';
import type { TabName } from '../../viewSettings.ts';

/** Tabs whose views need no more than what engines return. */
const RETURNED: ReadonlySet<TabName> = new Set<TabName>(['tokens', 'predictions', 'generate', 'compare']);

/** Whether a tab's view needs more of the inside of a model than the engine that serves it returns. */
export function needsInside(tab: TabName, served: ServedBy): boolean {
  if (tab === 'experts') return served.routing === undefined;
  if (tab === 'embeddings') return served.hiddenStates === undefined;
  return !RETURNED.has(tab);
}

/** In place of a view that needs what happens inside a model that an engine serves: what it does not return, and what would. */
export function createNotReturned({ host }: PanelContext): View {
  const missing: Readonly<Partial<Record<TabName, string>>> = {
    model: t('the model’s parts and what flows through them'),
    attention: t('attention weights'),
    embeddings: t('the tokens’ vectors'),
    positions: t('queries, keys and how positions turn them'),
    forward: t('the numbers of its forward pass'),
    experts: t('the experts that tokens are routed to'),
    why: t('gradients, and what its parts add to a prediction'),
  };
  const title = el('h2');
  const text = el('p', { class: 'status-text' });
  const near = el('p', { class: 'status-text' });
  const root = el(
    'section',
    { class: 'card not-returned', 'aria-label': t('Not returned by the engine') },
    title,
    text,
    near,
    el(
      'div',
      { class: 'buttons wrap' },
      button(t('Read With a Model on This Machine…'), 'primary', () => host.post({ type: 'command', name: 'readHere' })),
      button(t('Compare With Another Model…'), 'secondary', () => host.post({ type: 'command', name: 'compareModel' })),
    ),
  );
  const changed = changeDetector();
  return {
    root,
    update: ({ shown, settings: { tab }, nearest }) => {
      if (shown === null || !changed(shown, tab, nearest)) return;
      const { model } = shown.explanation;
      title.textContent = t('This engine does not return {0}', missing[tab] ?? '');
      text.textContent = t(
        '{0} answers with tokens, their probabilities and some alternatives. What happens inside {1} stays there; a model that \
runs on this machine shows it.',
        engineText(model) ?? '',
        model.name,
      );
      near.hidden = nearest === null;
      near.textContent = nearest === null ? '' : t('Nearest to it on this machine: {0}.', nearest);
    },
  };
}
