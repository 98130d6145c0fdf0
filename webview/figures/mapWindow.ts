import type { Cell } from '../viewSettings.ts';

/** Part of a map: `rows` queries from `query` on, and `columns` keys from `key` on. */
export interface MapWindow {
  readonly query: number;
  readonly key: number;
  readonly rows: number;
  readonly columns: number;
}

/** Fewest tokens per side that a map is zoomed to. */
const LEAST_SIDE = 16;

/** Key of the first column shown. */
export function firstKey(tokens: number, hideFirst: boolean): number {
  return hideFirst && tokens > 1 ? 1 : 0;
}

/** The whole map. */
export function wholeMap(tokens: number, hideFirst: boolean): MapWindow {
  const key = firstKey(tokens, hideFirst);
  return { query: 0, key, rows: tokens, columns: tokens - key };
}

/** A window with sides `factor` times shorter, in which a cell stays where it was seen; at most the whole map. */
export function zoomed(window: MapWindow, factor: number, cell: Cell, tokens: number, hideFirst: boolean): MapWindow {
  const side = Math.max(Math.min(LEAST_SIDE, tokens), Math.round(window.rows / factor));
  if (side >= tokens) return wholeMap(tokens, hideFirst);
  const from = (place: number, start: number, count: number): number => Math.round(place - ((place - start) * side) / count);
  return within(
    { query: from(cell.query, window.query, window.rows), key: from(cell.key, window.key, window.columns), rows: side, columns: side },
    tokens,
    hideFirst,
  );
}

/** A window moved as little as needed to hold a cell. */
export function holding(window: MapWindow, { query, key }: Cell, tokens: number, hideFirst: boolean): MapWindow {
  const start = (place: number, from: number, count: number): number => Math.max(Math.min(from, place), place - count + 1);
  return within(
    { ...window, query: start(query, window.query, window.rows), key: start(key, window.key, window.columns) },
    tokens,
    hideFirst,
  );
}

/** A window within the map. */
export function within(window: MapWindow, tokens: number, hideFirst: boolean): MapWindow {
  const whole = wholeMap(tokens, hideFirst);
  const [rows, columns] = [Math.min(window.rows, whole.rows), Math.min(window.columns, whole.columns)];
  return {
    query: Math.max(0, Math.min(window.query, tokens - rows)),
    key: Math.max(whole.key, Math.min(window.key, tokens - columns)),
    rows,
    columns,
  };
}
