import { constants } from 'node:fs';
import { open, readFile, rename, rm, stat, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { CancelledError } from '../../core/errors.ts';
import type { HubFile } from './hubApi.ts';
import { digestOf } from './content.ts';

/** Bytes read at a time when a file is verified. */
const CHUNK = 1 << 20;
/** Suffix of files that are incomplete. */
export const PART_ENDING = '.incomplete';

/** Name of a file while it is incomplete. It contains the hash, so that a part is never continued with another file's data. */
export function partName({ name, hash }: HubFile): string {
  return `${name}.${hash.hex.slice(0, 16)}${PART_ENDING}`;
}

/** A partly downloaded file on disk. */
export class Part {
  readonly #path: string;
  readonly #file: HubFile;
  readonly #handle: FileHandle;
  #offset = 0;

  private constructor(path: string, file: HubFile, handle: FileHandle) {
    this.#path = path;
    this.#file = file;
    this.#handle = handle;
  }

  /** Opens the part of a file that is on disk already, or a new one. */
  static async open(folder: string, file: HubFile): Promise<Part> {
    const path = join(folder, partName(file));
    // A complete file is verified like any part, since it may have been damaged on disk.
    if ((await sizeOf(join(folder, file.name))) === file.bytes) await rename(join(folder, file.name), path);
    const part = new Part(path, file, await open(path, constants.O_RDWR | constants.O_CREAT));
    try {
      const { size } = await part.#handle.stat();
      if (size > file.bytes) await part.restart();
      else part.#offset = size;
      return part;
    } catch (error) {
      await part.close();
      throw error;
    }
  }

  /** Number of bytes on disk, and so the offset of the next. */
  get offset(): number {
    return this.#offset;
  }

  /**
   * Whether the file on disk has the listed size and hash. It is read anew from its path, because another process may have written
   * to it. Throws CancelledError.
   */
  async matches(signal: AbortSignal): Promise<boolean> {
    await this.#handle.sync();
    const digest = digestOf(this.#file);
    const buffer = new Uint8Array(CHUNK);
    const written = await open(this.#path);
    try {
      for (let offset = 0; ;) {
        if (signal.aborted) throw new CancelledError();
        const { bytesRead } = await written.read(buffer, 0, buffer.length, offset);
        if (bytesRead === 0) return offset === this.#file.bytes && digest.hex() === this.#file.hash.hex;
        digest.update(buffer.subarray(0, bytesRead));
        offset += bytesRead;
      }
    } finally {
      await written.close();
    }
  }

  /** Writes bytes at the end. */
  async append(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, this.#offset + done);
      done += bytesWritten;
    }
    this.#offset += bytes.length;
  }

  /** Deletes all content. */
  async restart(): Promise<void> {
    await this.#handle.truncate(0);
    this.#offset = 0;
  }

  /** Entity tag (ETag) of the response that the part began with, which must still hold when the download resumes. */
  async etag(): Promise<string | undefined> {
    const tag = await readFile(`${this.#path}.etag`, 'utf8').catch(() => '');
    return /^"[\x21\x23-\x7e]{1,200}"$/.test(tag) ? tag : undefined;
  }

  /** Saves a strong entity tag beside the part; a weak one does not guarantee identical bytes and is not saved. */
  async keepEtag(tag: string | undefined): Promise<void> {
    if (tag?.startsWith('"') === true) await writeFile(`${this.#path}.etag`, tag);
    else await rm(`${this.#path}.etag`, { force: true });
  }

  /** Closes the part and renames it to the file's own name. */
  async finish(folder: string): Promise<void> {
    await this.#handle.close();
    await rename(this.#path, join(folder, this.#file.name));
    await rm(`${this.#path}.etag`, { force: true });
  }

  /** Closes the part, which stays on disk. */
  async close(): Promise<void> {
    await this.#handle.close();
  }

  /** Closes the part and deletes it. */
  async discard(): Promise<void> {
    await this.#handle.close();
    await rm(this.#path, { force: true });
    await rm(`${this.#path}.etag`, { force: true });
  }
}

/** Number of a file's bytes on disk, complete or as a part. */
export async function bytesThere(folder: string, file: HubFile): Promise<number> {
  const whole = await sizeOf(join(folder, file.name));
  const part = whole === file.bytes ? whole : await sizeOf(join(folder, partName(file)));
  return part <= file.bytes ? part : 0;
}

/** Size of the file at `path`; 0 where there is none. */
export async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    (found) => (found.isFile() ? found.size : 0),
    () => 0,
  );
}
