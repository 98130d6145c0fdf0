import type { AddedWindow, LensWindow } from '../../../src/core/trace.ts';
import type { PanelContext } from '../../context.ts';
import { lensPieces, type LensGrid, type LensRange } from '../../figures/lensGrid.ts';
import { queryLens } from './lensRows.ts';

/** Milliseconds for which nothing is awaited before more is asked for. */
const REST = 300;

/**
 * Reads what will likely be looked at next while nothing else is asked: the other layers of the columns in sight, and a screen on
 * either side.
 */
export interface LensAhead {
  /** What is in sight is there. */
  start(grid: LensGrid, seen: LensRange): void;
  /** Something is asked for in earnest: no more is read ahead. */
  stop(): void;
}

/** What does not come is asked for when it is looked at, so failures are silent. */
export function createLensAhead({ store, host }: PanelContext, put: (grid: LensGrid, window: LensWindow | AddedWindow) => void): LensAhead {
  let resting: ReturnType<typeof setTimeout> | undefined;
  /** Counts what is begun: an earlier turn ends. */
  let turn = 0;

  async function read(grid: LensGrid, seen: LensRange): Promise<void> {
    const own = ++turn;
    const { position, positionEnd } = seen;
    const span = positionEnd - position;
    const columns = [
      [position, positionEnd],
      [positionEnd, positionEnd + span],
      [position - span, position],
    ] as const;
    const all = { layer: 0, layerEnd: grid.layers };
    for (const [from, end] of columns)
      for (const piece of lensPieces({ ...all, position: from, positionEnd: end }, grid.layers, grid.positions)) {
        if (grid.has(piece)) continue;
        const found = await queryLens(host.query, 'lens ahead', grid.rows, piece).catch(() => undefined);
        if (found === undefined || turn !== own) return;
        put(grid, found);
        if (store.state().settings.tab !== 'predictions') return;
      }
  }
  return {
    start: (grid, seen) => {
      clearTimeout(resting);
      resting = setTimeout(() => void read(grid, seen), REST);
    },
    stop: () => {
      clearTimeout(resting);
      turn++;
    },
  };
}
