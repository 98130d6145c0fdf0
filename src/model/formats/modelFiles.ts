import { bytesText } from '../../core/bytesText.ts';
import { UserError, messageOf } from '../../core/errors.ts';
import { msg, type Translatable } from '../../core/translatable.ts';
import { jsonShape } from './jsonShape.ts';
import type { StoredTensor } from './storedTensor.ts';

export { bytesText };

/** Access to the files of one model folder, independent of where they are: disk, web or test. */
export interface ModelFiles {
  /** Display name: the folder's base name. */
  readonly name: string;
  /** File names directly in the folder. */
  list(): Promise<readonly string[]>;
  /** Bytes of a file. Throws UserError when it is missing. */
  size(file: string): Promise<number>;
  /** Exactly `length` bytes from `offset`, in a new buffer. */
  read(file: string, offset: number, length: number): Promise<Uint8Array>;
  /** Real path on disk (links resolved), from which the native runtime maps weights; null: the file is generated. */
  localPath?(file: string): Promise<string | null>;
  /** Notices about files that are read only in part. */
  readonly notices?: readonly Translatable[];
  /** Weights that are not in the folder's safetensors files as they are read, with the name of their type and their bytes as stored. */
  readonly weights?: { readonly tensors: ReadonlyMap<string, StoredTensor>; readonly type?: string; readonly bytes: number };
  /** Names of files that hold weights and that `list` does not name. */
  readonly storedIn?: readonly string[];
  /** Whether `weights` are dequantised as config.json's `quantization_config` says. */
  readonly dequantized?: true;
  /** Path of the model that an adapter was added to, where that lies elsewhere. */
  readonly adapterOn?: string;
  /** Whether tokenizer.json is generated, and complete: no other file defines tokens. */
  readonly tokenizerMade?: true;
}

/** Largest config.json; those of the largest known models are under 100 kB. */
export const CONFIG_MAX_BYTES = 4 * 1024 * 1024;
/** Largest index file: room for 1,000,000 tensors. */
export const INDEX_MAX_BYTES = 100 * 1024 * 1024;

/** Deepest JSON nesting, as recursion takes stack for each level; files of known models nest 6 deep. */
const JSON_MAX_DEPTH = 64;

/** A name from a file, in quotes, that keeps a message one short line whatever it holds. */
export function quoted(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
}

/** The text of a UTF-8 file of at most `maxBytes`; a larger one is refused by its size, unread. Throws UserError. */
export async function readText(files: ModelFiles, file: string, maxBytes: number): Promise<string> {
  const size = await files.size(file);
  if (size > maxBytes) throw new UserError(msg`${file} is too large: ${bytesText(size)}, where at most ${bytesText(maxBytes)} make sense.`);
  const bytes = await files.read(file, 0, size);
  refuseLfsPointer(bytes, file);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new UserError(msg`${file} is not UTF-8 text.`, { cause: error });
  }
}

const LFS_MARK = new TextEncoder().encode('version https://git-lfs');

/** Throws UserError for a Git LFS pointer, the placeholder of a file that was not fetched. `start`: the file's first bytes. */
export function refuseLfsPointer(start: Uint8Array, file: string): void {
  if (start.length >= LFS_MARK.length && LFS_MARK.every((byte, i) => byte === start[i]))
    throw new UserError(msg`${file} is a Git LFS pointer, not the file itself: fetch it with "git lfs pull".`);
}

/**
 * The parsed JSON of a file of at most `maxBytes`, as Python's `json` reads it: with NaN and infinities. Throws UserError naming
 * the file.
 */
export async function readJson(files: ModelFiles, file: string, maxBytes: number): Promise<unknown> {
  return parsePythonJson(await readText(files, file, maxBytes), file);
}

/** What Python's `json.dump` writes for numbers that JSON has no name for; strings, which may hold such words, come first. */
const NOT_FINITE = /"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/gs;

/** Parsed JSON in which NaN, Infinity and -Infinity may stand where numbers do. Throws UserError naming `file`. */
export function parsePythonJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Each is replaced by a string that the file does not contain.
    let mark = '\uf8ff';
    while (text.includes(mark)) mark += '\uf8ff';
    const marked = text.replace(NOT_FINITE, (found) => (found.startsWith('"') ? found : `"${mark}${found}"`));
    if (marked === text) return parseJson(text, file);
    try {
      return JSON.parse(marked, (_, value: unknown) =>
        typeof value === 'string' && value.startsWith(mark) ? Number(value.slice(mark.length)) : value,
      );
    } catch {
      return parseJson(text, file);
    }
  }
}

/** Parsed JSON. Throws UserError naming `file` for invalid JSON, with the parser's reason, and for JSON nested too deeply. */
export function parseJson(text: string, file: string): unknown {
  const { depth } = jsonShape(text);
  if (depth > JSON_MAX_DEPTH)
    throw new UserError(msg`${file} holds lists and objects within each other ${depth} deep, where at most ${JSON_MAX_DEPTH} make sense.`);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UserError(msg`${file} is not valid JSON: ${messageOf(error).replaceAll(/\s+/g, ' ')}.`, { cause: error });
  }
}
