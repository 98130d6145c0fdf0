import { checkbox } from '../../parts/controls.ts';
import type { PanelContext, View } from '../../context.ts';
import { el } from '../../parts/dom.ts';
import { freeKey } from '../../parts/keys.ts';
import { question, whileBusy } from '../../question.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { createCellCard } from './cellCard.ts';
import { createEditorAttention } from './editorAttention.ts';
import { createEffectiveCard } from './effectiveCard.ts';
import { createHeadCells, type ShownHead } from './headCells.ts';
import { createHeadMap } from './headMap.ts';
import { createHeadMeasures, hasMap } from './headMeasure.ts';
import { createHeadOverview } from './headOverview.ts';
import { createHeadPointer } from './headPointer.ts';
import { createHeadRow } from './headRow.ts';
import { createHeadsAhead } from './headsAhead.ts';
import { createHeadTitle } from './headTitle.ts';

/** The Attention tab: overview of all heads, one head's map, one query's row, one cell's arithmetic. */
export function createAttention(context: PanelContext): View {
  const { store } = context;
  const head = (): ShownHead | undefined => asked.answer();
  const draw = (): void => asked.redraw();
  const overview = createHeadOverview(
    context,
    (layer, number) => ahead.pointed(layer, number),
    // Of a map that shall be that of the best head.
    (all) => isOpening(store.state()) && void whileBusy(mapCard, Promise.allSettled([all])),
  );
  const cells = createHeadCells(context, head);
  const ahead = createHeadsAhead(context, cells.query);
  const events = { hover: createHeadPointer(context, cells, head, draw), resized: draw };
  const map = createHeadMap(context, cells, head, events);
  const row = createHeadRow(context, cells, events, (state) => {
    const found = head();
    if (found !== undefined) cell.update(found, state);
  });
  const cell = createCellCard(context, cells, head);
  const asked = question<ShownHead>(context, {
    busy: () => mapCard,
    parts: [map.root, row.root, cell.root],
    ask: async ({ settings }, query) => {
      cells.point(null);
      ahead.asked();
      const place = { layer: settings.layer, head: settings.head };
      // A slot of its own: rows of the previous head may be requested meanwhile, under the pointer.
      const [picture, first] = await Promise.all([
        query('attention', 'attentionPicture', place),
        query('headRow', 'attentionRow', { ...place, query: cells.query() }),
      ]);
      return { picture, rows: new Map([[first.query, first]]) };
    },
    answered: ({ picture }) => ahead.shown(picture.layer, picture.head),
    draw: (found, state) => {
      // The map is drawn first, the row and the cell one frame later.
      if (map.draw(found, state)) requestAnimationFrame(() => drawRow());
      else row.update(found, state);
      measures.redraw();
    },
  });
  const drawRow = (): void => {
    const found = head();
    if (found !== undefined) row.update(found, store.state());
  };
  const title = createHeadTitle(isOpening);
  const measures = createHeadMeasures(context, cells, head, draw);
  const hideFirst = checkbox(t('Hide the first token'), (value) => store.dispatch({ type: 'settings', change: { hideFirst: value } }));
  const logScale = checkbox(t('Logarithmic colours'), (value) => store.dispatch({ type: 'settings', change: { logScale: value } }));
  // Hidden as a whole where something else is shown in its place: its parts are hidden while there is no answer.
  const weights = el('div', { class: 'measure-map' }, ...map.notes, map.root);
  const weightsRow = el('div', {}, row.root);
  const inEditor = createEditorAttention(context);
  const effective = createEffectiveCard(context);
  // What there is of a head with attention weights; hidden as a whole where the layer has none.
  const ofWeights = el(
    'div',
    { class: 'head-row' },
    inEditor.root,
    el('div', { class: 'axis-note' }, t('Row: query, the token that looks. Column: key, the token looked at. Click a cell to lock it.')),
    asked.notice,
    weights,
    measures.map,
    weightsRow,
    measures.edges,
  );
  const mapCard: HTMLElement = el(
    'section',
    { class: 'card map-card', 'aria-label': t('One head') },
    title.root,
    measures.choice,
    el('div', { class: 'toolbar' }, hideFirst.root, logScale.root),
    ofWeights,
    effective.root,
  );
  const root = el('div', { class: 'attention-view' }, overview.root, mapCard, cell.root);
  // There is no weight before there is a head.
  cell.root.hidden = true;
  root.addEventListener('keydown', (event) => {
    if (freeKey(event) === 'Escape' && store.state().settings.locked !== null) {
      cells.lock(null);
      event.stopPropagation();
    }
  });

  return {
    root,
    update: (state) => {
      const { shown, settings } = state;
      if (shown === null) return;
      hideFirst.set(settings.hideFirst);
      logScale.set(settings.logScale);
      inEditor.update(state);
      title.update(state);
      const { recurrence, beside } = (isOpening(state) ? undefined : shown.explanation.model.traits?.layers[settings.layer]) ?? {};
      const kept = recurrence ?? beside;
      ofWeights.hidden = measures.choice.hidden = recurrence !== undefined;
      effective.root.hidden = kept === undefined;
      root.classList.toggle('without-cell', recurrence !== undefined);
      hideFirst.root.hidden = recurrence !== undefined;
      weights.hidden = hasMap(settings.headMeasure);
      logScale.root.hidden = weights.hidden || recurrence !== undefined;
      weightsRow.hidden = settings.headMeasure !== 'weights';
      if (recurrence !== undefined) {
        cell.root.hidden = true;
      } else if (!isOpening(state)) {
        asked.update(state, shown, settings.layer, settings.head);
        measures.update(state);
      }
      if (kept !== undefined) effective.update(state, kept, recurrence === undefined);
      // One head that is looked at comes before the numbers of all.
      overview.update(state);
    },
  };
}

/** Which head is shown first follows from the numbers of all: until they are known there is none to ask for. */
function isOpening({ shown, heads, settings }: ViewState): boolean {
  return !settings.headChosen && heads?.failed !== true && (heads?.layers ?? 0) < (shown?.explanation.model.layers ?? 0);
}
