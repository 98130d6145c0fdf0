import type { KeyWindow } from '../../core/keyWindow.ts';
import { attentionsOf } from '../families/mixers.ts';
import type { Rope } from '../families/rope.ts';
import type { DecoderSpec, QueryScale } from '../families/spec.ts';
import { causalMask, frequencyStage, queryScales, rotaryTables, spanBias, type Span } from './positionsGraph.ts';

/** Inputs of layers besides the residual: layers with the same window or rope share a table. */
export interface LayerInputs {
  /** Ropes of the whole model, in the order of `cos.0`, `cos.1`, ... */
  readonly ropes: readonly Rope[];
  /** Windows of these layers. */
  readonly windows: ReadonlySet<KeyWindow>;
  readonly turnedBy: ReadonlySet<Rope>;
  /** The factor of these layers' queries by position; null: they have none. */
  readonly queryScale: QueryScale | null;
}

/** The tables that layers `from` to `to` - 1 read. */
export function layerInputs(spec: DecoderSpec, from: number, to: number): LayerInputs {
  const part = spec.blocks.slice(from, to);
  return {
    ropes: [...ropesOf(spec.blocks)],
    windows: new Set(attentionsOf(part).map(({ window }) => window)),
    turnedBy: ropesOf(part),
    queryScale: queryScaleOf(part),
  };
}

function queryScaleOf(blocks: DecoderSpec['blocks']): QueryScale | null {
  return attentionsOf(blocks).find(({ queryScale }) => queryScale !== null)?.queryScale ?? null;
}

function ropesOf(blocks: DecoderSpec['blocks']): Set<Rope> {
  return new Set(attentionsOf(blocks).flatMap(({ rope }) => rope ?? []));
}

/** Name of the graph input that holds a window's mask. */
export function maskName(window: KeyWindow): string {
  if (window === null) return 'mask';
  return typeof window === 'number' ? `mask.${window}` : `mask.chunk.${window.chunk}`;
}

/** A table for an input of the graph. */
export interface Table {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

/** Every table that the model's layers may read for these tokens, by input name. */
export function positionTables(spec: DecoderSpec, span: Span): ReadonlyMap<string, Table> {
  const { past, room, tokens, length } = span;
  const { ropes, windows, queryScale } = layerInputs(spec, 0, spec.blocks.length);
  const tables = new Map<string, Table>();
  for (const window of windows) tables.set(maskName(window), { dims: [tokens, room + tokens], data: causalMask(span, window) });
  for (const [index, rope] of ropes.entries()) {
    const { cos, sin } = rotaryTables(rope, length, past, past + tokens);
    tables.set(`cos.${index}`, { dims: [tokens, rope.width], data: cos });
    tables.set(`sin.${index}`, { dims: [tokens, rope.width], data: sin });
  }
  if (queryScale !== null) tables.set('queryScale', { dims: [tokens, 1], data: queryScales(queryScale, past, past + tokens) });
  if (spec.positions.kind === 'alibi')
    tables.set('bias', { dims: [spec.heads, 1, room + tokens], data: spanBias(spec.positions.alibi, span) });
  return tables;
}

/** Whether keys computed in a text of `length` tokens are valid in one of `other` tokens: not where the ropes' frequencies differ. */
export function sameKeys(spec: DecoderSpec, length: number, other: number): boolean {
  return [...ropesOf(spec.blocks)].every((rope) => frequencyStage(rope, length) === frequencyStage(rope, other));
}

/**
 * Whether the residuals, keys and values of the first tokens of a text of `length` tokens are, to the last rounding, those of a text of
 * `other` tokens that starts with the same: not where their keys differ, nor where a bias counted from the text's end (MPT's ALiBi)
 * rounds the scores differently.
 */
export function sameStart(spec: DecoderSpec, length: number, other: number): boolean {
  const fromEnd = spec.positions.kind === 'alibi' && spec.positions.alibi.from === 'last';
  return length === other || (!fromEnd && sameKeys(spec, length, other));
}

/** Names and shapes of the table inputs of these layers' graph. */
export function tableShapes(
  spec: DecoderSpec,
  { ropes, windows, turnedBy, queryScale }: LayerInputs,
): readonly (readonly [name: string, dims: readonly (number | string)[]])[] {
  return [
    ...[...windows].map((window) => [maskName(window), ['T', 'S']] as const),
    ...[...turnedBy].flatMap((rope) => ['cos', 'sin'].map((name) => [`${name}.${ropes.indexOf(rope)}`, ['T', rope.width]] as const)),
    ...(queryScale === null ? [] : [['queryScale', ['T', 1]] as const]),
    ...(spec.positions.kind === 'alibi' ? [['bias', [spec.heads, 1, 'S']] as const] : []),
  ];
}
