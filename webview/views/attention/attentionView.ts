import { checkbox } from '../../parts/controls.ts';
import type { PanelContext, View } from '../../context.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { headsOfText, isFew } from '../../figures/heads.ts';
import { freeKey } from '../../parts/keys.ts';
import { headNotes } from '../../parts/interventionTexts.ts';
import { layerNotes } from '../../parts/layerNotes.ts';
import { question, whileBusy } from '../../question.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { createCellCard } from './cellCard.ts';
import { createEditorAttention } from './editorAttention.ts';
import { createHeadCells, type ShownHead } from './headCells.ts';
import { createHeadMap } from './headMap.ts';
import { createHeadOverview } from './headOverview.ts';
import { createHeadPointer } from './headPointer.ts';
import { createHeadRow } from './headRow.ts';
import { createHeadsAhead } from './headsAhead.ts';
import { headText, samplesSentence, samplesText, scoreTexts } from './headTexts.ts';

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
    },
  });
  const drawRow = (): void => {
    const found = head();
    if (found !== undefined) row.update(found, store.state());
  };
  const title = el('h2');
  const titleChanged = changeDetector();
  const metrics = el('dl', { class: 'facts small' });
  const hideFirst = checkbox(t('Hide the first token'), (value) => store.dispatch({ type: 'settings', change: { hideFirst: value } }));
  const logScale = checkbox(t('Logarithmic colours'), (value) => store.dispatch({ type: 'settings', change: { logScale: value } }));
  const inEditor = createEditorAttention(context);
  const mapCard: HTMLElement = el(
    'section',
    { class: 'card map-card', 'aria-label': t('One head') },
    el('div', { class: 'card-head' }, title, metrics),
    el('div', { class: 'toolbar' }, hideFirst.root, logScale.root),
    inEditor.root,
    el('div', { class: 'axis-note' }, t('Row: query, the token that looks. Column: key, the token looked at. Click a cell to lock it.')),
    ...map.notes,
    asked.notice,
    map.root,
    row.root,
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

  function showTitle(state: ViewState): void {
    const { shown, heads } = state;
    const { layer, head: number } = state.settings;
    if (shown === null || !titleChanged(shown, heads, layer, number, isOpening(state))) return;
    if (isOpening(state)) {
      title.replaceChildren(t('One head'));
      return metrics.replaceChildren();
    }
    title.replaceChildren(
      t('Layer {0}, head {1}', layer, number),
      ...[...headNotes(shown.explanation, layer, number), ...layerNotes(shown.explanation.model, layer)].map((note) =>
        el('span', { class: 'beside' }, note),
      ),
    );
    const texts = scoreTexts();
    const numbers = headsOfText(shown.explanation, heads);
    metrics.replaceChildren(
      ...numbers.scores.map((name) =>
        el(
          'div',
          { class: isFew(numbers, name) ? 'few' : '', title: `${texts[name].meaning} ${samplesSentence(numbers, name)}` },
          el('dd', {}, headText(numbers, layer, number, name)),
          el('dt', {}, texts[name].name, ' ', el('span', { class: 'samples' }, samplesText(numbers, name))),
        ),
      ),
    );
  }

  return {
    root,
    update: (state) => {
      const { shown, settings } = state;
      if (shown === null) return;
      hideFirst.set(settings.hideFirst);
      logScale.set(settings.logScale);
      inEditor.update(state);
      showTitle(state);
      if (!isOpening(state)) asked.update(state, shown, settings.layer, settings.head);
      // One head that is looked at comes before the numbers of all.
      overview.update(state);
    },
  };
}

/** Which head is shown first follows from the numbers of all: until they are known there is none to ask for. */
function isOpening({ shown, heads, settings }: ViewState): boolean {
  return !settings.headChosen && heads?.failed !== true && (heads?.layers ?? 0) < (shown?.explanation.model.layers ?? 0);
}
