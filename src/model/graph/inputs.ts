import type { Rope } from '../families/rope.ts';
import type { DecoderSpec } from '../families/spec.ts';
import { alibiBias, causalMask, rotaryTables } from './positions.ts';

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

/** Every table that the model's layers may read at a text of `length` tokens. */
export function positionTables(spec: DecoderSpec, length: number): ReadonlyMap<string, Table> {
  const { ropes, windows } = layerInputs(spec, 0, spec.blocks.length);
  const tables = new Map<string, Table>();
  for (const window of windows) tables.set(maskName(window), { dims: [length, length], data: causalMask(length, window) });
  for (const [index, rope] of ropes.entries()) {
    const { cos, sin } = rotaryTables(rope, length);
    tables.set(`cos.${index}`, { dims: [length, rope.width], data: cos });
    tables.set(`sin.${index}`, { dims: [length, rope.width], data: sin });
  }
  if (spec.positions.kind === 'alibi') tables.set('bias', { dims: [spec.heads, 1, length], data: alibiBias(spec.positions.alibi, length) });
  return tables;
}

/** Names and shapes of the inputs of these layers' graph. */
export function tableShapes(spec: DecoderSpec, { ropes, windows, turnedBy }: LayerInputs): readonly (readonly [name: string, dims: readonly (number | string)[]])[] {
  return [
    ...[...windows].map((window) => [maskName(window), ['T', 'T']] as const),
    ...[...turnedBy].flatMap((rope) => ['cos', 'sin'].map((name) => [`${name}.${ropes.indexOf(rope)}`, ['T', rope.width]] as const)),
    ...(spec.positions.kind === 'alibi' ? [['bias', [spec.heads, 1, 'T']] as const] : []),
  ];
}
