import { strongestKey } from '../../../src/core/attentionRows.ts';
import type { AttentionPicture, AttentionRow } from '../../../src/core/trace.ts';
import { markTokens, type PanelContext } from '../../context.ts';
import { firstKey } from '../../figures/mapWindow.ts';
import type { Cell } from '../../viewSettings.ts';
import type { Host } from '../../vscodeApi.ts';

/** One head's picture, and by query those of its exact rows that have arrived. */
export interface ShownHead {
  readonly picture: AttentionPicture;
  readonly rows: Map<number, AttentionRow>;
}

/** The cell of the shown head that is examined, and its numbers. */
export interface HeadCells {
  /** Query whose row is shown. */
  readonly query: () => number;
  /**
   * Cell whose arithmetic is shown: the locked one, else the one under the pointer, else the strongest of the selected token. Null until
   * its row has arrived.
   */
  readonly cell: () => Cell | null;
  /** Sets the cell that the pointer rests on. */
  readonly point: (cell: Cell | null) => void;
  /** Locks a cell; null: unlocks. */
  readonly lock: (cell: Cell | null) => void;
  /** Locks a cell that has a weight; unlocks it if it is the locked one. */
  readonly toggle: (cell: Cell) => void;
  /** Exact row of the shown head; undefined if another head or text has replaced it meanwhile. `ask`: the query to request it with. */
  readonly row: (query: number, ask?: Host['query']) => Promise<AttentionRow | undefined>;
}

/** Creates the state of the examined cell. `head`: the head shown. */
export function createHeadCells(context: PanelContext, head: () => ShownHead | undefined): HeadCells {
  const { store, host } = context;
  let hovered: Cell | null = null;
  const lock = (cell: Cell | null): void => {
    hovered = null;
    store.dispatch({ type: 'settings', change: { locked: cell } });
    if (cell !== null) markTokens(context, [cell.query, cell.key]);
  };
  return {
    query: () => {
      const { locked, selected } = store.state().settings;
      return locked?.query ?? hovered?.query ?? selected;
    },
    cell: () => {
      const { settings } = store.state();
      if (settings.locked !== null) return settings.locked;
      if (hovered !== null) return hovered;
      const row = head()?.rows.get(settings.selected);
      return row === undefined ? null : { query: row.query, key: strongestKey(row, settings.hideFirst) };
    },
    point: (cell) => {
      hovered = cell;
    },
    lock,
    toggle: (cell) => {
      const { shown, settings } = store.state();
      const { locked } = settings;
      if (cell.key > cell.query || cell.key < firstKey(shown?.explanation.tokens.length ?? 0, settings.hideFirst)) return;
      lock(locked?.query === cell.query && locked.key === cell.key ? null : cell);
    },
    row: async (query, ask = host.query) => {
      const of = head();
      if (of === undefined) return undefined;
      const { layer, head: number } = of.picture;
      const found = of.rows.get(query) ?? (await ask('attentionRow', 'attentionRow', { layer, head: number, query }));
      if (head() !== of) return undefined;
      of.rows.set(query, found);
      return found;
    },
  };
}
