import { HEAD_MEASURES, headMapAt, type HeadMeasure } from '../../../src/core/headMeasures.ts';
import type { PanelContext } from '../../context.ts';
import { segmented } from '../../parts/controls.ts';
import { el } from '../../parts/dom.ts';
import { question } from '../../question.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { logitOf, sidesOf } from '../why/asked.ts';
import { createEdgeCard } from './edgeCard.ts';
import type { HeadCells, ShownHead } from './headCells.ts';
import { createHeadPointer } from './headPointer.ts';
import { createMeasureMap, measuredText, type MeasuredMap } from './measureMap.ts';
import { createMeasureRow } from './measureRow.ts';
import { createMeasureTarget, measureTarget } from './measureTarget.ts';
import { measureTexts } from './measureTexts.ts';

/** What of a head is shown besides its weights. */
export interface HeadMeasures {
  /** The switch, what is chosen in words, and the target it is about. */
  readonly choice: HTMLElement;
  /** In place of the weights' map and row. */
  readonly map: HTMLElement;
  /** In place of the weights' row, below their map. */
  readonly edges: HTMLElement;
  readonly update: (state: ViewState) => void;
  /** Draws again what depends on the pointer. */
  readonly redraw: () => void;
}

/** Whether a measure has a map of its own. */
export function hasMap(measure: HeadMeasure): boolean {
  return measure === 'value-weighted' || measure === 'gradient-x-weight';
}

/** What is asked of the chosen head. */
function aboutOf(state: ViewState): string {
  const { headMeasure, layer, head } = state.settings;
  const why = headMeasure === 'gradient-x-weight' ? measureTarget(state) : null;
  return JSON.stringify([headMeasure, layer, head, why === null ? null : logitOf(why)]);
}

/** Creates the switch and what it shows. `head`: the head shown; `draw`: shows the numbers of the cell under the pointer. */
export function createHeadMeasures(
  context: PanelContext,
  cells: HeadCells,
  head: () => ShownHead | undefined,
  draw: () => void,
): HeadMeasures {
  const { store } = context;
  const texts = measureTexts();
  const measure = segmented<HeadMeasure>(
    t('Shown'),
    HEAD_MEASURES.map((name) => [name, texts[name].name] as const),
    (headMeasure) => store.dispatch({ type: 'settings', change: { headMeasure } }),
    true,
  );
  const meaning = el('p', { class: 'caption' });
  const target = createMeasureTarget(context);
  // The gradient of a long text takes a while: what is on show until then is of another question.
  const waiting = el('p', { class: 'caption', role: 'status' }, t('Being computed… Another choice stops it.'));
  const shown = (): MeasuredMap | undefined => {
    const found = asked.answer();
    return found?.about === aboutOf(store.state()) ? found : undefined;
  };
  const hover = createHeadPointer(context, cells, head, draw, ({ query, key }) => {
    const found = shown();
    if (found === undefined) return undefined;
    return [texts[store.state().settings.headMeasure].name, measuredText(found, headMapAt(found.map, query, key))];
  });
  const events = { hover, resized: () => asked.redraw() };
  const map = createMeasureMap(context, cells, shown, events);
  const row = createMeasureRow(context, cells, 'attention-measured-row', events);
  const edges = createEdgeCard(context, cells, head);
  const asked = question<MeasuredMap>(context, {
    busy: () => root,
    parts: [waiting, map.root, row.root],
    ask: async (state, query) => {
      const { layer, head: number, headMeasure } = state.settings;
      const place = { layer, head: number };
      const about = aboutOf(state);
      const none = { towards: '', against: '' };
      if (headMeasure === 'value-weighted')
        return { about, map: await query('measured', 'weightedValues', place), isSigned: false, sides: none };
      const why = measureTarget(state);
      if (why === null) return '';
      const gradients = await query('measured', 'weightGradients', { ...logitOf(why), ...place });
      return { about, map: gradients, isSigned: true, sides: sidesOf(why) };
    },
    draw: (found, state) => {
      const isAsked = found.about === aboutOf(state);
      waiting.hidden = isAsked;
      for (const part of [map.root, row.root]) part.hidden = !isAsked;
      if (!isAsked) return;
      map.draw(found, state);
      const query = cells.query();
      const { isSigned } = found;
      const unit = isSigned ? t('logits') : t('length');
      row.draw({ query, values: rowOf(found, query), isSigned, unit, written: (value) => measuredText(found, value) }, state);
    },
  });
  const root: HTMLElement = el('div', { class: 'head-row' }, asked.notice, waiting, map.root, row.root);
  /** The same array for the same row, as figures compare them. */
  const rows = new WeakMap<MeasuredMap, Map<number, Float32Array>>();
  function rowOf(found: MeasuredMap, query: number): Float32Array {
    const known = rows.get(found) ?? new Map<number, Float32Array>();
    rows.set(found, known);
    const start = (query * (query + 1)) / 2;
    const values = known.get(query) ?? found.map.values.subarray(start, start + query + 1);
    known.set(query, values);
    return values;
  }

  return {
    choice: el('div', { class: 'measure-choice' }, measure.root, meaning, target.root),
    map: root,
    edges: edges.root,
    update: (state) => {
      const { headMeasure } = state.settings;
      measure.set(headMeasure);
      meaning.textContent = texts[headMeasure].meaning;
      target.root.hidden = headMeasure === 'weights' || headMeasure === 'value-weighted';
      if (!target.root.hidden) target.update(state);
      root.hidden = !hasMap(headMeasure);
      edges.root.hidden = headMeasure !== 'cut';
      if (hasMap(headMeasure)) asked.update(state, state.shown, aboutOf(state));
      if (headMeasure === 'cut') edges.update(state);
    },
    redraw: () => asked.redraw(),
  };
}
