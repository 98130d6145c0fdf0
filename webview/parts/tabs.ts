import type { PanelContext, View } from '../context.ts';
import { el, stepKey } from './dom.ts';
import { freeKey, plainKey } from './keys.ts';
import { TABS, type TabName } from '../viewSettings.ts';
import { t } from '../strings.ts';
import { createAttention } from '../views/attention/attentionView.ts';
import { createCompare } from '../views/compare/compareView.ts';
import { expertLayers } from '../figures/expertGrid.ts';
import { createEmbeddingViews } from '../views/embeddings/embeddingsView.ts';
import { createExperts } from '../views/experts/expertsView.ts';
import { createForwardPass } from '../views/forward/forwardView.ts';
import { createModel } from '../views/model/modelView.ts';
import { createPositions } from '../views/positions/positionsView.ts';
import { createGenerate } from '../views/generate/generateView.ts';
import { createPredictions } from '../views/predictions/predictionsView.ts';
import { createTokens } from '../views/tokens/tokensView.ts';
import { createWhy } from '../views/why/whyView.ts';

/**
 * Tabs with their views. Only the open view is updated; Experts is shown only for a model that has experts. Keys 1 to 9, and 0
 * for the tenth, switch tabs unless the focused element uses them.
 */
export function createTabs(context: PanelContext): View {
  const titles: Readonly<Record<TabName, string>> = {
    model: t('Model'),
    tokens: t('Tokens'),
    attention: t('Attention'),
    embeddings: t('Embeddings'),
    positions: t('Positions'),
    predictions: t('Predictions'),
    experts: t('Experts'),
    forward: t('Forward pass'),
    why: t('Why'),
    generate: t('Generate'),
    compare: t('Compare'),
  };
  const views: Readonly<Record<TabName, View>> = {
    model: createModel(context),
    tokens: createTokens(context),
    attention: createAttention(context),
    embeddings: createEmbeddingViews(context),
    positions: createPositions(context),
    predictions: createPredictions(context),
    experts: createExperts(context),
    forward: createForwardPass(context),
    why: createWhy(context),
    generate: createGenerate(context),
    compare: createCompare(context),
  };
  const open = (tab: TabName): void => {
    context.tooltip.hide();
    context.store.dispatch({ type: 'settings', change: { tab } });
  };
  const offered = (): readonly TabName[] => {
    const { shown } = context.store.state();
    return TABS.filter((name) => name !== 'experts' || (shown !== null && expertLayers(shown.explanation.model).length > 0));
  };
  const buttons = TABS.map((name) => {
    const tab = el(
      'button',
      { type: 'button', role: 'tab', id: `tab-${name}`, 'aria-controls': `panel-${name}`, class: 'tab' },
      titles[name],
    );
    tab.addEventListener('click', () => open(name));
    return tab;
  });
  const panels = TABS.map((name) =>
    el('div', { role: 'tabpanel', id: `panel-${name}`, 'aria-labelledby': `tab-${name}`, class: 'panel' }, views[name].root),
  );
  const list = el('div', { class: 'tabs', role: 'tablist', 'aria-label': t('Views') }, ...buttons);
  const root = el('div', { class: 'tabs-section' }, list, el('div', { class: 'panels' }, ...panels));
  list.addEventListener('keydown', (event) => {
    const names = offered();
    const next = stepKey(plainKey(event), names.indexOf(context.store.state().settings.tab), names.length);
    const name = next === undefined ? undefined : names[next];
    if (name === undefined) return;
    event.preventDefault();
    open(name);
    buttons[TABS.indexOf(name)]?.focus();
  });
  document.addEventListener('keydown', (event) => {
    const key = freeKey(event);
    const name = /^\d$/.test(key) ? offered()[(Number(key) + 9) % 10] : undefined;
    if (name !== undefined) open(name);
  });
  return {
    root,
    update: (state) => {
      root.hidden = state.shown === null;
      const names = offered();
      TABS.forEach((name, index) => {
        const offer = buttons[index];
        if (offer !== undefined) {
          offer.hidden = !names.includes(name);
          offer.title = t('{0} (key {1})', titles[name], (names.indexOf(name) + 1) % 10);
        }
        const active = name === state.settings.tab;
        buttons[index]?.setAttribute('aria-selected', String(active));
        buttons[index]?.setAttribute('tabindex', active ? '0' : '-1');
        const panel = panels[index];
        if (panel !== undefined) panel.hidden = !active;
      });
      if (state.shown !== null) views[state.settings.tab].update(state);
    },
  };
}
