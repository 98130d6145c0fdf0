import { headMapAt } from '../../../src/core/headMeasures.ts';
import type { RecurrenceTraits } from '../../../src/core/trace.ts';
import { markTokens, tokenLabels, type PanelContext } from '../../context.ts';
import { select } from '../../parts/controls.ts';
import { el } from '../../parts/dom.ts';
import { integer, signedSignificant } from '../../parts/format.ts';
import { recurrenceName } from '../../parts/layerNotes.ts';
import type { PlotPoint } from '../../plot.ts';
import { question } from '../../question.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { createHeadCells } from './headCells.ts';
import { createMeasureMap, type MeasuredMap } from './measureMap.ts';
import { createMeasureRow } from './measureRow.ts';

/** What is shown of a layer without attention weights, or of what runs beside them: its effective attention, as what it is. */
export interface EffectiveCard {
  readonly root: HTMLElement;
  /** `isBeside`: whether it runs beside the layer's attention. */
  readonly update: (state: ViewState, recurrence: RecurrenceTraits, isBeside: boolean) => void;
}

/** Creates the card, of no layer yet. */
export function createEffectiveCard(panel: PanelContext): EffectiveCard {
  const context = hidingNothing(panel);
  const { store, tooltip } = context;
  const cells = createHeadCells(context, () => undefined);
  let map = 0;
  let of: { readonly recurrence: RecurrenceTraits; readonly isBeside: boolean } | undefined;
  const choice = select(t('Head of this layer'), (chosen) => {
    map = chosen;
    const state = store.state();
    if (of !== undefined) update(state, of.recurrence, of.isBeside);
  });
  const meaning = el('p', { class: 'caption' });
  const hover = (point: PlotPoint | null, event: MouseEvent | null): void => {
    const { shown, settings } = store.state();
    const found = asked.answer();
    if (point === null || found === undefined || shown === null || point.x > point.y) {
      tooltip.hide();
      return markTokens(context, settings.locked === null ? [] : [settings.locked.query, settings.locked.key]);
    }
    const labels = tokenLabels(shown.explanation);
    markTokens(context, [point.y, point.x]);
    if (settings.locked === null) cells.point({ query: point.y, key: point.x });
    if (event === null) return;
    tooltip.show(
      {
        title: written(found, headMapAt(found.map, point.y, point.x)),
        rows: [
          [t('Token'), `${labels[point.y] ?? ''}  (${integer(point.y)})`],
          [t('Token read'), `${labels[point.x] ?? ''}  (${integer(point.x)})`],
        ],
      },
      event.clientX,
      event.clientY,
    );
  };
  const events = { hover, resized: () => asked.redraw() };
  const plot = createMeasureMap(context, cells, () => asked.answer(), events);
  const row = createMeasureRow(context, cells, 'effective-attention-row', events);
  const asked = question<MeasuredMap>(context, {
    busy: () => root,
    parts: [plot.root, row.root],
    ask: async ({ settings: { layer } }, query) => {
      const isSigned = of?.recurrence.kind !== 'shortConvolution';
      const found = await query('effective', 'effectiveAttention', { layer, map });
      const about = `${layer}.${map}`;
      return { about, map: found, isSigned, sides: { towards: '', against: '' }, written: (value) => shareText(value, isSigned) };
    },
    draw: (found, state) => {
      plot.draw(found, state);
      const query = cells.query();
      const start = (query * (query + 1)) / 2;
      const values = found.map.values.subarray(start, start + query + 1);
      const { isSigned } = found;
      row.draw({ query, values, isSigned, unit: t('share'), written: (value) => written(found, value) }, state);
    },
  });
  const axes = el('div', { class: 'axis-note' }, t('Row: the token that reads. Column: the token read. Click a cell to lock it.'));
  const numbers = el('div', { class: 'head-row' }, choice.root, axes, asked.notice, plot.root, row.root);
  const root: HTMLElement = el('div', { class: 'head-row' }, meaning, numbers);

  function update(state: ViewState, recurrence: RecurrenceTraits, isBeside: boolean): void {
    of = { recurrence, isBeside };
    meaning.textContent = meaningOf(recurrence, isBeside);
    numbers.hidden = recurrence.maps === 0;
    if (recurrence.maps === 0) return;
    map = Math.min(map, recurrence.maps - 1);
    choice.root.hidden = recurrence.maps === 1;
    choice.set(
      Array.from({ length: recurrence.maps }, (_, index) => [index, integer(index)]),
      map,
    );
    asked.update(withoutHiding(state), state.shown, state.settings.layer, map);
  }
  return { root, update };
}

function written({ written: own }: MeasuredMap, value: number): string {
  return own?.(value) ?? signedSignificant(value, 4);
}

/** A share of a token; of a convolution it has no sign. */
function shareText(value: number, isSigned: boolean): string {
  return isSigned ? signedSignificant(value, 4) : signedSignificant(value, 4).replace('+', '');
}

/** The first token takes no more than others here, so that it is never hidden. */
function hidingNothing(context: PanelContext): PanelContext {
  return { ...context, store: { ...context.store, state: () => withoutHiding(context.store.state()) } };
}

function withoutHiding(state: ViewState): ViewState {
  return { ...state, settings: { ...state.settings, hideFirst: false } };
}

/** What such a layer is, and what is shown of it. */
function meaningOf({ kind, reach, normed }: RecurrenceTraits, isBeside: boolean): string {
  if (kind === 'mlpAlone') return t('This layer is an MLP alone: its tokens read no others, so there is no attention to show.');
  const none = isBeside
    ? t('Beside its attention this layer has {0}, which reads the same and has no attention weights.', recurrenceName(kind))
    : t('This layer is {0}: it has no attention weights.', recurrenceName(kind));
  if (kind === 'shortConvolution')
    return `${none} ${t(
      'Shown is what its gates and its kernel imply: the size of the factor with which a token’s numbers stand in a later ' +
        'token’s, the mean over all channels. It has no heads, and reads {0} tokens at most, its own among them.',
      integer(reach ?? 1),
    )}`;
  const sentences = [
    none,
    t(
      'Shown is its effective attention, derived from its own numbers: the share of each token’s value in what the head reads at ' +
        'a token. It is no softmax: shares may be negative and rows do not sum to 1.',
    ),
    ...(normed ? [t('A norm follows, so only the proportions within a row count.')] : []),
    ...(kind === 'mamba' ? [t('What a token takes of itself by way of the skip is part of its own share.')] : []),
  ];
  return sentences.join(' ');
}
