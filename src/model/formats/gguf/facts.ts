import { UserError } from '../../../core/errors.ts';
import { msg, type Translatable } from '../../../core/translatable.ts';
import { quoted } from '../modelFiles.ts';
import type { StoredTensor } from '../storedTensor.ts';
import type { GgufMetadata, GgufValue } from './ggufHeader.ts';

/** More layers than any model has; bounds the size of lists by layer. */
export const LAYERS_MAX = 10_000;
/** Most heads in a layer, as tensors by head are generated; the largest models have 256. */
export const HEADS_MAX = 4096;
/** Most experts in a layer, as each becomes tensors of its own; the largest models have 512. */
export const EXPERTS_MAX = 4096;

/**
 * Metadata of a GGUF file about its model. Keys are relative to the architecture: "block_count" is "llama.block_count". Every call
 * throws UserError naming the key.
 */
export interface Facts {
  readonly file: string;
  readonly architecture: string;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** A whole number of at least 1, or `absent`; a list by layer with equal entries counts as that number. */
  count(key: string, absent?: number): number;
  number(key: string, absent?: number): number;
  /** A number; null where the file does not state it. */
  optional(key: string): number | null;
  flag(key: string, absent: boolean): boolean;
  text(key: string, absent: string): string;
  value(key: string): GgufValue | undefined;
  /** A value whose key is not relative to the architecture. */
  general(key: string): GgufValue | undefined;
  has(tensor: string): boolean;
  /** Size of axis `axis` of a tensor. */
  dim(tensor: string, axis: number): number;
  /** Throws UserError with the file's name and `reason`. */
  refuse(reason: Translatable): never;
}

/** The metadata of one file. */
export function factsOf(file: string, architecture: string, metadata: GgufMetadata, tensors: ReadonlyMap<string, StoredTensor>): Facts {
  const refuse = (reason: Translatable): never => {
    throw new UserError(msg`${file} ${reason}.`);
  };
  const full = (key: string): string => `${architecture}.${key}`;
  const find = (key: string): GgufValue | undefined => {
    const value = metadata.get(full(key));
    if (!Array.isArray(value)) return value;
    const items: readonly GgufValue[] = value;
    return items.length > 0 && items.every((item) => item === items[0]) ? items[0] : value;
  };
  const number = (key: string, absent?: number): number => {
    const value = find(key) ?? absent;
    if (value === undefined) return refuse(msg`does not say "${full(key)}"`);
    if (Array.isArray(value)) return refuse(msg`says "${full(key)}" differently for each layer, which is not supported`);
    if (typeof value !== 'number' || !Number.isFinite(value))
      return refuse(msg`says "${full(key)}" as ${shown(value)}, which is not a number`);
    return decimal(value);
  };
  return {
    file,
    architecture,
    tensors,
    number,
    refuse,
    value: (key) => metadata.get(full(key)),
    general: (key) => metadata.get(key),
    optional: (key) => (metadata.has(full(key)) ? number(key) : null),
    count: (key, absent) => {
      const value = number(key, absent);
      if (!Number.isSafeInteger(value) || value < 1) refuse(msg`says "${full(key)}" as ${value}, which is not a whole number from 1 on`);
      return value;
    },
    flag: (key, absent) => {
      const value = find(key) ?? absent;
      return typeof value === 'boolean' ? value : refuse(msg`says "${full(key)}" as ${shown(value)}, which is neither true nor false`);
    },
    text: (key, absent) => {
      const value = find(key) ?? absent;
      return typeof value === 'string' ? value : refuse(msg`says "${full(key)}" as ${shown(value)}, which is not a text`);
    },
    has: (name) => tensors.has(name),
    dim: (name, axis) =>
      tensors.get(name)?.shape[axis] ??
      refuse(tensors.has(name) ? msg`holds a tensor ${quoted(name)} of too few axes` : msg`holds no tensor ${quoted(name)}`),
  };
}

/** The shortest decimal that rounds to a float32 value: metadata is float32, and 9.99999997475e-7 means 1e-6. */
export function decimal(value: number): number {
  if (Math.fround(value) !== value) return value;
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}

function shown(value: GgufValue): string {
  return (JSON.stringify(value) ?? '').slice(0, 40);
}
