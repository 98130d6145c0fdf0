import { CancelledError } from '../../src/core/errors.ts';
import { at } from '../../src/core/tensor.ts';
import { HEAD_METRICS, type AttentionPicture, type AttentionRow, type Explanation } from '../../src/core/trace.ts';
import { button, checkbox, gradientLegend } from '../controls.ts';
import { failureNotice, markTokens, tokenLabels, whileBusy, type PanelContext, type View } from '../context.ts';
import { changeDetector, el, ICONS } from '../dom.ts';
import { attentionMapFigure, attentionShades, blockSide, cellAt, firstKey, LOG_FLOOR, sinkColumn, strongestWeight, type Shades } from '../figures/attentionMap.ts';
import { attentionRowFigure } from '../figures/attentionRow.ts';
import { headMetric, strongestKey } from '../figures/heads.ts';
import { integer, percent, significant } from '../format.ts';
import { createPlot, type PlotPoint } from '../plot.ts';
import type { Cell } from '../settings.ts';
import type { ViewState } from '../state.ts';
import { t } from '../strings.ts';
import { gradient } from '../theme.ts';
import { cellSteps } from './cellSteps.ts';
import { latentStrip } from './latent.ts';
import { layerNotes } from './layerNotes.ts';
import { createHeadsAhead } from './headsAhead.ts';
import { createHeadOverview, metricTexts, metricValue } from './headOverview.ts';

/** Milliseconds the pointer must rest on a cell before its numbers are asked for. */
const HOVER_REST = 60;

