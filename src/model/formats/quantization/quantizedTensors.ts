import { UserError } from '../../../core/errors.ts';
import { msg, type Translatable } from '../../../core/translatable.ts';
import { quoted, type ModelFiles } from '../modelFiles.ts';
import type { Source } from '../source.ts';
import type { StoredTensor } from '../storedTensor.ts';

/** The tensors of a folder and where they are read. */
export interface QuantizedTensors {
  readonly files: ModelFiles;
  readonly stored: ReadonlyMap<string, StoredTensor>;
}

/** What a method of quantisation makes of a folder's tensors. */
export interface Dequantized {
  /** Weights as float32 by name, computed when they are read. */
  readonly made: ReadonlyMap<string, Source>;
  /** Names of the stored tensors that hold them, or that only concern activations. */
  readonly spent: ReadonlySet<string>;
  /** Name of the method and its options, such as "GPTQ 4-bit". */
  readonly type: string;
  /** Whether the folder asks for quantised activations too, which are not. */
  readonly activations: boolean;
}

/** Modules that have a tensor `NAME.suffix`, sorted as stored. */
export function modulesWith({ stored }: QuantizedTensors, suffix: string): readonly string[] {
  return [...stored.keys()].flatMap((name) => (name.endsWith(`.${suffix}`) ? [name.slice(0, -suffix.length - 1)] : []));
}

/** A stored tensor of one of some types, and of a shape if that is given. Throws UserError naming it. */
export function tensorOf({ stored }: QuantizedTensors, name: string, types: readonly string[], shape?: readonly number[]): StoredTensor {
  const tensor = stored.get(name);
  if (tensor === undefined) throw new UserError(msg`The model's files hold no tensor "${name}", which config.json calls for.`);
  if (!types.includes(tensor.dtype)) refuse(tensor, msg`is stored as ${tensor.dtype.slice(0, 20)}, where ${types.join(', ')} is read`);
  if (shape !== undefined && tensor.shape.join() !== shape.join())
    refuse(tensor, msg`is ${tensor.shape.join(' x ')}, where ${shape.join(' x ')} is called for`);
  return tensor;
}

/** Rows and columns of a matrix. Throws UserError for a tensor that is none. */
export function matrixShape(tensor: StoredTensor): readonly [rows: number, columns: number] {
  const [rows, columns] = tensor.shape;
  if (rows === undefined || columns === undefined || tensor.shape.length !== 2)
    return refuse(tensor, msg`is ${tensor.shape.join(' x ')}, where a matrix is called for`);
  return [rows, columns];
}

/** Throws UserError about a stored tensor. */
export function refuse({ name, file }: StoredTensor, why: Translatable): never {
  throw new UserError(msg`Tensor ${quoted(name)} in ${file} ${why}.`);
}

/** The bytes of a tensor, or of `count` of its rows from row `first`, in a buffer of their own. */
export async function bytesIn(
  files: ModelFiles,
  { file, offset, length, shape }: StoredTensor,
  first = 0,
  count?: number,
): Promise<Uint8Array> {
  const row = length / (shape[0] ?? 1);
  return count === undefined ? files.read(file, offset, length) : files.read(file, offset + first * row, count * row);
}

/** 32-bit integers of a tensor. */
export async function wordsOf(files: ModelFiles, tensor: StoredTensor): Promise<Uint32Array> {
  return new Uint32Array(new Uint8Array(await bytesIn(files, tensor)).buffer);
}

/** The types of scales. */
export const FLOATS = ['F32', 'F16', 'BF16'];
