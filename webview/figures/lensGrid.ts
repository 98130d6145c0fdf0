import { at } from '../../src/core/tensor.ts';
import type { AddedWindow, LensWindow } from '../../src/core/trace.ts';
import type { AddedColour, LensColour, LensRows } from '../viewSettings.ts';
import { guessBits, RANK_BUCKETS, rankBucket } from './tokenColour.ts';

/** KL divergence from which the colour is strongest, in bits. */
export const KL_FULL_BITS = 10;

/** What a layer would predict after a position. */
export interface LensCell {
  readonly layer: number;
  readonly topId: number;
  readonly topProb: number;
  /** Text of the most probable token. */
  readonly piece: string;
  /** 0 where nothing follows. */
  readonly nextRank: number;
  /** NaN where nothing follows. */
  readonly nextProb: number;
  readonly entropy: number;
  readonly kl: number;
}

/** What a step of a block points to by itself after a position, in logits less their mean. */
export interface AddedCell {
  readonly layer: number;
  readonly raisedId: number;
  readonly raised: number;
  /** Text of the token that is raised most, and of the one that is lowered most. */
  readonly piece: string;
  readonly lowered: number;
  readonly loweredPiece: string;
  /** NaN where nothing follows. */
  readonly next: number;
  /** 0 where nothing follows. */
  readonly nextRank: number;
}

/** Layers by positions of a piece of the grid: as many cells as the unembedding reads in one run. */
const PIECE = { layers: 8, positions: 8 };

/** Which cells are meant: `end` is the first one not. */
export interface LensRange {
  readonly layer: number;
  readonly layerEnd: number;
  readonly position: number;
  readonly positionEnd: number;
}

export type LensPiece = Pick<LensWindow, 'layer' | 'layers' | 'position' | 'positions'>;

/** The pieces that hold the cells of `range`, last layers first, in a grid of so many layers and positions. */
export function lensPieces(range: LensRange, layers: number, positions: number): readonly LensPiece[] {
  if (range.layer >= range.layerEnd || range.position >= range.positionEnd) return [];
  const pieces: LensPiece[] = [];
  const startOf = (index: number, size: number): number => Math.floor(Math.max(0, index) / size) * size;
  const ends = { layer: Math.min(range.layerEnd, layers), position: Math.min(range.positionEnd, positions) };
  for (let layer = startOf(range.layer, PIECE.layers); layer < ends.layer; layer += PIECE.layers)
    for (let position = startOf(range.position, PIECE.positions); position < ends.position; position += PIECE.positions)
      pieces.push({
        layer,
        layers: Math.min(PIECE.layers, layers - layer),
        position,
        positions: Math.min(PIECE.positions, positions - position),
      });
  return pieces.toSorted((a, b) => b.layer - a.layer || a.position - b.position);
}

/** What a row of a lens is: the first block's input, or what is there after a block, or after one of its steps, or what that step adds. */
export interface LensPlace {
  /** -1: the input. */
  readonly block: number;
  readonly after: 'input' | 'block' | 'attention' | 'mlp';
}

/** How many rows a lens has. */
export function lensRowCount(rows: LensRows, blocks: number): number {
  return { blocks: blocks + 1, steps: 2 * blocks + 1, added: 2 * blocks }[rows];
}

/** What row `row` of a lens is; 0 is the first. */
export function lensPlace(rows: LensRows, row: number): LensPlace {
  if (rows === 'added') return { block: Math.floor(row / 2), after: row % 2 === 0 ? 'attention' : 'mlp' };
  if (row === 0) return { block: -1, after: 'input' };
  if (rows === 'blocks') return { block: row - 1, after: 'block' };
  return { block: Math.floor((row - 1) / 2), after: row % 2 === 1 ? 'attention' : 'mlp' };
}

/** The cells of one explanation that have been read. */
export interface LensGrid {
  readonly rows: LensRows;
  /** How many rows there are. */
  readonly layers: number;
  readonly positions: number;
  /** How many pieces have been read. */
  read(): number;
  has(piece: LensPiece): boolean;
  put(window: LensWindow | AddedWindow): void;
  cell(layer: number, position: number): LensCell | undefined;
  /** Of a lens of what steps add. */
  added(layer: number, position: number): AddedCell | undefined;
  /** Whether attention and MLP read the same input in a block that has been read. */
  parallel(): boolean;
}

