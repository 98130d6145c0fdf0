import type { Explanation } from '../../../src/core/trace.ts';
import { markTokens, selectToken, tokenLabels, type PanelContext, type View } from '../../context.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { tokenAxis } from '../../figures/figureData.ts';
import { cosineCode, hasCode } from '../../figures/pythonCode.ts';
import { cosineKey, cosinePairs, cosineScale, similarityFigure } from '../../figures/similarityMap.ts';
import { farthestAt, pooledRows, type PairNumbers } from '../../figures/squareMap.ts';
import { cosineText, integer } from '../../parts/format.ts';
import { plainKey } from '../../parts/keys.ts';
import { createMapZoom } from '../../parts/mapZoom.ts';
import type { TooltipContent } from '../../parts/tooltip.ts';
import { createPlot, type PlotOptions, type PlotPoint } from '../../plot.ts';
import { question } from '../../question.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import type { Cell } from '../../viewSettings.ts';
import { createPlaceChoice, shownPlaceFile } from './placeChoice.ts';
import { createFrameSwitch, typicalText } from '../../parts/vectorFrame.ts';

/** All cosines, as they are saved. */
function cosinesToSave({ host, store }: PanelContext): ReturnType<NonNullable<PlotOptions['data']>> {
  const { shown, settings } = store.state();
  if (shown === null) return null;
  const { tokens } = shown.explanation;
  const place = { layer: settings.embeddingLayer, frame: settings.frame };
  return async () => {
    const { cosines } = await host.query('saved similarity', 'similarity', place);
    return { kind: 'grid', value: 'cosine', rows: tokenAxis('token', tokens), columns: tokenAxis('other', tokens), values: cosines };
  };
}

function cosinesInPython({ shown, settings }: ViewState): string | null {
  if (shown === null || shown.explanation.model.served !== undefined || !hasCode(shown.explanation)) return null;
  return cosineCode(shown.explanation, settings.embeddingLayer, settings.frame);
}

