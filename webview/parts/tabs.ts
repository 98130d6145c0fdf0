import type { PanelContext, View } from '../context.ts';
import { changeDetector, el, stepKey } from './dom.ts';
import { markTerms } from './terms.ts';
import { freeKey, plainKey } from './keys.ts';
import { isKeptTab } from '../../src/report/keptTabs.ts';
import { TAB_GROUPS, TABS, type TabGroup, type TabName } from '../viewSettings.ts';
import { t } from '../strings.ts';
import { createNotReturned, needsInside } from '../views/served/notReturned.ts';
import { createServedGenerate } from '../views/served/servedGenerate.ts';
import { createTabLines } from './tabLines.ts';
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
 * Tabs with their views, in groups. Only the open view is updated; Experts is shown only for a model that has experts. Keys 1 to 9, and
 * 0 for the tenth, switch tabs unless the focused element uses them. In a low panel their line scrolls.
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
  /** What stands in place of views that need more than an engine returns. */
  const notReturned = createNotReturned(context);
  const servedGenerate = createServedGenerate(context);
  const viewOf = (name: TabName): View => {
    const served = context.store.state().shown?.explanation.model.served;
    if (served === undefined) return views[name];
    return needsInside(name, served) ? notReturned : name === 'generate' ? servedGenerate : views[name];
  };
  const groups: Readonly<Record<TabGroup, string>> = { text: t('Text'), inside: t('Inside'), act: t('Do') };
  const groupOf = (name: TabName): TabGroup =>
    TAB_GROUPS.text.some((one) => one === name) ? 'text' : TAB_GROUPS.inside.some((one) => one === name) ? 'inside' : 'act';
  const open = (tab: TabName): void => {
    context.tooltip.hide();
    context.store.dispatch({ type: 'settings', change: { tab } });
  };
  const offered = (): readonly TabName[] => {
    const { shown, report, comparison } = context.store.state();
    const isOffered = (name: TabName): boolean => {
      if (name === 'experts') return shown !== null && expertLayers(shown.explanation.model).length > 0;
      return report === null || isKeptTab(name, comparison !== null);
    };
    return TABS.filter(isOffered);
  };
  const buttons = TABS.map((name) => {
    const tab = el(
      'button',
      { type: 'button', role: 'tab', id: `tab-${name}`, 'aria-controls': `panel-${name}`, class: 'tab', 'data-group': groupOf(name) },
      titles[name],
    );
    tab.addEventListener('click', () => open(name));
    return tab;
  });
  const panels = TABS.map((name) =>
    el('div', { role: 'tabpanel', id: `panel-${name}`, 'aria-labelledby': `tab-${name}`, class: 'panel' }, views[name].root),
  );
  const list = el('div', { class: 'tabs', role: 'tablist', 'aria-label': t('Views') }, ...buttons);
  const lines = createTabLines(list, buttons, buttons[TABS.indexOf(TAB_GROUPS.act[0])]);
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
  const seen = changeDetector();
  const namesChanged = changeDetector();
  /** Views whose terms are marked. */
  const explained = new Set<View>();
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
          const place = names.indexOf(name);
          const named = t('{0}: {1}', groups[groupOf(name)], titles[name]);
          offer.title = place < 10 ? t('{0} (key {1})', named, (place + 1) % 10) : named;
        }
        const active = name === state.settings.tab;
        buttons[index]?.setAttribute('aria-selected', String(active));
        buttons[index]?.setAttribute('tabindex', active ? '0' : '-1');
        const panel = panels[index];
        if (panel !== undefined) panel.hidden = !active;
        if (active && panel !== undefined && panel.firstChild !== viewOf(name).root) panel.replaceChildren(viewOf(name).root);
      });
      if (namesChanged(names.length, root.hidden)) lines.arrange();
      if (seen(state.settings.tab, root.hidden))
        buttons[TABS.indexOf(state.settings.tab)]?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
      if (state.shown === null) return;
      const view = viewOf(state.settings.tab);
      view.update(state);
      if (explained.has(view)) return;
      explained.add(view);
      markTerms(view.root);
    },
  };
}
