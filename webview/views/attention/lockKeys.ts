import type { PanelContext } from '../../context.ts';
import { firstKey } from '../../figures/mapWindow.ts';
import { plainKey } from '../../parts/keys.ts';
import type { Cell } from '../../viewSettings.ts';
import type { HeadCells } from './headCells.ts';

/** A map's arrow keys: they move the lock. `said`: the sentence for screen readers about the cell they lead to. */
export function createLockKeys(
  { store, announce }: PanelContext,
  cells: HeadCells,
  said: (cell: Cell) => Promise<string | undefined>,
): (event: KeyboardEvent) => void {
  /** Moves the lock. A key pressed before the row of the newly selected token has arrived waits for it. */
  async function moveLock([down = 0, right = 0]: readonly number[]): Promise<void> {
    // If another head replaces this one meanwhile, its row is needed too.
    for (let row = 0; row < 2 && cells.cell() === null; row++) await cells.row(cells.query());
    const cell = cells.cell();
    const { shown, settings } = store.state();
    if (cell === null || shown === null) return;
    const tokens = shown.explanation.tokens.length;
    const query = Math.min(tokens - 1, Math.max(0, cell.query + down));
    const key = Math.min(query, Math.max(firstKey(tokens, settings.hideFirst), cell.key + right));
    cells.lock({ query, key });
    const sentence = await said({ query, key });
    if (sentence !== undefined) announce(sentence);
  }
  return (event) => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[plainKey(event)];
    if (step === undefined) return;
    event.preventDefault();
    // A row that cannot be had is reported below the map, where it is requested as well.
    moveLock(step).catch(() => undefined);
  };
}
