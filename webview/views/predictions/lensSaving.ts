import { CancelledError, messageOf } from '../../../src/core/errors.ts';
import type { AddedWindow, LensWindow } from '../../../src/core/trace.ts';
import type { PanelContext } from '../../context.ts';
import { lensPieces, type LensGrid } from '../../figures/lensGrid.ts';
import { lensTable } from '../../figures/lensTable.ts';
import { button } from '../../parts/controls.ts';
import { el } from '../../parts/dom.ts';
import { percent } from '../../parts/format.ts';
import { savedName } from '../../parts/savedName.ts';
import { failure } from '../../question.ts';
import { t } from '../../strings.ts';
import { queryLens } from './lensRows.ts';

/** A button that reads what is missing of the lens and saves all of it as a table. */
export interface LensSaving {
  readonly root: HTMLElement;
  /** Another explanation is shown. */
  reset(): void;
}

export function createLensSaving(
  context: PanelContext,
  grid: () => LensGrid,
  put: (grid: LensGrid, window: LensWindow | AddedWindow) => void,
): LensSaving {
  const { host, store, announce } = context;
  /** Counts the presses: an earlier one ends. */
  let turn = 0;
  const status = el('span', { class: 'caption lens-status' });
  const save = button(t('Save table'), 'link', () => void readAndSave());
  save.title = t('Every layer at every token as comma-separated values; what has not been on screen is computed first.');
  const cancel = button(t('Cancel'), 'link', () => reset());
  cancel.hidden = true;
  const root = el('div', { class: 'lens-saving' }, status, save, cancel);

  function reset(): void {
    turn++;
    status.replaceChildren();
    if (document.activeElement === cancel) queueMicrotask(() => save.focus());
    save.hidden = false;
    cancel.hidden = true;
  }
  async function readAndSave(): Promise<void> {
    const own = ++turn;
    const [whole, { shown }] = [grid(), store.state()];
    if (shown === null) return;
    const range = { layer: 0, layerEnd: whole.layers, position: 0, positionEnd: whole.positions };
    const pieces = lensPieces(range, whole.layers, whole.positions);
    save.hidden = true;
    cancel.hidden = false;
    cancel.focus();
    try {
      for (const [done, piece] of pieces.entries()) {
        if (whole.has(piece)) continue;
        status.textContent = t('Computing the lens: {0}', percent(done / pieces.length));
        const found = await queryLens(host.query, 'lens table', whole.rows, piece);
        if (turn !== own) return;
        put(whole, found);
      }
      download(`${savedName(LENS_FILES[whole.rows])}.csv`, lensTable(whole, shown.explanation));
      announce(t('The table is saved.'));
      reset();
    } catch (error) {
      if (turn !== own) return;
      reset();
      if (!(error instanceof CancelledError)) status.replaceChildren(failure(new Error(messageOf(error))));
    }
  }
  return { root, reset };
}

/** Names of saved tables. */
const LENS_FILES = { blocks: 'logit-lens', steps: 'logit-lens-steps', added: 'logit-lens-added' } as const;

/** Hands a text to the window's own way of saving files. */
function download(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
  el('a', { href: address, download: name }).click();
  // The window reads it after this turn.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
