import { bytesText } from '../core/bytesText.ts';
import { UserError, messageOf } from '../core/errors.ts';
import { msg } from '../core/translatable.ts';
import type { StoredTensor } from './formats/safetensors.ts';

export { bytesText };

/** The files of one model folder, wherever they are: injected, so that disk, web and tests are alike. */
export interface ModelFiles {
  /** Shown name: the folder's base name. */
  readonly name: string;
  /** File names directly in the folder. */
  list(): Promise<readonly string[]>;
  /** Bytes of a file. Throws UserError when it is missing. */
  size(file: string): Promise<number>;
  /** Exactly `length` bytes from `offset`, in a buffer of their own. */
  read(file: string, offset: number, length: number): Promise<Uint8Array>;
  /** Real path on disk (links resolved), where there is one: lets the native runtime map weights. null: the file is made of others. */
  localPath?(file: string): Promise<string | null>;
  /** The weights, where they are not in safetensors files, what their type is called, and their bytes as stored. */
  readonly weights?: { readonly tensors: ReadonlyMap<string, StoredTensor>; readonly type: string; readonly bytes: number };
}

/** config.json of the largest models known is under 100 kB. */
export const CONFIG_MAX_BYTES = 4 * 1024 * 1024;
/** An index names every tensor once: 1,000,000 tensors fit. */
export const INDEX_MAX_BYTES = 100 * 1024 * 1024;

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

/** Throws UserError for what stands in a Git repository in place of a large file that was not fetched. `start`: the file's first bytes. */
export function refuseLfsPointer(start: Uint8Array, file: string): void {
  if (start.length >= LFS_MARK.length && LFS_MARK.every((byte, i) => byte === start[i])) throw new UserError(msg`${file} is a Git LFS pointer, not the file itself: fetch it with "git lfs pull".`);
}

/** The parsed JSON of a file of at most `maxBytes`. Throws UserError naming the file. */
export async function readJson(files: ModelFiles, file: string, maxBytes: number): Promise<unknown> {
  return parseJson(await readText(files, file, maxBytes), file);
}

/** Parsed JSON. Throws UserError naming `file` with the parser's reason. */
export function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UserError(msg`${file} is not valid JSON: ${messageOf(error).replaceAll(/\s+/g, ' ')}.`, { cause: error });
  }
}

/** An object of JSON, not an array and not null. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
