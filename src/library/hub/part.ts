import { constants } from 'node:fs';
import { open, readFile, rename, rm, stat, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { CancelledError } from '../../core/errors.ts';
import type { HubFile } from './api.ts';
import { digestOf, type Digest } from './content.ts';

/** Bytes read at a time where a part is checked. */
const CHUNK = 1 << 20;
/** Ending of files that are not whole yet. */
export const PART_ENDING = '.incomplete';

/** Name of a file that is not whole yet. The hash in it keeps a part from being continued with another file's bytes. */
export function partName({ name, hash }: HubFile): string {
  return `${name}.${hash.hex.slice(0, 16)}${PART_ENDING}`;
}

/** The beginning of a file on disk, and the hash of it. */
export class Part {
  readonly #path: string;
  readonly #file: HubFile;
  readonly #handle: FileHandle;
  #digest: Digest;
  #offset = 0;

  private constructor(path: string, file: HubFile, handle: FileHandle) {
    this.#path = path;
    this.#file = file;
    this.#handle = handle;
    this.#digest = digestOf(file);
  }

  /** What is there of the file already, read again: the hash must cover it. */
  static async open(folder: string, file: HubFile, signal: AbortSignal, onBytes: (offset: number) => void): Promise<Part> {
    const path = join(folder, partName(file));
    // A file that is whole already is checked like any part: what is on disk may have been damaged since.
    if ((await sizeOf(join(folder, file.name))) === file.bytes) await rename(join(folder, file.name), path);
    const part = new Part(path, file, await open(path, constants.O_RDWR | constants.O_CREAT));
    try {
      const { size } = await part.#handle.stat();
      if (size > file.bytes) await part.restart();
      else await part.#readBack(size, signal, onBytes);
      return part;
    } catch (error) {
      await part.close();
      throw error;
    }
  }

  /** Bytes there. */
  get offset(): number {
    return this.#offset;
  }

  /** The content is what was announced. */
  get matches(): boolean {
    return this.#offset === this.#file.bytes && this.#digest.hex() === this.#file.hash.hex;
  }

  async append(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, this.#offset + done);
      done += bytesWritten;
    }
    this.#digest.update(bytes);
    this.#offset += bytes.length;
  }

  /** Forgets everything. */
  async restart(): Promise<void> {
    await this.#handle.truncate(0);
    this.#digest = digestOf(this.#file);
    this.#offset = 0;
  }

  /** Entity tag of the answer the part began with: what is asked for next must belong to it. */
  async etag(): Promise<string | undefined> {
    const tag = await readFile(`${this.#path}.etag`, 'utf8').catch(() => '');
    return /^"[\x21\x23-\x7e]{1,200}"$/.test(tag) ? tag : undefined;
  }

  /** Keeps a strong entity tag beside the part; a weak one promises no equal bytes. */
  async keepEtag(tag: string | undefined): Promise<void> {
    if (tag?.startsWith('"') === true) await writeFile(`${this.#path}.etag`, tag);
    else await rm(`${this.#path}.etag`, { force: true });
  }

  /** Makes the part the file. */
  async finish(folder: string): Promise<void> {
    await this.#handle.sync();
    await this.#handle.close();
    await rename(this.#path, join(folder, this.#file.name));
    await rm(`${this.#path}.etag`, { force: true });
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  /** Closes and removes it. */
  async discard(): Promise<void> {
    await this.#handle.close();
    await rm(this.#path, { force: true });
    await rm(`${this.#path}.etag`, { force: true });
  }

  async #readBack(size: number, signal: AbortSignal, onBytes: (offset: number) => void): Promise<void> {
    const buffer = new Uint8Array(Math.min(CHUNK, size));
    while (this.#offset < size) {
      if (signal.aborted) throw new CancelledError();
      const { bytesRead } = await this.#handle.read(buffer, 0, Math.min(buffer.length, size - this.#offset), this.#offset);
      if (bytesRead === 0) return;
      this.#digest.update(buffer.subarray(0, bytesRead));
      this.#offset += bytesRead;
      onBytes(this.#offset);
    }
  }
}

/** Bytes of a file that are on disk: all of it, or its part. */
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