/** Overview of all heads, one head's map, one query's row, one cell's arithmetic. */
export function createAttention(context: PanelContext): View {
  const { store, host } = context;
  const overview = createHeadOverview(context, (layer, head) => ahead.pointed(layer, head));
  const ahead = createHeadsAhead(context, shownQuery);
  const title = el('h2');
  const metrics = el('dl', { class: 'facts small' });
  const hideFirst = checkbox(t('Hide the first token'), (value) => store.dispatch({ type: 'settings', change: { hideFirst: value } }));
  const logScale = checkbox(t('Logarithmic colours'), (value) => store.dispatch({ type: 'settings', change: { logScale: value } }));
  const legend = gradientLegend();
  const unlock = button(t('Unlock'), 'secondary', () => setLock(null), ICONS.close);
  unlock.title = t('Follow the pointer again (Escape)');
  const mapNotice = el('div');
  const blockNote = el('div', { class: 'axis-note' });
  const rowTitle = el('h3');
  const cellBody = el('div', { class: 'cell-body' });
  const draw = (): void => render(store.state());
  const map = createPlot(t('Attention of one head: rows are queries, columns are keys'), {
    hover: (point, event) => {
      const cell = point === null ? undefined : mapCell(point);
      hoverCell(point === null || cell === undefined ? null : { ...point, x: cell.key, y: cell.query }, event);
    },
    click: (point) => {
      const cell = mapCell(point);
      if (cell !== undefined) lockPoint(cell);
    },
    resized: draw,
  });
  const row = createPlot(t('Where the query attends to'), {
    hover: (point, event) => hoverCell(point === null ? null : { ...point, y: shownCell()?.query ?? 0 }, event),
    click: (point) => lockPoint({ query: shownCell()?.query ?? 0, key: point.x }),
    resized: draw,
  });
  map.root.tabIndex = 0;
  map.root.setAttribute('role', 'application');
  const mapTools = el('div', { class: 'toolbar spread' }, legend.root, button(t('Save picture'), 'link', () => map.save('attention')));
  const mapCard = el('section', { class: 'card map-card', 'aria-label': t('One head') },
    el('div', { class: 'card-head' }, title, metrics), el('div', { class: 'toolbar' }, hideFirst.root, logScale.root),
    el('div', { class: 'axis-note' }, t('Row: query, the token that looks. Column: key, the token looked at. Click a cell to lock it.')),
    blockNote, mapTools, mapNotice, map.root, rowTitle, row.root);
  const cellCard = el('section', { class: 'card cell-card', 'aria-label': t('One weight') }, el('div', { class: 'card-head' }, el('h2', {}, t('How this weight came about')), unlock), cellBody);
  const root = el('div', { class: 'attention-view' }, overview.root, mapCard, cellCard);

  let picture: AttentionPicture | undefined;
  /** Rows of the picture's head that were asked for, by query. */
  let rows = new Map<number, AttentionRow>();
  let hovered: Cell | null = null;
  /** The point under the pointer. */
  let pointed: PlotPoint | null = null;
  let resting: ReturnType<typeof setTimeout> | undefined;
  const asked = changeDetector();
  const textChanged = changeDetector();
  const shadesChanged = changeDetector();
  const mapChanged = changeDetector();
  let shades: Shades = [];
  let block = 1;
  const rowChanged = changeDetector();
  const rowAsked = changeDetector();
  const cellChanged = changeDetector();

  function setLock(cell: Cell | null): void {
    hovered = null;
    store.dispatch({ type: 'settings', change: { locked: cell } });
    if (cell !== null) markTokens(context, [cell.query, cell.key]);
  }
  function lockPoint(cell: Cell): void {
    const { locked, hideFirst: hidden } = store.state().settings;
    const tokens = store.state().shown?.explanation.tokens.length ?? 0;
    if (cell.key > cell.query || cell.key < firstKey(tokens, hidden)) return;
    setLock(locked?.query === cell.query && locked.key === cell.key ? null : cell);
  }
  /** The cell that a point of the map stands for. */
  function mapCell(point: PlotPoint): Cell | undefined {
    const { shown, settings } = store.state();
    return picture === undefined || shown === null ? undefined : cellAt(picture, shown.explanation.tokens.length, settings.hideFirst, block, point);
  }
  /** The cell whose arithmetic is shown: locked, under the pointer, or the selected token's strongest. */
  function shownCell(): Cell | null {
    const { settings, shown } = store.state();
    if (settings.locked !== null) return settings.locked;
    if (hovered !== null) return hovered;
    const row = rows.get(settings.selected);
    return row === undefined || shown === null ? null : { query: row.query, key: strongestKey(row, settings.hideFirst) };
  }
  /** The query whose row is shown. */
  function shownQuery(): number {
    const { locked, selected } = store.state().settings;
    return locked?.query ?? hovered?.query ?? selected;
  }
  /** A row of the head on show, exact; undefined where another head or text has taken its place. */
  async function rowOf(query: number): Promise<AttentionRow | undefined> {
    const of = picture;
    if (of === undefined) return undefined;
    const found = rows.get(query) ?? (await host.query('attentionRow', 'attentionRow', { layer: of.layer, head: of.head, query }));
    if (picture !== of) return undefined;
    rows.set(query, found);
    return found;
  }
  function hoverCell(point: PlotPoint | null, event: MouseEvent | null): void {
    clearTimeout(resting);
    const { shown, settings } = store.state();
    if (point === null || picture === undefined || shown === null || point.x > point.y) {
      pointed = null;
      context.tooltip.hide();
      markTokens(context, settings.locked === null ? [] : [settings.locked.query, settings.locked.key]);
      return;
    }
    const onSink = picture.sink !== undefined && point.x === sinkColumn(shown.explanation.tokens.length, settings.hideFirst);
    pointed = point;
    if (event !== null) void showWeight(point, onSink, tokenLabels(shown.explanation), event);
    markTokens(context, onSink ? [point.y] : [point.y, point.x]);
    if (settings.locked !== null || onSink) return;
    resting = setTimeout(() => {
      hovered = { query: point.y, key: point.x };
      render(store.state());
    }, HOVER_REST);
  }
  /** The exact weight under the pointer, as soon as its row is there. */
  async function showWeight(point: PlotPoint, onSink: boolean, labels: readonly string[], { clientX, clientY }: MouseEvent): Promise<void> {
    const row = await rowOf(point.y).catch(() => undefined);
    if (row === undefined || pointed !== point) return;
    const weight = onSink ? (row.sink ?? 0) : at(row.weights, point.x);
    context.tooltip.show({
      title: significant(weight, 7),
      rows: [[t('Query'), `${labels[point.y] ?? ''}  (${integer(point.y)})`], [t('Key'), onSink ? t('sink: no token') : `${labels[point.x] ?? ''}  (${integer(point.x)})`], [t('Share'), percent(weight)]],
    }, clientX, clientY);
  }
  root.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && store.state().settings.locked !== null) {
      setLock(null);
      event.stopPropagation();
    }
  });
  map.root.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (step === undefined || store.state().shown === null || picture === undefined) return;
    event.preventDefault();
    moveLock(step).catch((error: unknown) => failureNotice(cellBody, error));
  });
  /** A key that comes before the row of the token just chosen waits for it. */
  async function moveLock([down = 0, right = 0]: readonly number[]): Promise<void> {
    // Where another head takes the place of this one meanwhile, its row has to come too.
    for (let row = 0; row < 2 && shownCell() === null; row++) await rowOf(shownQuery());
    const cell = shownCell();
    const { shown } = store.state();
    if (cell === null || shown === null) return;
    const query = Math.min(shown.explanation.tokens.length - 1, Math.max(0, cell.query + down));
    const key = Math.min(query, Math.max(0, cell.key + right));
    setLock({ query, key });
    const labels = tokenLabels(shown.explanation);
    const found = await rowOf(query);
    if (found !== undefined) context.announce(t('{0} attends to {1}: {2}', labels[query] ?? '', labels[key] ?? '', percent(at(found.weights, key))));
  }

  function showFigures(shown: boolean): void {
    for (const part of [mapTools, map.root, rowTitle, row.root, cellCard]) part.hidden = !shown;
  }

  async function load(layer: number, head: number): Promise<void> {
    ahead.asked();
    try {
      const query = shownQuery();
      const [map, queryRow] = await whileBusy(mapCard, Promise.all([host.query('attention', 'attentionPicture', { layer, head }), host.query('attentionRow', 'attentionRow', { layer, head, query })]));
      picture = map;
      rows = new Map([[query, queryRow]]);
      mapNotice.replaceChildren();
      showFigures(true);
      render(store.state());
      ahead.shown(layer, head);
    } catch (error) {
      if (error instanceof CancelledError) return;
      // The figures are of another head than the title says.
      picture = undefined;
      rows = new Map();
      showFigures(false);
      failureNotice(mapNotice, error);
    }
  }

  async function showCell(explanation: Explanation, { layer, head }: AttentionPicture, { query, key }: Cell): Promise<void> {
    const answer = await whileBusy(cellCard, host.query('cell', 'attentionCell', { layer, head, query, key }));
    cellBody.replaceChildren(...cellSteps(answer, explanation, context.tooltip));
    if ((explanation.model.special?.latentRank ?? null) === null) return;
    const latent = await whileBusy(cellCard, host.query('latent', 'latent', { layer, token: key }));
    cellBody.append(latentStrip(latent, tokenLabels(explanation)[key] ?? '', context.tooltip));
  }

  function render(state: ViewState): void {
    const { shown, settings, theme } = state;
    if (shown === null || picture === undefined) return;
    const { explanation } = shown;
    const labels = tokenLabels(explanation);
    const width = map.width();
    if (width > 0 && mapChanged(picture, settings.hideFirst, settings.logScale, settings.locked, settings.selected, width, theme)) {
      block = blockSide(picture, labels.length, width, window.devicePixelRatio);
      blockNote.hidden = block === 1;
      blockNote.textContent = t('There are more cells than the screen has room for: a square shows the strongest of {0} × {0} weights, and pointing at it names that one.', block);
      if (shadesChanged(picture, settings.hideFirst, settings.logScale, block)) shades = attentionShades(picture, labels.length, settings.hideFirst, settings.logScale, block);
      map.draw(attentionMapFigure(shades, { labels, hideFirst: settings.hideFirst, logScale: settings.logScale, locked: settings.locked, selected: settings.selected, width, sink: picture.sink !== undefined, block }, theme));
      const strongest = strongestWeight(picture, labels.length, settings.hideFirst, settings.logScale);
      legend.set(gradient(theme.sequential), settings.logScale ? `≤ ${percent(LOG_FLOOR)}` : percent(0), percent(strongest));
      // The map first; the row and the cell come a frame later.
      requestAnimationFrame(() => renderRow(store.state()));
    } else {
      renderRow(state);
    }
  }

  function renderRow({ shown, settings, theme }: ViewState): void {
    if (shown === null || picture === undefined) return;
    const { explanation } = shown;
    const labels = tokenLabels(explanation);
    const width = map.width();
    unlock.hidden = settings.locked === null;
    const query = shownQuery();
    if (rowAsked(picture, query) && !rows.has(query)) rowOf(query).then((found) => found && render(store.state()), (error: unknown) => failureNotice(cellBody, error));
    const cell = shownCell();
    const queryRow = rows.get(query);
    if (cell === null || queryRow === undefined) return;
    if (width > 0 && rowChanged(queryRow, cell.key, settings.hideFirst, width, theme)) {
      rowTitle.replaceChildren(el('span', { class: 'token-text chip' }, labels[query] ?? ''), ` ${t('attends to')}`);
      row.draw(attentionRowFigure(queryRow, { labels, key: cell.key, hideFirst: settings.hideFirst, width }, theme));
    }
    if (cellChanged(shown, picture, cell.query, cell.key)) {
      showCell(explanation, picture, cell).catch((error: unknown) => failureNotice(cellBody, error));
    }
  }

  return {
    root,
    update: (state) => {
      const { shown, settings } = state;
      if (shown === null) return;
      overview.update(state);
      hideFirst.set(settings.hideFirst);
      logScale.set(settings.logScale);
      const { layer, head } = settings;
      if (asked(shown, layer, head)) {
        hovered = null;
        // A picture of another text has another size.
        if (textChanged(shown)) picture = undefined;
        title.replaceChildren(t('Layer {0}, head {1}', layer, head), ...layerNotes(shown.explanation.model, layer).map((note) => el('span', { class: 'beside' }, note)));
        const texts = metricTexts();
        metrics.replaceChildren(...HEAD_METRICS.map((name) => el('div', { title: texts[name].meaning }, el('dd', {}, metricValue(headMetric(shown.explanation, layer, head, name), name)), el('dt', {}, texts[name].name))));
        void load(layer, head);
      } else {
        render(state);
      }
    },
  };
}
