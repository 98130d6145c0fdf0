import { PATCH_GRIDS, type PatchGrid } from '../../../src/core/patchGrid.ts';
import type { PanelContext } from '../../context.ts';
import { button, progressBar, segmented } from '../../parts/controls.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { createNotice } from '../../parts/notice.ts';
import { decimal, integer, signedDecimal } from '../../parts/format.ts';
import { LOGIT_DIGITS } from '../../parts/signedStrip.ts';
import { showFraction } from '../../parts/status.ts';
import { drawInto, factsTemplate } from '../../parts/templates.ts';
import { t } from '../../strings.ts';
import type { ViewState } from '../../state.ts';
import type { Compared, ComparePart } from './compared.ts';
import { createPatchChoice } from './patchChoice.ts';
import { createPatchMaps } from './patchMaps.ts';
import { createPatchRuns, type PatchAsked, type PatchResult } from './patchRuns.ts';

/** Logit differences of two texts that are closer than this make shares that say little. */
const CLOSE = 0.1;

/** Patching: what of the second text, put into the first, makes its prediction that of the second. */
export function createComparePatching(context: PanelContext): ComparePart {
  const { store, announce } = context;
  let compared: Compared | null = null;
  const choice = createPatchChoice(() => begin());
  const grid = segmented<PatchGrid>(
    t('Taken from the second text'),
    PATCH_GRIDS.map((name) => [name, gridTexts(name).name] as const),
    (patchGrid) => store.dispatch({ type: 'settings', change: { patchGrid } }),
    true,
  );
  const meaning = el('p', { class: 'caption' });
  const start = button('', 'primary', () => void run());
  const cancel = button(t('Cancel'), 'secondary', () => runs.stop());
  const bar = progressBar(t('Patching'));
  const message = el('span', { class: 'caption', role: 'status' });
  const working = el('div', { class: 'repeated-working', hidden: true }, message, cancel, bar);
  const notice = createNotice();
  const facts = el('dl', { class: 'facts' });
  const close = el('p', { class: 'caption' });
  const maps = createPatchMaps(context, () => show(store.state()));
  const result = el('div', { class: 'patch-result' }, facts, close, maps.root);
  const body = el(
    'div',
    { class: 'patch-body' },
    grid.root,
    meaning,
    el('div', { class: 'buttons wrap' }, start),
    working,
    notice.root,
    result,
  );
  const runs = createPatchRuns(context, () => show(store.state()), notice.fail);
  const root = el(
    'section',
    { class: 'card compare-patching needs-model', 'aria-label': t('Patching') },
    el('h2', {}, t('Patching: what in the second text makes the difference')),
    el('p', { class: 'caption' }, explained()),
    choice.heading,
    choice.choices,
    body,
  );
  const gridChanged = changeDetector();
  const changed = changeDetector();

  async function run(): Promise<void> {
    const asked = askedNow(store.state());
    if (asked === null) return;
    notice.clear();
    const ended = runs.run(asked);
    cancel.focus();
    await ended;
    if (isDone(runs.known(asked))) announce(t('All cells are measured'));
  }
  /** Another prediction is asked about: what was being measured is not what is on show. */
  function begin(): void {
    runs.stop();
    notice.clear();
  }
  function askedNow({ settings }: ViewState): PatchAsked | null {
    const asked = choice.asked();
    if (compared === null || asked === null) return null;
    return { ...asked, grid: settings.patchGrid, clean: [...compared.comparison.explanation.run.ids] };
  }
  function show(state: ViewState): void {
    const asked = askedNow(state);
    body.hidden = asked === null;
    if (asked === null || compared === null) return;
    grid.set(asked.grid);
    meaning.textContent = gridTexts(asked.grid).meaning;
    const found = runs.known(asked);
    const running = runs.isRunning();
    const done = isDone(found);
    // What goes away takes no focus with it.
    const focused = !running && working.contains(document.activeElement);
    working.hidden = !running;
    start.hidden = running || done;
    start.textContent = found === undefined ? t('Patch the first text') : t('Go on measuring');
    if (running) showProgress(found);
    result.hidden = found === undefined;
    if (focused && !done) start.focus();
    if (found === undefined) return;
    const { clean, corrupted } = found.estimate;
    const difference = asked.rival === null ? t('Logit') : t('Logit difference');
    drawInto(
      facts,
      factsTemplate([
        [t('{0} in the first text (share 0)', difference), signedDecimal(corrupted, LOGIT_DIGITS)],
        [t('{0} in the second (share 1)', difference), signedDecimal(clean, LOGIT_DIGITS)],
      ]),
    );
    close.hidden = Math.abs(clean - corrupted) >= CLOSE;
    close.textContent = t('The two are only {0} apart: small changes are large shares of that.', decimal(Math.abs(clean - corrupted), 4));
    maps.show(found, compared, state.theme);
    if (focused && done) maps.focus();
  }
  function showProgress(found: PatchResult | undefined): void {
    message.textContent =
      found === undefined ? t('Estimating all cells…') : t('Measuring: {0} of {1} cells', integer(found.measured), integer(found.cells));
    showFraction(bar, found === undefined ? null : found.measured / Math.max(1, found.cells));
  }

  return {
    root,
    update: (state, now) => {
      // Numbers of two models cannot stand in for each other.
      root.hidden = now.comparison.kind === 'model';
      if (compared !== now) runs.clear();
      compared = now;
      const { selected, patchGrid } = state.settings;
      // What is found, chosen or resized is shown when it comes; the state changes with every move of the pointer.
      if (root.hidden || !changed(now, selected, patchGrid, state.theme)) return;
      choice.update(now, selected);
      if (gridChanged(patchGrid)) begin();
      show(state);
    },
  };
}

function isDone(found: PatchResult | undefined): boolean {
  return found !== undefined && found.measured === found.cells;
}

function explained(): string {
  return t(
    'Numbers of the second text are put in their place in the first, one cell at a time, and the model runs on from there. A cell ' +
      'says how far the prediction then goes from that of the first text (0) to that of the second (1); below 0 it goes the other ' +
      'way. Much says that what the prediction needs passes through there, not that it passes nowhere else: shares do not sum to 1. ' +
      'The place is that of the token selected above, if the texts have come apart before it, or else the last; the tokens are at first ' +
      'the one that the second text raises most there and the one that it lowers most.',
  );
}

function gridTexts(grid: PatchGrid): { readonly name: string; readonly meaning: string } {
  const texts = {
    residual: {
      name: t('Residual'),
      meaning: t('The residual stream of one token at the input of a layer: all that is known there so far.'),
    },
    attention: { name: t('Attention output'), meaning: t('What the attention of a layer adds to the residual of one token.') },
    mlp: { name: t('MLP output'), meaning: t('What the MLP of a layer adds to the residual of one token.') },
    heads: { name: t('Heads'), meaning: t('What one head puts out, at all tokens that both texts have.') },
  } satisfies Readonly<Record<PatchGrid, { readonly name: string; readonly meaning: string }>>;
  return texts[grid];
}
