import { html } from 'lit-html';
import { at } from '../../../src/core/tensor.ts';
import type { ExpertRouting, Explanation } from '../../../src/core/trace.ts';
import { tokenAxis, type GridAxis } from '../../figures/figureData.ts';
import { expertNumbers, loadNumbers, savedOf } from '../../figures/savedNumbers.ts';
import { slider } from '../../parts/controls.ts';
import { markTokens, selectToken, tokenLabels, type PanelContext, type View } from '../../context.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import {
  expertGrid,
  expertGridFigure,
  expertLayers,
  expertLoad,
  expertLoadFigure,
  expertsOf,
  largestWeight,
  type ExpertGrid,
} from '../../figures/expertGrid.ts';
import { integer, percent, significant } from '../../parts/format.ts';
import { plainKey } from '../../parts/keys.ts';
import type { TooltipContent } from '../../parts/tooltip.ts';
import { chipTemplate, countsTemplate, drawInto } from '../../parts/templates.ts';
import { createPlot, type PlotPoint } from '../../plot.ts';
import { question } from '../../question.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { createCaptions, factsOf, weightText } from './expertTexts.ts';

interface Answer {
  readonly routing: ExpertRouting;
  readonly grid: ExpertGrid;
  /** [experts], the fraction of the tokens routed to each expert. */
  readonly loads: Float64Array;
}

/** The Experts tab: the experts of a layer that each token was routed to, with their weights, and the load of each expert. */
export function createExperts(context: PanelContext): View {
  const { store } = context;
  const layers = (): readonly number[] => {
    const { shown } = store.state();
    return shown === null ? [] : expertLayers(shown.explanation.model);
  };
  const layer = slider(t('Layer'), 0, 0, 1, (index) => store.dispatch({ type: 'settings', change: { expertLayer: layers()[index] ?? 0 } }));
  const facts = el('dl', { class: 'facts small' });
  const chosenTitle = el('h3');
  const chosenList = el('ul', { class: 'chosen-experts' });
  const captions = createCaptions();
  const draw = (): void => asked.redraw();
  const rows = (): GridAxis => tokenAxis('token', store.state().shown?.explanation.tokens ?? []);
  const file = (what: string) => () => `layer-${store.state().settings.expertLayer}-${what}`;
  const load = createPlot(t('Share of the tokens that each expert was sent'), file('expert-load'), {
    data: () => savedOf(asked.answer(), ({ loads }) => loadNumbers(loads)),
    hover: hoverLoad,
    resized: draw,
  });
  const map = createPlot(t('Experts of each token: rows are tokens, columns are experts'), file('experts'), {
    data: () => savedOf(asked.answer(), ({ grid, routing }) => expertNumbers(rows(), grid, routing.weights !== null)),
    hover: hoverCell,
    click: (point) => selectToken(context, point.y),
    keys: moveToken,
    resized: draw,
  });
  const figures = el(
    'div',
    { class: 'expert-figures' },
    el('div', { class: 'chosen' }, chosenTitle, chosenList),
    el('h3', {}, t('Load')),
    captions.load,
    load.root,
    el('div', { class: 'toolbar spread' }, captions.title, map.tools),
    captions.map,
    map.root,
  );
  const drawn = changeDetector();
  const asked = question(context, {
    busy: () => root,
    parts: [figures],
    ask: async ({ settings }, query) => {
      const routing = await query('experts', 'experts', { layer: settings.expertLayer });
      return { routing, grid: expertGrid(routing), loads: expertLoad(routing) };
    },
    answered: ({ routing }) => captions.set(routing),
    draw: render,
  });
  const root: HTMLElement = el(
    'section',
    { class: 'card experts-view', 'aria-label': t('Experts') },
    el('div', { class: 'toolbar' }, el('div', { class: 'player' }, layer.root), facts),
    asked.notice,
    figures,
  );

  function hoverCell(point: PlotPoint | null, event: MouseEvent | null): void {
    const { shown } = store.state();
    if (point === null || event === null || shown === null) {
      context.tooltip.hide();
      return markTokens(context, []);
    }
    context.tooltip.show(cellContent(asked.answer(), point, shown.explanation), event.clientX, event.clientY);
    markTokens(context, [point.y]);
  }
  function hoverLoad(point: PlotPoint | null, event: MouseEvent | null): void {
    const answer = asked.answer();
    if (point === null || event === null || answer === undefined) return context.tooltip.hide();
    context.tooltip.show(loadContent(answer, point.x), event.clientX, event.clientY);
  }
  function moveToken(event: KeyboardEvent): void {
    const step = { ArrowUp: -1, ArrowDown: 1 }[plainKey(event)];
    const { settings } = store.state();
    const answer = asked.answer();
    if (step === undefined || answer === undefined) return;
    event.preventDefault();
    const token = Math.max(0, Math.min(answer.grid.length - 1, settings.selected + step));
    selectToken(context, token);
    context.announce(
      [
        chosenTitle.textContent,
        ...expertsOf(answer.routing, token).map(({ expert, weight }) => `${t('Expert {0}', expert)} ${weightText(weight)}`.trim()),
      ].join(', '),
    );
  }

  function render(answer: Answer, { shown, settings, theme }: ViewState): void {
    const width = map.width();
    if (shown === null || width === 0 || !drawn(answer, settings.selected, width, theme)) return;
    const { routing, grid, loads } = answer;
    const labels = tokenLabels(shown.explanation);
    drawInto(chosenTitle, html`${chipTemplate(labels[settings.selected] ?? '')} ${t('was sent to')}`);
    drawInto(
      chosenList,
      expertsOf(routing, settings.selected).map(
        ({ expert, weight }) => html`<li><span>${t('Expert {0}', expert)}</span><strong>${weightText(weight)}</strong></li>`,
      ),
    );
    const isWeighted = routing.weights !== null;
    load.draw(expertLoadFigure(loads, isWeighted ? routing.chosen : null, width, theme));
    map.draw(
      expertGridFigure(grid, { labels, selected: settings.selected, width, isWeighted }, theme),
      isWeighted ? { colours: theme.sequential, low: '0', high: significant(largestWeight(grid), 3) } : undefined,
    );
  }

  return {
    root,
    update: (state) => {
      const { shown, settings } = state;
      if (shown === null) return;
      const found = layers();
      if (!found.includes(settings.expertLayer)) return;
      layer.set(found.indexOf(settings.expertLayer), t('Layer {0}', settings.expertLayer), found.length - 1);
      drawInto(facts, countsTemplate(factsOf(shown.explanation.model, settings.expertLayer)));
      asked.update(state, shown, settings.expertLayer);
    },
  };
}

function cellContent(answer: Answer | undefined, point: PlotPoint, explanation: Explanation): TooltipContent {
  const weight = answer?.grid[point.y]?.[point.x] ?? null;
  const sent = answer?.routing.weights === null ? t('sent there') : significant(weight ?? 0, 6);
  return {
    title: weight === null ? t('not sent there') : sent,
    rows: [
      [t('Token'), `${tokenLabels(explanation)[point.y] ?? ''}  (${integer(point.y)})`],
      [t('Expert'), integer(point.x)],
    ],
  };
}

function loadContent({ loads, grid }: Answer, expert: number): TooltipContent {
  const share = at(loads, expert);
  return {
    title: t('Expert {0}', expert),
    rows: [
      [t('Tokens'), integer(share * grid.length)],
      [t('Share'), percent(share)],
    ],
  };
}
