import { CancelledError } from '../../src/core/errors.ts';
import { at } from '../../src/core/tensor.ts';
import type { ExpertRouting } from '../../src/core/trace.ts';
import { gradientLegend, slider } from '../controls.ts';
import { failureNotice, markTokens, selectToken, tokenLabels, whileBusy, type PanelContext, type View } from '../context.ts';
import { changeDetector, el } from '../dom.ts';
import { expertGrid, expertGridFigure, expertLayers, expertLoad, expertLoadFigure, expertsOf, largestWeight, type ExpertGrid } from '../figures/experts.ts';
import { integer, percent, significant } from '../format.ts';
import { createPlot, type PlotPoint } from '../plot.ts';
import type { ViewState } from '../state.ts';
import { t } from '../strings.ts';
import { gradient } from '../theme.ts';

/** Which experts of a layer each token was sent to, with their weights, and how many tokens each expert got. */
export function createExperts(context: PanelContext): View {
  const { store, host } = context;
  const layers = (): readonly number[] => {
    const { shown } = store.state();
    return shown === null ? [] : expertLayers(shown.explanation.model);
  };
  const layer = slider(t('Layer'), 0, 0, 1, (index) => store.dispatch({ type: 'settings', change: { expertLayer: layers()[index] ?? 0 } }));
  const facts = el('dl', { class: 'facts small' });
  const legend = gradientLegend();
  const notice = el('div');
  const chosenTitle = el('h3');
  const chosenList = el('ul', { class: 'chosen-experts' });
  const draw = (): void => render(store.state());
  const load = createPlot(t('Share of the tokens that each expert was sent'), { hover: hoverLoad, resized: draw });
  const map = createPlot(t('Experts of each token: rows are tokens, columns are experts'), { hover: hoverCell, click: (point) => selectToken(context, point.y), resized: draw });
  map.root.tabIndex = 0;
  map.root.setAttribute('role', 'application');
  const figures = el('div', { class: 'expert-figures' },
    el('div', { class: 'chosen' }, chosenTitle, chosenList),
    el('h3', {}, t('Load')), el('p', { class: 'caption' }, t('Share of the tokens that each expert was sent. Dotted: an even spread.')), load.root,
    el('div', { class: 'toolbar spread' }, el('h3', {}, t('Weights')), legend.root), el('p', { class: 'caption' }, t('Row: token. Column: expert. Empty: not sent there.')), map.root);
  const root = el('section', { class: 'card experts-view', 'aria-label': t('Experts') },
    el('div', { class: 'toolbar' }, el('div', { class: 'player' }, layer.root), facts), notice, figures);

  let routing: ExpertRouting | undefined;
  let grid: ExpertGrid = [];
  let loads: Float64Array = new Float64Array();
  const asked = changeDetector();
  const drawn = changeDetector();

  function hoverCell(point: PlotPoint | null, event: MouseEvent | null): void {
    const { shown } = store.state();
    if (point === null || event === null || shown === null) {
      context.tooltip.hide();
      return markTokens(context, []);
    }
    const weight = grid[point.y]?.[point.x] ?? null;
    context.tooltip.show({
      title: weight === null ? t('not sent there') : significant(weight, 6),
      rows: [[t('Token'), `${tokenLabels(shown.explanation)[point.y] ?? ''}  (${integer(point.y)})`], [t('Expert'), integer(point.x)]],
    }, event.clientX, event.clientY);
    markTokens(context, [point.y]);
  }
  function hoverLoad(point: PlotPoint | null, event: MouseEvent | null): void {
    if (point === null || event === null) return context.tooltip.hide();
    const share = at(loads, point.x);
    context.tooltip.show({ title: t('Expert {0}', point.x), rows: [[t('Tokens'), integer(share * grid.length)], [t('Share'), percent(share)]] }, event.clientX, event.clientY);
  }
  map.root.addEventListener('keydown', (event) => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const { settings } = store.state();
    if (step === undefined || routing === undefined) return;
    event.preventDefault();
    const token = Math.max(0, Math.min(grid.length - 1, settings.selected + step));
    selectToken(context, token);
    context.announce([chosenTitle.textContent, ...expertsOf(routing, token).map(({ expert, weight }) => `${t('Expert {0}', expert)} ${significant(weight, 4)}`)].join(', '));
  });

  async function ask(expertLayer: number): Promise<void> {
    try {
      routing = await whileBusy(root, host.query('experts', 'experts', { layer: expertLayer }));
      grid = expertGrid(routing);
      loads = expertLoad(routing);
      notice.replaceChildren();
      figures.hidden = false;
      render(store.state());
    } catch (error) {
      if (error instanceof CancelledError) return;
      // The figures are of another layer than the slider says.
      routing = undefined;
      figures.hidden = true;
      failureNotice(notice, error);
    }
  }

  function render({ shown, settings, theme }: ViewState): void {
    const width = map.width();
    if (shown === null || routing === undefined || width === 0 || !drawn(routing, settings.selected, width, theme)) return;
    const labels = tokenLabels(shown.explanation);
    chosenTitle.replaceChildren(el('span', { class: 'token-text chip' }, labels[settings.selected] ?? ''), ` ${t('was sent to')}`);
    chosenList.replaceChildren(...expertsOf(routing, settings.selected).map(({ expert, weight }) => el('li', {}, el('span', {}, t('Expert {0}', expert)), el('strong', {}, significant(weight, 4)))));
    load.draw(expertLoadFigure(loads, routing.chosen, width, theme));
    map.draw(expertGridFigure(grid, { labels, selected: settings.selected, width }, theme));
    legend.set(gradient(theme.sequential), '0', significant(largestWeight(grid), 3));
  }

  return {
    root,
    update: (state) => {
      const { shown, settings } = state;
      if (shown === null) return;
      const found = layers();
      const traits = shown.explanation.model.special?.layers[settings.expertLayer]?.experts ?? null;
      if (traits === null) return;
      layer.set(found.indexOf(settings.expertLayer), t('Layer {0}', settings.expertLayer), found.length - 1);
      facts.replaceChildren(...([[traits.count, t('experts')], [traits.chosen, t('for each token')], ...(traits.shared ? [['+', t('one that all tokens pass')] as const] : [])] as const)
        .map(([value, name]) => el('div', {}, el('dd', {}, String(value)), el('dt', {}, name))));
      if (asked(shown, settings.expertLayer)) void ask(settings.expertLayer);
      else render(state);
    },
  };
}