export function createLensGrid(layers: number, positions: number, rows: LensRows = 'blocks'): LensGrid {
  const windows = new Map<string, LensWindow | AddedWindow>();
  let parallel = false;
  const keyOf = (layer: number, position: number): string =>
    `${Math.floor(layer / PIECE.layers)} ${Math.floor(position / PIECE.positions)}`;
  return {
    rows,
    layers,
    positions,
    parallel: () => parallel,
    read: () => windows.size,
    has: ({ layer, position }) => windows.has(keyOf(layer, position)),
    put: (window) => {
      windows.set(keyOf(window.layer, window.position), window);
      if ('parallel' in window && window.parallel) parallel = true;
    },
    cell: (layer, position) => {
      const found = windows.get(keyOf(layer, position));
      return found === undefined || !('topIds' in found) ? undefined : cellOf(found, layer, position);
    },
    added: (layer, position) => {
      const found = windows.get(keyOf(layer, position));
      return found === undefined || !('raised' in found) ? undefined : addedOf(found, layer, position);
    },
  };
}

/** One cell of a window of what steps add. */
function addedOf(window: AddedWindow, layer: number, position: number): AddedCell {
  const index = (layer - window.layer) * window.positions + position - window.position;
  const [raisedId, loweredId] = [at(window.raisedIds, index), at(window.loweredIds, index)];
  return {
    layer,
    raisedId,
    raised: at(window.raised, index),
    piece: window.pieces[raisedId] ?? '',
    lowered: at(window.lowered, index),
    loweredPiece: window.pieces[loweredId] ?? '',
    next: at(window.next, index),
    nextRank: at(window.nextRank, index),
  };
}

/** One cell of a window that holds it. */
export function cellOf(window: LensWindow, layer: number, position: number): LensCell {
  const index = (layer - window.layer) * window.positions + position - window.position;
  const topId = at(window.topIds, index);
  return {
    layer,
    topId,
    topProb: at(window.topProbs, index),
    piece: window.pieces[topId] ?? '',
    nextRank: at(window.nextRank, index),
    nextProb: at(window.nextProb, index),
    entropy: at(window.entropy, index),
    kl: at(window.kl, index),
  };
}

/** The number a cell shows under the mode; NaN where it has none (nothing follows the last token). */
export function lensValue(cell: LensCell, mode: LensColour): number {
  const { topProb: probability, nextRank, entropy, kl } = cell;
  return { probability, rank: nextRank || Number.NaN, entropy, kl }[mode];
}

/** Strength of the cell's colour, 0..1: a sure, right, sharp or final-like prediction is strong. NaN stays NaN. */
export function lensShare(cell: LensCell, mode: LensColour, vocab: number): number {
  const value = lensValue(cell, mode);
  if (Number.isNaN(value)) return value;
  const shares: Readonly<Record<LensColour, number>> = {
    probability: value,
    rank: 1 - rankBucket(value) / (RANK_BUCKETS.length - 1),
    entropy: 1 - Math.min(1, value / guessBits(vocab)),
    kl: 1 - Math.min(1, Math.max(0, value) / KL_FULL_BITS),
  };
  return shares[mode];
}

/** Logits above the mean of all tokens from which the colour of what a step adds is strongest. */
export const ADDED_FULL_LOGITS = 8;

/** The number that a cell of what steps add shows; NaN where it has none (nothing follows the last token). */
export function addedValue(cell: AddedCell, mode: AddedColour): number {
  return mode === 'raised' ? cell.raised : cell.next;
}

/** Place of its colour, 0..1: on a scale from nothing, or of the next token on one around it. NaN stays NaN. */
export function addedShare(cell: AddedCell, mode: AddedColour): number {
  const share = Math.max(-1, Math.min(1, addedValue(cell, mode) / ADDED_FULL_LOGITS));
  return mode === 'raised' ? Math.max(0, share) : 0.5 + share / 2;
}

/** Columns to draw when `width` pixels are visible from `scroll` on: [first, last), with `beyond` more past each edge. */
export function visibleColumns(scroll: number, width: number, column: number, count: number, beyond = 4): readonly [number, number] {
  const first = Math.max(0, Math.floor(scroll / column) - beyond);
  return [first, Math.min(count, Math.ceil((scroll + width) / column) + beyond)];
}
