import { at } from '../../../src/core/tensor.ts';
import { tokenLabels, type PanelContext } from '../../context.ts';
import { button, progressBar } from '../../parts/controls.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { createNotice } from '../../parts/notice.ts';
import { integer, signedDecimal } from '../../parts/format.ts';
import { LOGIT_DIGITS } from '../../parts/signedStrip.ts';
import { showFraction } from '../../parts/status.ts';
import { chipTemplate, drawInto, factsTemplate, sentenceTemplate } from '../../parts/templates.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { logitOf } from '../why/asked.ts';
import { createEdgeRuns, type EdgesAsked, type EdgesFound } from './edgeRuns.ts';
import type { HeadCells, ShownHead } from './headCells.ts';
import { createHeadPointer } from './headPointer.ts';
import { createMeasureRow } from './measureRow.ts';
import { measureTarget } from './measureTarget.ts';
import { logitsText } from './measureTexts.ts';

/** What cutting each edge of one query's row does to the target. */
export interface EdgeCard {
  readonly root: HTMLElement;
  readonly update: (state: ViewState) => void;
}

/** Creates the card, with nothing measured. `head`: the head shown. */
export function createEdgeCard(context: PanelContext, cells: HeadCells, head: () => ShownHead | undefined): EdgeCard {
  const { store, announce } = context;
  const what = el('p', { class: 'caption' });
  const start = button('', 'primary', () => void run());
  const cancel = button(t('Cancel'), 'secondary', () => runs.stop());
  const bar = progressBar(t('Cutting edges'));
  const message = el('span', { class: 'caption', role: 'status' });
  const working = el('div', { class: 'repeated-working', hidden: true }, message, cancel, bar);
  const notice = createNotice();
  const facts = el('dl', { class: 'facts' });
  const found = (): EdgesFound | undefined => {
    const asked = askedNow(store.state());
    return asked === null ? undefined : runs.known(asked);
  };
  const hover = createHeadPointer(
    context,
    cells,
    head,
    () => show(store.state()),
    ({ query, key }) => {
      const changes = found()?.changes;
      const change = changes?.length === query + 1 ? at(changes, key) : NaN;
      return [t('Effect when cut'), Number.isNaN(change) ? t('not measured') : logitsText(change)];
    },
  );
  const row = createMeasureRow(context, cells, 'attention-cut', { hover, resized: () => show(store.state()) });
  const runs = createEdgeRuns(context, () => show(store.state()), notice.fail);
  const changed = changeDetector();
  const textChanged = changeDetector();

  async function run(): Promise<void> {
    const asked = askedNow(store.state());
    if (asked === null) return;
    notice.clear();
    const ended = runs.run(asked);
    cancel.focus();
    await ended;
    if (runs.known(asked)?.measured === asked.query) announce(t('All edges of the row are measured'));
  }
  function askedNow(state: ViewState): EdgesAsked | null {
    const target = measureTarget(state);
    if (target === null) return null;
    const { layer, head: number, locked, selected } = state.settings;
    // Not the query under the pointer: measuring takes its time.
    return { ...logitOf(target), layer, head: number, query: locked?.query ?? selected };
  }
  function show(state: ViewState): void {
    const asked = askedNow(state);
    if (asked === null || state.shown === null) return;
    const { query, position } = asked;
    const why = nothingToCut(query, position);
    const label = tokenLabels(state.shown.explanation)[query] ?? '';
    const said = t('The row of {0} (position {1}): the locked cell’s, or else the selected token’s.');
    drawInto(what, why ?? sentenceTemplate(said, chipTemplate(label), integer(query)));
    const known = runs.known(asked);
    const isDone = known?.measured === query;
    const running = runs.isRunning();
    const focused = !running && working.contains(document.activeElement);
    working.hidden = !running;
    start.hidden = running || isDone || why !== null;
    start.textContent =
      known === undefined || known.measured === 0
        ? t('Cut each of {0} edges: one run each', integer(query))
        : t('Go on: {0} of {1} edges are cut', integer(known.measured), integer(query));
    if (running) {
      message.textContent = t('{0} of {1} edges', integer(known?.measured ?? 0), integer(query));
      showFraction(bar, known === undefined ? null : known.measured / Math.max(1, query));
    }
    if (focused && !start.hidden) start.focus();
    const has = known !== undefined && known.measured > 0 && why === null;
    row.root.hidden = facts.hidden = !has;
    if (!has) return;
    drawInto(facts, factsTemplate(factsOf(known, asked.rival !== null)));
    row.draw({ query, values: known.changes, isSigned: true, unit: t('change of the target, logits'), written: logitsText }, state);
  }

  return {
    root: el(
      'div',
      { class: 'edge-card head-row' },
      what,
      el('div', { class: 'buttons wrap' }, start),
      working,
      notice.root,
      facts,
      row.root,
    ),
    update: (state) => {
      const { shown, settings } = state;
      const { layer, head: number, locked, selected, whyAsked } = settings;
      if (textChanged(shown)) runs.clear();
      // What is being measured is of another row, head or prediction than is shown now.
      if (changed(shown, layer, number, locked?.query ?? selected, whyAsked)) {
        if (runs.isRunning()) runs.stop();
        notice.clear();
      }
      show(state);
    },
  };
}

/** Why there is nothing to cut; null: there is. */
function nothingToCut(query: number, position: number): string | null {
  if (query === 0) return t('The first token sees only itself: there is no edge to cut. Select a later token.');
  return query > position ? t('The selected query comes after the prediction: nothing that it sees can change the target.') : null;
}

function factsOf({ target, changes, measured }: EdgesFound, hasRival: boolean): readonly (readonly [string, string])[] {
  const all = [...changes].filter((change) => !Number.isNaN(change));
  const largest = all.reduce((most, change) => (Math.abs(change) > Math.abs(most) ? change : most), 0);
  return [
    [hasRival ? t('Logit difference') : t('Logit'), signedDecimal(target, LOGIT_DIGITS)],
    [t('Edges cut'), integer(measured)],
    [t('Largest change'), logitsText(largest)],
  ];
}
