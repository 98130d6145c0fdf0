import { CancelledError } from '../../../src/core/errors.ts';
import { segmented } from '../../parts/controls.ts';
import type { PanelContext, View } from '../../context.ts';
import { el } from '../../parts/dom.ts';
import { createLensGrid, lensPieces, lensRowCount, type LensGrid, type LensPiece, type LensRange } from '../../figures/lensGrid.ts';
import { ADDED_COLOURS, LENS_COLOURS, LENS_ROWS, type AddedColour, type LensColour } from '../../viewSettings.ts';
import { question } from '../../question.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { createLensAhead } from './lensAhead.ts';
import { lensRowTexts, parallelText, queryLens } from './lensRows.ts';
import { createLensSaving } from './lensSaving.ts';
import { createLensScroller } from './lensScroller.ts';

/** Milliseconds without scrolling after which what is in sight is asked for. */
const REST = 100;

/**
 * Layers by tokens: what the model would say next if it stopped there. Cells in sight are asked for; the rest when nothing else is
 * awaited, or when all is saved.
 */
export function createLens(context: PanelContext): View {
  const { store } = context;
  const names: Readonly<Record<LensColour, string>> = {
    probability: t('Probability'),
    rank: t('Rank of the next'),
    entropy: t('Entropy'),
    kl: t('KL to the end'),
  };
  const mode = segmented(
    t('Colour by'),
    LENS_COLOURS.map((name) => [name, names[name]] as const),
    (lensColour) => store.dispatch({ type: 'settings', change: { lensColour } }),
  );
  const rowTexts = lensRowTexts();
  const rows = segmented(
    t('Rows'),
    LENS_ROWS.map((name) => [name, rowTexts[name].name] as const),
    (lensRows) => store.dispatch({ type: 'settings', change: { lensRows } }),
    true,
  );
  const addedNames: Readonly<Record<AddedColour, string>> = { raised: t('Raised most'), next: t('The next token') };
  const addedMode = segmented(
    t('Colour by'),
    ADDED_COLOURS.map((name) => [name, addedNames[name]] as const),
    (addedColour) => store.dispatch({ type: 'settings', change: { addedColour } }),
  );
  const meaning = el('p', { class: 'caption' });
  const parallel = el('p', { class: 'caption', hidden: true }, parallelText());
  let grid = createLensGrid(0, 0);
  let of: ViewState['shown'] = null;
  /** What was in sight when it was last asked for. */
  let seen: LensRange | undefined;
  let awaited: readonly LensPiece[] = [];
  const scroller = createLensScroller(context, () => grid);
  const draw = (): void => {
    const state = store.state();
    if (state.shown === of && scroller.hasRoom()) scroller.draw(state, grid, awaited);
    parallel.hidden = !grid.parallel();
  };
  const put = (own: LensGrid, window: Parameters<LensGrid['put']>[0]): void => {
    own.put(window);
    draw();
  };
  const ahead = createLensAhead(context, put);
  const saving = createLensSaving(context, () => grid, put);
  const asked = question(context, {
    busy: () => scroller.root,
    parts: [],
    ask: async (_, query) => {
      const own = grid;
      ahead.stop();
      if (seen === undefined) return '';
      const missing = lensPieces(seen, own.layers, own.positions).filter((piece) => !own.has(piece));
      awaited = missing;
      try {
        draw();
        for (const piece of missing) {
          // Nobody looks: the rest is asked for when the tab is open again.
          if (store.state().settings.tab !== 'predictions') throw new CancelledError();
          put(own, await queryLens(query, 'lens', own.rows, piece));
        }
      } finally {
        if (awaited === missing) awaited = [];
        draw();
      }
      ahead.start(own, seen);
      return own;
    },
  });
  const root: HTMLElement = el(
    'section',
    { class: 'card lens', 'aria-label': t('Logit lens') },
    el('h2', {}, t('Logit lens')),
    rows.root,
    meaning,
    parallel,
    el('div', { class: 'toolbar' }, mode.root, addedMode.root, scroller.legend, saving.root, asked.notice),
    ...scroller.parts,
  );

  const ask = (): void => {
    const state = store.state();
    if (state.shown === null || state.shown !== of || !scroller.hasRoom()) return;
    seen = scroller.inSight(grid);
    asked.update(state, state.shown, grid.rows, ...Object.values(seen));
  };
  let resting: ReturnType<typeof setTimeout> | undefined;
  const look = (): void => {
    clearTimeout(resting);
    if (!scroller.hasRoom()) return;
    draw();
    resting = setTimeout(ask, REST);
  };
  document.addEventListener('scroll', look, { capture: true, passive: true });
  const room = new ResizeObserver(look);
  room.observe(scroller.root);

  return {
    root,
    update: (state) => {
      if (state.shown === null) return;
      // What is above the grid moves it into sight, and out of it.
      if (root.parentElement !== null) room.observe(root.parentElement);
      const { lensRows, lensColour, addedColour } = state.settings;
      mode.set(lensColour);
      addedMode.set(addedColour);
      rows.set(lensRows);
      if (of === state.shown && grid.rows === lensRows) return look();
      mode.root.hidden = lensRows === 'added';
      addedMode.root.hidden = lensRows !== 'added';
      meaning.textContent = rowTexts[lensRows].meaning;
      of = state.shown;
      const { model, tokens } = state.shown.explanation;
      grid = createLensGrid(lensRowCount(lensRows, model.layers), tokens.length, lensRows);
      saving.reset();
      draw();
      ask();
    },
  };
}
