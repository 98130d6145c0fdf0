import { FILE_FORMATS } from '../../../core/fileFormats.ts';
import { UserError } from '../../../core/errors.ts';
import { msg, type Translatable } from '../../../core/translatable.ts';
import { bytesText, quoted, refuseLfsPointer, type ModelFiles } from '../modelFiles.ts';
import type { StoredTensor } from '../storedTensor.ts';
import { Cursor, NeedsMore, type GgufValue } from './cursor.ts';
import { blockType, blockTypeNames, typeName } from './types.ts';

export type { GgufValue } from './cursor.ts';
/** Metadata of a file by key. */
export type GgufMetadata = ReadonlyMap<string, GgufValue>;

/** Header of a GGUF file. */
export interface GgufHeader {
  readonly metadata: GgufMetadata;
  /** Tensors by ggml's names; `dtype` is the ggml type, the shape is row-major as everywhere here. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/** The limit of safetensors; the largest vocabularies known take 25 MB. */
export const HEADER_MAX_BYTES = 100_000_000;
/** Most metadata keys; models have 20 to 60. */
export const METADATA_MAX_KEYS = 10_000;
/** The format's own limit (ggml's gguf.md: keys are at most 2^16 - 1 bytes). */
export const KEY_MAX_BYTES = 65_535;
/** Most tensors; the largest models have about 2,000, old files with separate experts 20,000. */
export const TENSORS_MAX = 100_000;
/** GGML_MAX_NAME is 64. */
export const NAME_MAX_BYTES = 64;
/** GGML_MAX_DIMS. */
export const AXES_MAX = 4;
/** Largest alignment; files use 32, and a memory page is 4 kB to 64 kB. */
export const ALIGNMENT_MAX = 65_536;

const VERSIONS = [2, 3];
/** Bytes read at first: the whole header of a model without a long vocabulary. Each further attempt reads 8 times as much. */
const FIRST_BYTES = 1024 * 1024;

/** Bytes that suffice to identify the kind of file. */
const START_BYTES = 64;
/**
 * Metadata, and names and locations of all tensors, from the header of one GGUF file.
 * Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3, little-endian.
 * Throws UserError naming the file and what is wrong with it.
 */
export async function readGgufHeader(files: ModelFiles, file: string): Promise<GgufHeader> {
  const size = await files.size(file);
  const most = Math.min(size, HEADER_MAX_BYTES);
  refuseLfsPointer(await files.read(file, 0, Math.min(size, START_BYTES)), file);
  for (let length = Math.min(FIRST_BYTES, most); ; length = Math.min(length * 8, most)) {
    try {
      return parseHeader(new Cursor(await files.read(file, 0, length), file), size);
    } catch (error) {
      if (!(error instanceof NeedsMore)) throw error;
      if (length < most) continue;
      throw new UserError(
        length === size
          ? msg`${file} is cut off: it ends at byte ${size}, inside its header.`
          : msg`${file} has a header of more than ${bytesText(HEADER_MAX_BYTES)}, which is not allowed.`,
        { cause: error },
      );
    }
  }
}

function parseHeader(cursor: Cursor, size: number): GgufHeader {
  checkVersion(cursor);
  const tensorCount = cursor.u64();
  const keyCount = cursor.u64();
  if (tensorCount > TENSORS_MAX) cursor.fail(msg`claims ${tensorCount} tensors, where at most ${TENSORS_MAX} are allowed`);
  if (keyCount > METADATA_MAX_KEYS) cursor.fail(msg`claims ${keyCount} keys of metadata, where at most ${METADATA_MAX_KEYS} are allowed`);
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < keyCount; i++) {
    const key = cursor.text(KEY_MAX_BYTES, () => msg`a key`);
    if (metadata.has(key)) cursor.fail(msg`says ${quoted(key)} twice`);
    metadata.set(key, cursor.value(cursor.u32(), key));
  }
  const entries = Array.from({ length: tensorCount }, () => readEntry(cursor));
  const alignment = alignmentOf(metadata, cursor);
  const dataStart = Math.ceil(cursor.position / alignment) * alignment;
  const tensors = new Map<string, StoredTensor>();
  for (const entry of entries) {
    if (tensors.has(entry.name)) cursor.fail(msg`holds tensor ${quoted(entry.name)} twice`);
    if (entry.offset % alignment !== 0)
      cursor.fail(msg`places tensor ${quoted(entry.name)} at byte ${entry.offset} of its data, which is not a multiple of ${alignment}`);
    tensors.set(entry.name, { ...entry, offset: dataStart + entry.offset });
  }
  checkPlaces([...tensors.values()], cursor, size);
  return { metadata, tensors };
}

