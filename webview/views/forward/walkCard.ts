import { html } from 'lit-html';
import type { ForwardPath } from '../../../src/core/forwardPath.ts';
import { tokenLabels, type PanelContext } from '../../context.ts';
import type { WalkStep } from '../../figures/pathSteps.ts';
import { segmented, slider, type Choice } from '../../parts/controls.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { integer } from '../../parts/format.ts';
import { layerNotes } from '../../parts/layerNotes.ts';
import { chipTemplate, drawInto } from '../../parts/templates.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import type { Settings } from '../../viewSettings.ts';
import { createStepMap } from './stepMap.ts';

/** Card that heads the walkthrough: the token, the layer, head and expert it is followed through, and an overview of its steps. */
export interface WalkCard {
  readonly root: HTMLElement;
  readonly update: (state: ViewState) => void;
  readonly show: (path: ForwardPath, steps: readonly WalkStep[], step: WalkStep, state: ViewState) => void;
}

/** Creates the card. `openStep` is called when a step is chosen. */
export function createWalkCard({ store }: PanelContext, openStep: (step: WalkStep) => void): WalkCard {
  const change = (settings: Partial<Settings>): void => store.dispatch({ type: 'settings', change: settings });
  const title = el('h2');
  const notes = el('span', { class: 'beside' });
  const layer = slider(t('Layer'), 0, 0, 1, (value) => change({ layer: value }));
  const head = slider(t('Head'), 0, 0, 1, (value) => change({ head: value }));
  const experts = el('div', { class: 'walk-experts', hidden: true });
  const map = createStepMap(openStep);
  const root = el(
    'section',
    { class: 'card walk', 'aria-label': t('Steps of the forward pass') },
    el(
      'div',
      { class: 'walk-head' },
      el('div', { class: 'walk-title' }, title, notes),
      el('div', { class: 'walk-controls' }, layer.root, head.root),
    ),
    experts,
    map.root,
  );
  let expertChoice: Choice<string> | undefined;
  const expertsChanged = changeDetector();

  function showExperts({ experts: chosen, layer: ofLayer }: ForwardPath): void {
    experts.hidden = chosen === undefined;
    if (chosen === undefined) return;
    if (expertsChanged(ofLayer, chosen.ids.join(), chosen.shared)) {
      const names = [
        ...Array.from(chosen.ids, (id, index) => [String(index), t('Expert {0}', id)] as const),
        ...(chosen.shared ? [[String(chosen.ids.length), t('Shared expert')] as const] : []),
      ];
      expertChoice = segmented(t('Expert'), names, (value) => change({ pathExpert: Number(value) }), true);
      experts.replaceChildren(expertChoice.root);
    }
    expertChoice?.set(String(chosen.shown));
  }

  return {
    root,
    update: ({ shown, settings }) => {
      if (shown === null) return;
      const { model, tokens } = shown.explanation;
      drawInto(title, html`${chipTemplate(tokenLabels(shown.explanation)[settings.selected] ?? '')} ${t('through the model')}`);
      notes.textContent = [
        t('position {0}', settings.selected),
        t('id {0}', integer(tokens[settings.selected]?.id ?? 0)),
        ...layerNotes(model, settings.layer),
      ].join(' · ');
      layer.set(settings.layer, integer(settings.layer), model.layers - 1);
      head.set(settings.head, integer(settings.head), model.heads - 1);
    },
    show: (path, steps, step, { shown }) => {
      if (shown === null) return;
      showExperts(path);
      map.show(steps, step, path, shown.explanation.model);
    },
  };
}
