import { at } from '../../../src/core/tensor.ts';
import type { Projection } from '../../../src/core/trace.ts';
import { checkbox, segmented } from '../../parts/controls.ts';
import { describeToken, markTokens, selectToken, tokenLabels, type PanelContext, type View } from '../../context.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import type { FigureData } from '../../figures/figureData.ts';
import { projectionFigure } from '../../figures/projectionPlot.ts';
import { integer, percent, significant } from '../../parts/format.ts';
import { countsTemplate, drawInto } from '../../parts/templates.ts';
import { createPlot } from '../../plot.ts';
import { question } from '../../question.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { createLayerPlayer } from './layerPlayer.ts';
import { createPlaceChoice, shownPlaceFile } from './placeChoice.ts';
import type { Settings } from '../../viewSettings.ts';
import { createTurning } from './turning.ts';

/** The map: principal components of the token vectors at a chosen place of the residual stream. */
export function createEmbeddings(context: PanelContext): View {
  const { store } = context;
  const change = (settings: Partial<Settings>): void => store.dispatch({ type: 'settings', change: settings });
  const place = createPlaceChoice(context, createLayerPlayer(context));
  const dimensions = segmented<'2' | '3'>(
    t('Dimensions'),
    [
      ['2', '2D'],
      ['3', '3D'],
    ],
    (value) => change({ dimensions: value === '3' ? 3 : 2 }),
  );
  const hideFirst = checkbox(t('Hide the first token'), (value) => change({ hideFirst: value }));
  hideFirst.root.title = t(
    'The first token’s vector is often many times longer than the others (an attention sink) and would fill the picture.',
  );
  const variance = el('dl', { class: 'facts small' });
  const turning = createTurning(context);
  const plot = createPlot(t('Tokens over principal components'), () => `${shownPlaceFile(store.state())}-projection`, {
    data: () => projectedPoints(asked.answer(), store.state()),
    hover: (point, event) => hover(point?.custom, event),
    click: (point) => {
      if (point.custom !== undefined) selectToken(context, point.custom);
    },
    keys: turning.byKey,
    resized: () => asked.redraw(),
  });
  plot.area.classList.add('projection-plot');
  turning.byPointer(plot.area);
  const hint = el('p', { class: 'caption' });
  const tools = el('div', { class: 'toolbar spread' }, variance, plot.tools);
  const asked = question(context, {
    busy: () => plot.root,
    parts: [tools, plot.root, hint],
    ask: ({ settings }, query) => query('projection', 'projection', { layer: settings.embeddingLayer, skipFirst: settings.hideFirst }),
    draw,
  });
  const root = el(
    'div',
    { class: 'embeddings-view' },
    el(
      'section',
      { class: 'card', 'aria-label': t('Embeddings') },
      el('div', { class: 'toolbar' }, place.root, dimensions.root, hideFirst.root),
      place.note,
      tools,
      asked.notice,
      plot.root,
      hint,
    ),
  );

  const drawn = changeDetector();

  function hover(index: number | undefined, event: MouseEvent | null): void {
    const { shown } = store.state();
    const projection = asked.answer();
    if (index === undefined || event === null || shown === null || projection === undefined) {
      context.tooltip.hide();
      markTokens(context, []);
      return;
    }
    const { title, rows } = describeToken(shown.explanation, index);
    context.tooltip.show(
      { title, rows: [...rows, [t('Length of the vector'), significant(at(projection.norms, index), 4)]] },
      event.clientX,
      event.clientY,
    );
    markTokens(context, [index]);
  }
  function draw(projection: Projection, { shown, settings, theme }: ViewState): void {
    const width = plot.width();
    if (shown === null || width === 0) return;
    const { dimensions: count, selected } = settings;
    const [yaw, pitch] = count === 3 ? [settings.yaw, settings.pitch] : [0, 0];
    if (!drawn(projection, count, selected, yaw, pitch, width, theme)) return;
    const height = Math.round(Math.max(320, Math.min(560, width * 0.7)));
    plot.draw(
      projectionFigure(
        projection,
        {
          labels: tokenLabels(shown.explanation),
          selected,
          dimensions: count,
          yaw,
          pitch,
          width,
          height,
          axisTitles: axisTitles(projection, count),
        },
        theme,
      ),
      { colours: theme.sequential.slice(3), low: t('first token'), high: t('last') },
    );
    plot.area.classList.toggle('turnable', count === 3);
    const seen = projection.explained.subarray(0, count).reduce((sum, share) => sum + share, 0);
    drawInto(variance, countsTemplate([[percent(seen), t('of the variance is in this picture')]]));
    hint.textContent = hintText(projection, count);
  }

  return {
    root,
    update: (state) => {
      const { shown, settings } = state;
      if (shown === null) return;
      place.update(state);
      dimensions.set(settings.dimensions === 3 ? '3' : '2');
      hideFirst.set(settings.hideFirst);
      asked.update(state, shown, settings.embeddingLayer, settings.hideFirst);
    },
  };
}

/** The points of the picture, as they are saved. */
function projectedPoints(projection: Projection | undefined, { shown }: ViewState): FigureData | null {
  if (projection === undefined || shown === null) return null;
  const { points, norms } = projection;
  return {
    kind: 'table',
    columns: ['token', 'text', 'pc1', 'pc2', 'pc3', 'norm'],
    rows: shown.explanation.tokens.map(({ index, text }) => {
      const axes = [0, 1, 2].map((axis) => at(points, 3 * index + axis));
      return [index, text, ...axes, at(norms, index)];
    }),
  };
}

function hintText(projection: Projection, dimensions: 2 | 3): string {
  const turning = dimensions === 3 ? t('Drag or use the arrow keys to turn.') : '';
  const left =
    projection.leftOut > 0
      ? t(
          'The first token is not drawn: its vector has length {0}, the others {1} on average.',
          significant(at(projection.norms, 0), 3),
          significant(projection.norms.slice(1).reduce((sum, norm) => sum + norm, 0) / Math.max(1, projection.norms.length - 1), 3),
        )
      : projection.norms.length === 1
        ? t('1 token.')
        : t('{0} tokens.', integer(projection.norms.length));
  return [left, turning].filter((sentence) => sentence !== '').join(' ');
}

/** Axis titles: the components with their shares of the variance. In three dimensions there is only room for these. */
function axisTitles({ explained }: Projection, dimensions: 2 | 3): readonly [string, string, string] {
  const share = (component: number): string => percent(explained[component] ?? Number.NaN);
  if (dimensions === 3) return [`1 · ${share(0)}`, `2 · ${share(1)}`, `3 · ${share(2)}`];
  const name = (component: number): string => t('Component {0} · {1} of the variance', component, share(component - 1));
  return [name(1), name(2), ''];
}
