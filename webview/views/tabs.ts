import type { PanelContext, View } from '../context.ts';
import { el, stepKey } from '../dom.ts';
import { TABS, type TabName } from '../settings.ts';
import { t } from '../strings.ts';
import { createAttention } from './attention.ts';
import { expertLayers } from '../figures/experts.ts';
import { createEmbeddings } from './embeddings.ts';
import { createExperts } from './experts.ts';
import { createGenerate } from './generate.ts';
import { createPredictions } from './predictions.ts';
import { createTokens } from './tokens.ts';

/** The views behind tabs; only the open one is brought up to date. Experts only for a model that has them. Keys 1 to 9 switch from anywhere but a text field. */
export function createTabs(context: PanelContext): View {
  const titles: Readonly<Record<TabName, string>> = { tokens: t('Tokens'), attention: t('Attention'), embeddings: t('Embeddings'), predictions: t('Predictions'), experts: t('Experts'), generate: t('Generate') };
  const views: Readonly<Record<TabName, View>> = { tokens: createTokens(context), attention: createAttention(context), embeddings: createEmbeddings(context), predictions: createPredictions(context), experts: createExperts(context), generate: createGenerate(context) };
  const open = (tab: TabName): void => {
    context.tooltip.hide();
    context.store.dispatch({ type: 'settings', change: { tab } });
  };
  const offered = (): readonly TabName[] => {
    const { shown } = context.store.state();
    return TABS.filter((name) => name !== 'experts' || (shown !== null && expertLayers(shown.explanation.model).length > 0));
  };
  const buttons = TABS.map((name) => {
    const tab = el('button', { type: 'button', role: 'tab', id: `tab-${name}`, 'aria-controls': `panel-${name}`, class: 'tab' }, titles[name]);
    tab.addEventListener('click', () => open(name));
    return tab;
  });
  const panels = TABS.map((name) => el('div', { role: 'tabpanel', id: `panel-${name}`, 'aria-labelledby': `tab-${name}`, class: 'panel' }, views[name].root));
  const list = el('div', { class: 'tabs', role: 'tablist', 'aria-label': t('Views') }, ...buttons);
  const root = el('div', { class: 'tabs-section' }, list, el('div', { class: 'panels' }, ...panels));
  list.addEventListener('keydown', (event) => {
    const names = offered();
    const next = stepKey(event.key, names.indexOf(context.store.state().settings.tab), names.length);
    const name = next === undefined ? undefined : names[next];
    if (name === undefined) return;
    event.preventDefault();
    open(name);
    buttons[TABS.indexOf(name)]?.focus();
  });
  document.addEventListener('keydown', (event) => {
    const name = /^[1-9]$/.test(event.key) ? offered()[Number(event.key) - 1] : undefined;
    const typing = event.target instanceof HTMLInputElement && (event.target.type === 'text' || event.target.type === 'number');
    if (name !== undefined && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) open(name);
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
          offer.title = t('{0} (key {1})', titles[name], names.indexOf(name) + 1);
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
