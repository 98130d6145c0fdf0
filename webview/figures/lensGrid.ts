import { at } from '../../src/core/tensor.ts';
import type { LensWindow } from '../../src/core/trace.ts';
import type { LensColour } from '../viewSettings.ts';
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

/** The cells of one explanation that have been read. */
export interface LensGrid {
  readonly layers: number;
  readonly positions: number;
  /** How many pieces have been read. */
  read(): number;
  has(piece: LensPiece): boolean;
  put(window: LensWindow): void;
  cell(layer: number, position: number): LensCell | undefined;
}

export function createLensGrid(layers: number, positions: number): LensGrid {
  const windows = new Map<string, LensWindow>();
  const keyOf = (layer: number, position: number): string =>
    `${Math.floor(layer / PIECE.layers)} ${Math.floor(position / PIECE.positions)}`;
  return {
    layers,
    positions,
    read: () => windows.size,
    has: ({ layer, position }) => windows.has(keyOf(layer, position)),
    put: (window) => void windows.set(keyOf(window.layer, window.position), window),
    cell: (layer, position) => {
      const found = windows.get(keyOf(layer, position));
      return found === undefined ? undefined : cellOf(found, layer, position);
    },
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

/** Columns to draw when `width` pixels are visible from `scroll` on: [first, last), with `beyond` more past each edge. */
export function visibleColumns(scroll: number, width: number, column: number, count: number, beyond = 4): readonly [number, number] {
  const first = Math.max(0, Math.floor(scroll / column) - beyond);
  return [first, Math.min(count, Math.ceil((scroll + width) / column) + beyond)];
}
