import { at } from '../../src/core/tensor.ts';
import type { TokenFlow } from '../../src/core/tokenFlow.ts';
import type { LensWindow, ModelInfo } from '../../src/core/trace.ts';

/** Tokens asked for at once, where they cost little. */
const MOST_POSITIONS = 32;
/** Multiplications of one question that take no longer than a moment. */
const MOMENT = 2e9;

/** Positions asked for together, the token's own among them: as many as take a moment, so that most selections need no question. */
export function positionsAround(
  token: number,
  tokens: number,
  model: ModelInfo,
): { readonly position: number; readonly positions: number } {
  const { layers, dim, vocab, parameters } = model;
  const each = Math.max(parameters, (layers + 1) * dim * vocab);
  const count = Math.max(1, Math.min(MOST_POSITIONS, Math.floor(MOMENT / each)));
  const position = token - (token % count);
  return { position, positions: Math.min(count, tokens - position) };
}

/** One layer as the stream passes it: lengths of the residual before, between its steps and after, and of what they add. */
export interface LayerFlow {
  readonly before: number;
  readonly between: number;
  readonly after: number;
  readonly attention: number;
  readonly mlp: number;
  readonly attentionCosine: number;
  readonly mlpCosine: number;
}

/** A token's way through all layers; null where it is not among the positions that were asked for. */
export function layerFlows(flow: TokenFlow, token: number): readonly LayerFlow[] | null {
  const { position, positions, resid, between, attention, mlp, attentionCosine, mlpCosine } = flow;
  const own = token - position;
  if (own < 0 || own >= positions) return null;
  const layers = attention.length / positions;
  return Array.from({ length: layers }, (_, layer) => {
    const place = layer * positions + own;
    return {
      before: at(resid, place),
      between: at(between, place),
      after: at(resid, place + positions),
      attention: at(attention, place),
      mlp: at(mlp, place),
      attentionCosine: at(attentionCosine, place),
      mlpCosine: at(mlpCosine, place),
    };
  });
}

/** What the lens reads at one place: the likeliest next token, as if the model stopped there. */
export interface LensCell {
  readonly id: number;
  readonly piece: string;
  readonly probability: number;
}

/** [L + 1] a token's predictions on the way; null where it is not in the window. */
export function lensCells(window: LensWindow, token: number): readonly LensCell[] | null {
  const { position, positions, layers, topIds, topProbs, pieces } = window;
  const own = token - position;
  if (own < 0 || own >= positions) return null;
  return Array.from({ length: layers }, (_, layer) => {
    const place = layer * positions + own;
    const id = at(topIds, place);
    return { id, piece: pieces[id] ?? '', probability: at(topProbs, place) };
  });
}

/** The first place from which on the last prediction stays on top; it counts the first block's input as 0. */
export function decidedAt(cells: readonly LensCell[]): number {
  const last = cells.at(-1)?.id;
  return cells.findLastIndex(({ id }) => id !== last) + 1;
}

/** The lengths that the picture is drawn to: the longest of the stream, and of all that is added. */
export function longest(flows: readonly LayerFlow[]): { readonly stream: number; readonly added: number } {
  return {
    stream: flows.reduce((most, { before, between, after }) => Math.max(most, before, between, after), 1e-9),
    added: flows.reduce((most, { attention, mlp }) => Math.max(most, attention, mlp), 1e-9),
  };
}

/** Corners of the stream within one layer as a polygon of CSS, its thickness in shares of `scale`. */
export function streamShape({ before, between, after }: LayerFlow, scale: number, parallel: boolean): string {
  const places = parallel ? [before, after] : [before, between, after];
  const edge = (length: number): number => 50 * (1 - Math.max(0.02, length / scale));
  const across = (index: number): string => `${((100 * index) / (places.length - 1)).toFixed(1)}%`;
  const top = places.map((length, index) => `${across(index)} ${edge(length).toFixed(2)}%`);
  const bottom = places.map((length, index) => `${across(index)} ${(100 - edge(length)).toFixed(2)}%`).toReversed();
  return `polygon(${[...top, ...bottom].join(', ')})`;
}

/** The heads that add most, the first of them first. */
export function strongestHeads(lengths: Float32Array, count: number): readonly number[] {
  return Array.from(lengths, (_, head) => head)
    .sort((a, b) => at(lengths, b) - at(lengths, a) || a - b)
    .slice(0, count);
}