/** Map of the cosine of every pair of tokens at one place of the residual stream. */
export function createSimilarity(context: PanelContext): View {
  const { store } = context;
  const place = createPlaceChoice(context);
  const frame = createFrameSwitch(context, 'text');
  const caption = el('p', { class: 'caption' });
  const plot = createPlot(t('Cosine of every pair of tokens'), () => `${shownPlaceFile(store.state())}-similarity`, {
    data: () => cosinesToSave(context),
    code: () => cosinesInPython(store.state()),
    hover: (point, event) => hover(point === null ? undefined : cellOf(point), event),
    click: (point) => selectToken(context, cellOf(point)?.query ?? point.y),
    keys: (event) => zoom.key(event) || moveToken(event),
    wheel: (factor, point) => zoom.wheel(factor, point),
    resized: () => asked.redraw(),
  });
  const zoom = createMapZoom(context, {
    pooled: (side) =>
      t(
        'There are more cells than the screen has room for: of {0} × {0} cosines a square shows the one farthest from the ' +
          'middle of the colours, and pointing at it names that one.',
        side,
      ),
    named: (...edges) => t('Rows {0} to {1}, columns {2} to {3}', ...edges),
    keys: true,
    cell: () => ({ query: store.state().settings.selected, key: store.state().settings.selected }),
    changed: () => asked.redraw(),
  });
  const drawn = changeDetector();
  const squaresChanged = changeDetector();
  let squares: ReturnType<typeof pooledRows> = [];
  let block = 1;
  const asked = question(context, {
    busy: () => root,
    parts: [plot.root, caption],
    ask: async ({ settings }, query) => {
      const { cosines, typical } = await query('similarity', 'similarity', { layer: settings.embeddingLayer, frame: settings.frame });
      const scale = cosineScale(cosines, settings.frame, typical);
      return { pairs: cosinePairs(cosines, scale), typical, scale };
    },
    answered: ({ typical }) => {
      caption.textContent = [
        t('Cosine of the tokens’ vectors in all dimensions: 1 is the same direction. Click a row to select its token; arrow keys move.'),
        ...(Number.isNaN(typical.mean) ? [] : [t('Two different tokens, the first left out: {0}.', typicalText(typical))]),
      ].join(' ');
    },
    draw: (answer, { shown, settings, theme }) => {
      const width = plot.width();
      if (shown === null || width === 0) return;
      const { pairs, scale } = answer;
      const { selected } = settings;
      const {
        part,
        window,
        block: side,
      } = zoom.update({ of: shown, tokens: pairs.count, hideFirst: false, row: selected, column: null }, width);
      if (!drawn(answer, selected, width, theme, part)) return;
      block = side;
      if (squaresChanged(pairs, block, part)) squares = pooledRows(pairs, block, window);
      plot.draw(
        similarityFigure(squares, scale, { labels: tokenLabels(shown.explanation), selected, width, block, window }, theme),
        cosineKey(scale, theme),
      );
    },
  });
  const root: HTMLElement = el(
    'section',
    { class: 'card', 'aria-label': t('Similarity') },
    place.root,
    place.note,
    frame.root,
    asked.notice,
    ...zoom.notes,
    el('div', { class: 'square-plot' }, plot.root),
    caption,
  );

  /** Cell that a point of the map stands for. */
  function cellOf({ x, y }: Pick<PlotPoint, 'x' | 'y'>): Cell | undefined {
    const answer = asked.answer();
    if (answer === undefined) return undefined;
    return block === 1 ? { query: y, key: x } : farthestAt(answer.pairs, block, { x, y });
  }
  function hover(cell: Cell | undefined, event: MouseEvent | null): void {
    const { shown } = store.state();
    const pairs = asked.answer()?.pairs;
    if (cell === undefined || event === null || shown === null || pairs === undefined) {
      context.tooltip.hide();
      markTokens(context, []);
      return;
    }
    const { query, key } = cell;
    context.tooltip.show(cosineContent(pairs, cell, shown.explanation), event.clientX, event.clientY);
    markTokens(context, [query, key]);
  }
  function moveToken(event: KeyboardEvent): void {
    const { settings, shown } = store.state();
    const pairs = asked.answer()?.pairs;
    const step = { ArrowUp: -1, ArrowDown: 1, ArrowLeft: -1, ArrowRight: 1 }[plainKey(event)];
    if (step === undefined || shown === null || pairs === undefined) return;
    event.preventDefault();
    const labels = tokenLabels(shown.explanation);
    const token = Math.max(0, Math.min(labels.length - 1, settings.selected + step));
    selectToken(context, token);
    const like = mostLike(pairs, token);
    if (like !== undefined)
      context.announce(t('{0}: most like {1}, cosine {2}', labels[token] ?? '', labels[like[0]] ?? '', cosineText(like[1])));
  }

  return {
    root,
    update: (state) => {
      const { shown, settings } = state;
      if (shown === null) return;
      place.update(state);
      frame.set(settings.frame);
      asked.update(state, shown, settings.embeddingLayer, settings.frame);
    },
  };
}

/** Tooltip of a cell of the map. */
function cosineContent(pairs: PairNumbers, { query, key }: Cell, explanation: Explanation): TooltipContent {
  const labels = tokenLabels(explanation);
  return {
    title: cosineText(query === key ? 1 : pairs.at(query, key)),
    rows: [
      [t('Row'), `${labels[query] ?? ''}  (${integer(query)})`],
      [t('Column'), `${labels[key] ?? ''}  (${integer(key)})`],
    ],
  };
}

/** The other token with the largest cosine, and that. */
function mostLike(pairs: PairNumbers, token: number): readonly [number, number] | undefined {
  return Array.from({ length: pairs.count }, (_, other) => [other, pairs.at(token, other)] as const)
    .filter(([, cosine]) => !Number.isNaN(cosine))
    .sort((x, y) => y[1] - x[1])[0];
}
