import { CancelledError } from '../../src/core/errors.ts';
import { visibleToken } from '../../src/core/visibleText.ts';
import { failureNotice, markTokens, selectToken, tokenLabels, whileBusy, type PanelContext, type View } from '../context.ts';
import { button, gradientLegend, slider } from '../controls.ts';
import { changeDetector, el } from '../dom.ts';
import { matrixRows, similarityFigure, smallestCosine } from '../figures/similarityMap.ts';
import { decimal } from '../format.ts';
import { createPlot, type PlotPoint } from '../plot.ts';
import type { ViewState } from '../state.ts';
import { t } from '../strings.ts';
import { gradient } from '../theme.ts';
import { placeName } from './embeddings.ts';

/** Cosine of every pair of tokens at one place of the residual stream. */
export function createSimilarity(context: PanelContext): View {
  const { store, host } = context;
  const layer = slider(t('Layer'), -1, 0, 1, (value) => store.dispatch({ type: 'settings', change: { embeddingLayer: value } }));
  const legend = gradientLegend();
  const notice = el('div');
  const plot = createPlot(t('Cosine of every pair of tokens'), {
    hover: (point, event) => hover(point, event),
    click: (point) => selectToken(context, point.y),
    resized: () => draw(store.state()),
  });
  plot.root.setAttribute('role', 'application');
  plot.root.tabIndex = 0;
  const tools = el('div', { class: 'toolbar spread' }, legend.root, button(t('Save picture'), 'link', () => plot.save('similarity')));
  const root = el('section', { class: 'card', 'aria-label': t('Similarity') }, el('div', { class: 'player' }, layer.root), tools, notice, el('div', { class: 'square-plot' }, plot.root),
    el('p', { class: 'caption' }, t('Cosine of the tokens’ vectors in all dimensions: 1 is the same direction. Click a row to select its token; arrow keys move.')));
  let rows: readonly (readonly number[])[] | undefined;
  let least = 0;
  const asked = changeDetector();
  const drawn = changeDetector();

  function hover(point: PlotPoint | null, event: MouseEvent | null): void {
    const { shown } = store.state();
    if (point === null || event === null || shown === null) {
      context.tooltip.hide();
      markTokens(context, []);
      return;
    }
    const [one, other] = [shown.explanation.tokens[point.y], shown.explanation.tokens[point.x]];
    if (one === undefined || other === undefined) return;
    context.tooltip.show({ title: decimal(rows?.[point.y]?.[point.x] ?? Number.NaN, 6), rows: [[t('Row'), `${visibleToken(one)}  (${point.y})`], [t('Column'), `${visibleToken(other)}  (${point.x})`]] }, event.clientX, event.clientY);
    markTokens(context, [point.y, point.x]);
  }
  plot.root.addEventListener('keydown', (event) => {
    const { settings, shown } = store.state();
    const step = { ArrowUp: -1, ArrowDown: 1, ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined || shown === null || rows === undefined) return;
    event.preventDefault();
    const labels = tokenLabels(shown.explanation);
    const token = Math.max(0, Math.min(labels.length - 1, settings.selected + step));
    selectToken(context, token);
    const like = [...rows[token]?.entries() ?? []].filter(([other]) => other !== token).sort((x, y) => y[1] - x[1])[0];
    if (like !== undefined) context.announce(t('{0}: most like {1}, cosine {2}', labels[token] ?? '', labels[like[0]] ?? '', decimal(like[1], 3)));
  });

  async function load(place: number): Promise<void> {
    try {
      const { cosines } = await whileBusy(root, host.query('similarity', 'similarity', { layer: place }));
      rows = matrixRows(cosines, Math.round(Math.sqrt(cosines.length)));
      least = smallestCosine(cosines);
      notice.replaceChildren();
      for (const part of [tools, plot.root]) part.hidden = false;
      draw(store.state());
    } catch (error) {
      if (error instanceof CancelledError) return;
      rows = undefined;
      for (const part of [tools, plot.root]) part.hidden = true;
      failureNotice(notice, error);
    }
  }

  function draw({ shown, settings, theme }: ViewState): void {
    const width = plot.width();
    if (shown === null || rows === undefined || width === 0 || !drawn(rows, settings.selected, width, theme)) return;
    plot.draw(similarityFigure(rows, least, { labels: tokenLabels(shown.explanation), selected: settings.selected, width }, theme));
    legend.set(gradient(theme.sequential), decimal(least, 2), '1');
  }

  return {
    root,
    update: (state) => {
      const { shown, settings } = state;
      if (shown === null) return;
      const { layers } = shown.explanation.model;
      layer.set(settings.embeddingLayer, placeName(settings.embeddingLayer, layers), layers);
      if (asked(shown, settings.embeddingLayer)) void load(settings.embeddingLayer);
      else draw(state);
    },
  };
}
