import { UserError } from '../../core/errors.ts';
import { msg, type Translatable } from '../../core/translatable.ts';
import { isRecord } from '../../core/records.ts';
import { bytesText, parseJson, quoted, refuseLfsPointer, type ModelFiles } from './modelFiles.ts';
import { duplicateKey } from './duplicateKeys.ts';
import { jsonShape } from './jsonShape.ts';
import type { StoredTensor } from './storedTensor.ts';

/** The limit of the reference implementation (safetensors, `MAX_HEADER_SIZE`). */
export const HEADER_MAX_BYTES = 100_000_000;
/** Most tensors; the largest known model has 140,000, in many files. */
export const TENSORS_MAX = 250_000;
/** Most axes: more than any tensor has, to bound a hostile shape. */
const MAX_AXES = 16;
/** Bytes that suffice to identify the kind of file. */
const START_BYTES = 64;

/** Bits of one element by type. The length of other types cannot be checked, and no weight may use them. */
const ELEMENT_BITS: ReadonlyMap<string, number> = new Map([
  ['BOOL', 8],
  ['U8', 8],
  ['I8', 8],
  ['F8_E5M2', 8],
  ['F8_E4M3', 8],
  ['F8_E8M0', 8],
  ['F4', 4],
  ['F6_E2M3', 6],
  ['F6_E3M2', 6],
  ['I16', 16],
  ['U16', 16],
  ['F16', 16],
  ['BF16', 16],
  ['I32', 32],
  ['U32', 32],
  ['F32', 32],
  ['I64', 64],
  ['U64', 64],
  ['F64', 64],
  ['C64', 64],
]);

/**
 * Names and locations of all tensors, from the header of one safetensors file.
 * Format: https://github.com/huggingface/safetensors (8 bytes length, JSON, data without holes or overlaps).
 * Throws UserError naming the file and what is wrong with it.
 */
export async function readSafetensorsHeader(files: ModelFiles, file: string): Promise<ReadonlyMap<string, StoredTensor>> {
  const size = await files.size(file);
  const start = await files.read(file, 0, Math.min(size, START_BYTES));
  refuseLfsPointer(start, file);
  if (size < 8) throw new UserError(msg`${file} is cut off: it holds ${size} bytes.`);
  const headerLength = Number(new DataView(start.buffer, start.byteOffset).getBigUint64(0, true));
  if (headerLength > size - 8) {
    throw new UserError(
      msg`${file} is cut off or not a safetensors file: its header would take ${bytesText(headerLength)} of ${bytesText(size)}.`,
    );
  }
  if (headerLength > HEADER_MAX_BYTES) {
    throw new UserError(msg`${file} has a header of ${bytesText(headerLength)}, where at most ${bytesText(HEADER_MAX_BYTES)} are allowed.`);
  }
  const text = headerText(await files.read(file, 8, headerLength), file);
  const { objects } = jsonShape(text);
  if (objects > TENSORS_MAX) throw new UserError(msg`${file} describes ${objects} tensors, where at most ${TENSORS_MAX} are allowed.`);
  const header = parseJson(text, `The header of ${file}`);
  if (!isRecord(header)) throw new UserError(msg`The header of ${file} is not a JSON object.`);
  const twice = duplicateKey(text);
  if (twice !== null) throw new UserError(msg`The header of ${file} says ${quoted(twice)} twice.`);
  const tensors = Object.entries(header)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, entry]) => readEntry(name, entry, file, 8 + headerLength));
  checkLayout(tensors, file, 8 + headerLength, size);
  return new Map(tensors.map((tensor) => [tensor.name, tensor]));
}

function headerText(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new UserError(msg`The header of ${file} is not UTF-8 text.`, { cause: error });
  }
}

function readEntry(name: string, entry: unknown, file: string, dataStart: number): StoredTensor {
  const fail = (reason: Translatable): never => {
    throw new UserError(msg`Tensor ${quoted(name)} in ${file} ${reason}.`);
  };
  if (name === '__proto__') return fail(msg`has a name that is not allowed`);
  if (!isRecord(entry)) return fail(msg`is not described by a JSON object`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string') return fail(msg`has no "dtype"`);
  if (!isCounts(shape) || shape.length > MAX_AXES) return fail(msg`has a "shape" that is not a list of whole numbers`);
  if (!isCounts(offsets) || offsets.length !== 2) return fail(msg`has "data_offsets" that are not two whole numbers`);
  const [begin = 0, end = 0] = offsets;
  if (begin > end) return fail(msg`ends at byte ${end}, before it begins at ${begin}`);
  const elements = shape.reduce((product, dim) => product * dim, 1);
  const bits = ELEMENT_BITS.get(dtype);
  if (bits !== undefined && elements * bits !== (end - begin) * 8) {
    return fail(msg`is ${shape.join(' x ')} numbers of ${dtype.slice(0, 20)}, which is not the ${end - begin} bytes it is given`);
  }
  return { name, dtype, shape, file, offset: dataStart + begin, length: end - begin };
}

/** Whether a value is a list of non-negative whole numbers that float64 represents exactly. */
function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

/** Checks that tensors fill the file after the header, without overlaps or holes. */
function checkLayout(tensors: readonly StoredTensor[], file: string, dataStart: number, size: number): void {
  let previous: StoredTensor | null = null;
  let position = dataStart;
  for (const tensor of tensors.toSorted((a, b) => a.offset - b.offset || a.length - b.length)) {
    if (tensor.offset + tensor.length > size) {
      throw new UserError(
        msg`${file} is cut off: tensor ${quoted(tensor.name)} ends at byte ${tensor.offset + tensor.length}, the file at ${size}.`,
      );
    }
    if (tensor.offset < position)
      throw new UserError(msg`Tensors ${quoted(previous?.name ?? '')} and ${quoted(tensor.name)} in ${file} overlap.`);
    if (tensor.offset > position)
      throw new UserError(msg`${file} has ${tensor.offset - position} bytes before tensor ${quoted(tensor.name)} that belong to none.`);
    position += tensor.length;
    previous = tensor;
  }
  if (position !== size) throw new UserError(msg`${file} has ${size - position} bytes after its last tensor that belong to none.`);
}
