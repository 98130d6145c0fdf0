import { open, readdir, realpath, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { UserError, messageOf } from '../core/errors.ts';
import type { ModelFiles } from '../model/files.ts';

/** The files of a model folder on disk. Throws UserError when there is no such folder. `name` is the folder's own unless given. */
export async function folderFiles(path: string, name?: string): Promise<ModelFiles> {
  const folder = resolve(path);
  const found = await stat(folder).catch(() => null);
  if (found === null) throw new UserError(`There is no model folder ${path}.`);
  if (!found.isDirectory()) throw new UserError(`The model ${path} is not a folder.`);
  return {
    name: name ?? basename(folder),
    list: () => readdir(folder).catch((error: unknown) => Promise.reject(unreadable(path, error))),
    size: (file) => fileSize(join(folder, file), file),
    read: (file, offset, length) => readRange(join(folder, file), file, offset, length),
    localPath: (file) => realpath(join(folder, file)),
  };
}

async function fileSize(path: string, file: string): Promise<number> {
  const found = await stat(path).catch(() => null);
  if (found === null) throw new UserError(`The model folder has no file ${file}.`);
  // Reading a pipe or a device could wait for ever.
  if (!found.isFile()) throw new UserError(`${file} in the model folder is not a file.`);
  return found.size;
}

async function readRange(path: string, file: string, offset: number, length: number): Promise<Uint8Array> {
  await fileSize(path, file);
  const handle = await open(path).catch((error: unknown) => Promise.reject(unreadable(file, error)));
  try {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
      if (bytesRead === 0) throw new UserError(`${file} ends before byte ${offset + length}.`);
      done += bytesRead;
    }
    return bytes;
  } catch (error) {
    throw error instanceof UserError ? error : unreadable(file, error);
  } finally {
    await handle.close();
  }
}

function unreadable(file: string, error: unknown): UserError {
  return new UserError(`${file} cannot be read: ${messageOf(error)}.`, { cause: error });
}
