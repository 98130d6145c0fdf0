import type { PanelContext } from '../context.ts';
import { blockSide, cellsTooSmall } from '../figures/squareMap.ts';
import { holding, wholeMap, zoomed, type MapWindow } from '../figures/mapWindow.ts';
import { t } from '../strings.ts';
import type { Cell } from '../viewSettings.ts';
import { button } from './controls.ts';
import { changeDetector, el } from './dom.ts';
import { integer } from './format.ts';
import { plainKey } from './keys.ts';

/** Factor of one step of zooming. */
const ZOOM = 2;

/** What a map of tokens by tokens shows at the moment. */
export interface ShownPart {
  /** The part shown; undefined: the whole. */
  readonly part: MapWindow | undefined;
  /** The same, the whole spelled out. */
  readonly window: MapWindow;
  /** Tokens a side of one of its squares. */
  readonly block: number;
}

/** A map, and where in it the user is. */
export interface ZoomedMap {
  /** What its tokens are of: another one is shown whole. */
  readonly of: unknown;
  readonly tokens: number;
  readonly hideFirst: boolean;
  /** The row where the user is, and the column; null: any. */
  readonly row: number;
  readonly column: number | null;
}

/**
 * The part of a map that is shown, and the lines above the map that tell it; there are none while the cells of the whole are large enough
 * for their names. All maps of tokens by tokens have it.
 */
export interface MapZoom {
  /** That a square stands for several numbers; which part is shown, with buttons that show another. */
  readonly notes: readonly HTMLElement[];
  /** Handles a key of the map; false if it is none for zooming. */
  readonly key: (event: KeyboardEvent) => boolean;
  /** Comes closer by a factor at a point of the map. */
  readonly wheel: (factor: number, point: { readonly x: number; readonly y: number }) => void;
  /** Moves the part to where the user went. `width` of the figure in pixels. */
  readonly update: (map: ZoomedMap, width: number) => ShownPart;
}

/** What is particular to a map. */
export interface MapZoomOptions {
  /** Sentence about squares that show one of `block` x `block` numbers. */
  readonly pooled: (block: number) => string;
  /** Names a part by its first and last row and column. */
  readonly named: (top: string, bottom: string, left: string, right: string) => string;
  /** Whether the map takes keys. */
  readonly keys: boolean;
  /** Cell that buttons and keys come closer to, if it is seen; null: none is. */
  readonly cell: () => Cell | null;
  /** Called when another part is to be drawn. */
  readonly changed: () => void;
}

/** Creates the zoom of a map, which shows the whole. */
export function createMapZoom({ announce }: Pick<PanelContext, 'announce'>, options: MapZoomOptions): MapZoom {
  const closer = button(t('Zoom in'), 'link', () => zoom(ZOOM, middle()));
  const further = button(t('Zoom out'), 'link', () => zoom(1 / ZOOM, middle()));
  const all = button(t('Whole map'), 'link', () => show(undefined));
  closer.title = options.keys ? t('Keys + and −, or Ctrl and the wheel, zoom too.') : t('Ctrl and the wheel zoom too.');
  further.title = closer.title;
  const note = el('div', { class: 'axis-note' });
  const blockNote = el('div', { class: 'axis-note', hidden: true });
  const bar = el('div', { class: 'map-zoom', hidden: true }, closer, further, all, note);
  const textChanged = changeDetector();
  const placeChanged = changeDetector();
  const noted = changeDetector();
  let map: ZoomedMap = { of: undefined, tokens: 0, hideFirst: false, row: 0, column: null };
  let part: MapWindow | undefined;
  let small = false;

  const name = ({ query, key, rows, columns }: MapWindow): string =>
    options.named(integer(query), integer(query + rows - 1), integer(key), integer(key + columns - 1));
  function show(window: MapWindow | undefined): void {
    part = window;
    options.changed();
  }
  function zoom(factor: number, cell: Cell): void {
    if (!small) return;
    const { tokens, hideFirst } = map;
    const next = zoomed(part ?? wholeMap(tokens, hideFirst), factor, cell, tokens, hideFirst);
    show(next.rows === tokens ? undefined : next);
    if (part !== undefined) announce(name(part));
  }
  /** The examined cell if it is seen, else the middle of what is. */
  function middle(): Cell {
    const cell = options.cell();
    if (part === undefined || cell === null) return cell ?? { query: 0, key: 0 };
    const { query, key, rows, columns } = part;
    const seen = cell.query >= query && cell.query < query + rows && cell.key >= key && cell.key < key + columns;
    return seen ? cell : { query: query + (rows >> 1), key: key + (columns >> 1) };
  }

  return {
    notes: [blockNote, bar],
    key: (event) => {
      const factor = { '+': ZOOM, '=': ZOOM, '-': 1 / ZOOM, '0': 0 }[plainKey(event)];
      if (factor === undefined || !small) return false;
      event.preventDefault();
      if (factor === 0) show(undefined);
      else zoom(factor, middle());
      return true;
    },
    wheel: (factor, { x, y }) => zoom(factor, { query: Math.round(y), key: Math.round(x) }),
    update: (now, width) => {
      map = now;
      const { of, tokens, hideFirst, row, column } = now;
      small = cellsTooSmall(tokens, width);
      if (textChanged(of) || !small) part = undefined;
      if (placeChanged(of, row, column, hideFirst) && part !== undefined) {
        const key = column ?? Math.min(row, Math.max(part.key, row - part.columns + 1));
        part = holding(part, { query: row, key }, tokens, hideFirst);
      }
      const window = part ?? wholeMap(tokens, hideFirst);
      const block = blockSide(window.rows, width, devicePixelRatio);
      // Called at every move of the pointer: the page is written to only when something has changed.
      if (!noted(part, small, block)) return { part, window, block };
      blockNote.hidden = block === 1;
      blockNote.textContent = options.pooled(block);
      bar.hidden = !small;
      further.disabled = part === undefined;
      all.disabled = part === undefined;
      note.textContent = part === undefined ? '' : name(part);
      return { part, window, block };
    },
  };
}
