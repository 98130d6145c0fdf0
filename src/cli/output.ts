import { randomUUID } from 'node:crypto';
import { unlinkSync } from 'node:fs';
import { open, rename, stat, unlink } from 'node:fs/promises';
import { UserError, messageOf } from '../core/errors.ts';

/** Where a result goes, piece by piece. */
export interface Output {
  /** Waits until the bytes are taken. */
  write(bytes: Uint8Array | string): Promise<void>;
  /** All was written. */
  finish(): Promise<void>;
  /** Leaves nothing behind. */
  abandon(): Promise<void>;
}

/** The reader of standard output went away: not an error, but nothing more to do. */
export class ReaderGone extends Error {
  override readonly name = 'ReaderGone';
}

/** Standard output. Throws ReaderGone when its reader has closed it. */
export function standardOutput(): Output {
  const { stdout } = process;
  // Write errors also come as events, which would end the process with a stack.
  stdout.on('error', () => undefined);
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        stdout.write(bytes, (error) => {
          if (error === null || error === undefined) return resolve();
          reject('code' in error && error.code === 'EPIPE' ? new ReaderGone() : new UserError(`The result cannot be written: ${error.message}.`));
        });
      }),
    finish: async () => undefined,
    abandon: async () => undefined,
  };
}

/** A file, or standard output where none is named. */
export async function openOutput(path: string | null): Promise<Output> {
  return path === null ? standardOutput() : fileOutput(path);
}

/** A file that appears whole or not at all: written beside its place, then renamed. Throws UserError naming the path. */
async function fileOutput(path: string): Promise<Output> {
  const partial = `${path}.${randomUUID().slice(0, 8)}.partial`;
  const failed = (error: unknown): never => {
    throw new UserError(`--output ${path} cannot be written: ${messageOf(error)}.`, { cause: error });
  };
  const there = await stat(path).catch(() => null);
  if (there !== null && !there.isFile()) return failed(new Error('it is not a file'));
  const handle = await open(partial, 'wx').catch(failed);
  // Stopped from the keyboard, the process must not leave half a file.
  const stop = (): void => {
    unlinkSync(partial);
    process.exit(130);
  };
  const release = async (): Promise<void> => {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    await handle.close();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  return {
    write: async (bytes) => {
      await handle.writeFile(bytes).catch(failed);
    },
    finish: async () => {
      await release().catch(failed);
      await rename(partial, path).catch(failed);
    },
    abandon: async () => {
      await release().catch(() => undefined);
      await unlink(partial).catch(() => undefined);
    },
  };
}
