import type { Rope } from '../families/rope.ts';
import type { DecoderSpec } from '../families/spec.ts';
import { causalMask, frequencyStage, rotaryTables, spanBias, type Span } from './positions.ts';

/** What layers are given beside the residual: the same tables for all that share a window or a rope. */
export interface LayerInputs {
  /** Of the whole model, in the order of `cos.0`, `cos.1`, ... */
  readonly ropes: readonly Rope[];
  /** Of these layers. */
  readonly windows: ReadonlySet<number | null>;
  readonly turnedBy: ReadonlySet<Rope>;
}

/** The tables that layers `from` up to, not including, `to` read. */
export function layerInputs(spec: DecoderSpec, from: number, to: number): LayerInputs {
  const part = spec.blocks.slice(from, to);
  return { ropes: [...ropesOf(spec.blocks)], windows: new Set(part.map(({ attention }) => attention.window)), turnedBy: ropesOf(part) };
}

function ropesOf(blocks: DecoderSpec['blocks']): Set<Rope> {
  return new Set(blocks.flatMap(({ attention }) => attention.rope ?? []));
}

/** The graph's input with the mask of a window. */
export function maskName(window: number | null): string {
  return window === null ? 'mask' : `mask.${window}`;
}

/** A table by the name of the graph's input. */
export interface Table {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

/** Every table that the model's layers may read at these tokens. */
export function positionTables(spec: DecoderSpec, span: Span): ReadonlyMap<string, Table> {
  const { past, room, tokens } = span;
  const { ropes, windows } = layerInputs(spec, 0, spec.blocks.length);
  const tables = new Map<string, Table>();
  for (const window of windows) tables.set(maskName(window), { dims: [tokens, room + tokens], data: causalMask(span, window) });
  for (const [index, rope] of ropes.entries()) {
    const { cos, sin } = rotaryTables(rope, past + tokens, past);
    tables.set(`cos.${index}`, { dims: [tokens, rope.width], data: cos });
    tables.set(`sin.${index}`, { dims: [tokens, rope.width], data: sin });
  }
  if (spec.positions.kind === 'alibi') tables.set('bias', { dims: [spec.heads, 1, room + tokens], data: spanBias(spec.positions.alibi, span) });
  return tables;
}

/** Whether keys of a text of `length` tokens are keys of one of `other` tokens: they are not where the ropes' frequencies differ. */
export function sameKeys(spec: DecoderSpec, length: number, other: number): boolean {
  return [...ropesOf(spec.blocks)].every((rope) => frequencyStage(rope, length) === frequencyStage(rope, other));
}

/** Names and shapes of the inputs of these layers' graph. */
export function tableShapes(spec: DecoderSpec, { ropes, windows, turnedBy }: LayerInputs): readonly (readonly [name: string, dims: readonly (number | string)[]])[] {
  return [
    ...[...windows].map((window) => [maskName(window), ['T', 'S']] as const),
    ...[...turnedBy].flatMap((rope) => ['cos', 'sin'].map((name) => [`${name}.${ropes.indexOf(rope)}`, ['T', rope.width]] as const)),
    ...(spec.positions.kind === 'alibi' ? [['bias', [spec.heads, 1, 'S']] as const] : []),
  ];
}