function checkVersion(cursor: Cursor): void {
  if (cursor.u32() !== 0x46554747) cursor.fail(msg`is not a GGUF file: it does not begin with "${FILE_FORMATS.gguf.start}"`);
  const version = cursor.u32();
  if (VERSIONS.includes(version)) return;
  const swapped = ((version & 0xff) << 24) | ((version & 0xff00) << 8) | ((version >>> 8) & 0xff00) | (version >>> 24);
  if (swapped >= 1 && swapped <= 0xff) cursor.fail(msg`is a GGUF file for big-endian machines, which is not read`);
  const reason = msg`is a GGUF file of version ${version}: versions ${Math.min(...VERSIONS)} and ${Math.max(...VERSIONS)} are read`;
  cursor.fail(version === 1 ? msg`${reason}; newer files of the same model are` : reason);
}

/** Description of a tensor; its offset is relative to the start of the data. */
function readEntry(cursor: Cursor): StoredTensor {
  const name = cursor.text(NAME_MAX_BYTES, () => msg`a tensor's name`);
  const fail = (reason: Translatable): never => cursor.fail(msg`holds tensor ${quoted(name)}, which ${reason}`);
  const axes = cursor.u32();
  if (axes > AXES_MAX) fail(msg`has ${axes} axes, where at most ${AXES_MAX} are allowed`);
  // ggml lists the fastest-varying axis first.
  const shape = Array.from({ length: axes }, () => cursor.u64()).toReversed();
  const id = cursor.u32();
  const offset = cursor.u64();
  const type = blockType(id);
  if (type === null) return fail(msg`is of type ${typeName(id)}: ${blockTypeNames().join(', ')} are read`);
  const elements = shape.reduce((product, dim) => product * dim, 1);
  if (!Number.isSafeInteger(elements) || !Number.isSafeInteger(offset)) return fail(msg`is larger than any file`);
  if (elements === 0) return fail(msg`has no numbers`);
  const width = shape.at(-1) ?? 1;
  if (width % type.elements !== 0)
    return fail(msg`has rows of ${width} numbers, which blocks of ${type.elements} of type ${type.name} do not fill`);
  return { name, dtype: type.name, shape, file: cursor.file, offset, length: (elements / type.elements) * type.bytes };
}

function alignmentOf(metadata: GgufMetadata, cursor: Cursor): number {
  const alignment = metadata.get('general.alignment') ?? 32;
  if (typeof alignment !== 'number' || !Number.isInteger(Math.log2(alignment)) || alignment < 1 || alignment > ALIGNMENT_MAX) {
    return cursor.fail(
      msg`says "general.alignment" as ${JSON.stringify(alignment).slice(0, 40)}, which is not a power of two up to ${ALIGNMENT_MAX}`,
    );
  }
  return alignment;
}

/** Checks that every tensor is inside the file and no two overlap. */
function checkPlaces(tensors: readonly StoredTensor[], cursor: Cursor, size: number): void {
  let previous: StoredTensor | null = null;
  for (const tensor of tensors.toSorted((a, b) => a.offset - b.offset || a.length - b.length)) {
    const end = tensor.offset + tensor.length;
    if (end > size) cursor.fail(msg`is cut off: tensor ${quoted(tensor.name)} ends at byte ${end}, the file at ${size}`);
    if (previous !== null && tensor.offset < previous.offset + previous.length)
      cursor.fail(msg`holds tensors ${quoted(previous.name)} and ${quoted(tensor.name)} that overlap`);
    if (tensor.length > 0) previous = tensor;
  }
}
