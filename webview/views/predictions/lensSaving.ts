import type { AddedWindow, LensWindow } from '../../../src/core/trace.ts';
import type { PanelContext } from '../../context.ts';
import { lensPieces, type LensGrid } from '../../figures/lensGrid.ts';
import { lensTable } from '../../figures/lensTable.ts';
import { button } from '../../parts/controls.ts';
import { el } from '../../parts/dom.ts';
import { percent } from '../../parts/format.ts';
import { createNotice } from '../../parts/notice.ts';
import { createSaveMenu } from '../../parts/saveMenu.ts';
import { tableEntries, type TableWriter } from '../../parts/tableMenu.ts';
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
  const { host, store } = context;
  /** Counts the presses: an earlier one ends. */
  let turn = 0;
  const status = el('span', { class: 'caption lens-status' });
  const notice = createNotice();
  const name = t('Every layer at every token; what has not been on screen is computed first.');
  const save = createSaveMenu(name, () => tableEntries(LENS_FILES[grid().rows], (write) => void readAndSave(write)));
  save.title = name;
  const cancel = button(t('Cancel'), 'link', () => reset());
  cancel.hidden = true;
  const root = el('div', { class: 'lens-saving' }, status, notice.root, save, cancel);

  function reset(): void {
    turn++;
    status.textContent = '';
    notice.clear();
    if (document.activeElement === cancel) queueMicrotask(() => save.querySelector('button')?.focus());
    save.hidden = false;
    cancel.hidden = true;
  }
  async function readAndSave(write: (table: TableWriter) => void): Promise<void> {
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
      write((format) => lensTable(whole, shown.explanation, format));
      reset();
    } catch (error) {
      if (turn !== own) return;
      reset();
      notice.fail(error);
    }
  }
  return { root, reset };
}

/** Names of saved tables. */
const LENS_FILES = { blocks: 'logit-lens', steps: 'logit-lens-steps', added: 'logit-lens-added' } as const;
