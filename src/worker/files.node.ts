import { open, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { UserError, messageOf } from '../core/errors.ts';
import { msg } from '../core/translatable.ts';
import { asFolder } from '../model/asFolder.ts';
import type { ModelFiles } from '../model/files.ts';
import { ggufFiles } from '../model/formats/gguf/files.ts';
import { isGguf } from '../model/formats/gguf/header.ts';
import { ggufParts, modelNameOf } from '../model/formats/gguf/split.ts';

/**
 * A model on disk: a folder in Hugging Face layout or with one GGUF model, or a GGUF file by any name, the first of several standing for all.
 * Throws UserError when there is no such model. `name` is the path's own unless given.
 */
export async function modelAt(path: string, name?: string): Promise<ModelFiles> {
  const found = await stat(path).catch(() => null);
  if (found?.isFile() !== true) return asFolder(await folderFiles(path, name));
  const shown = modelNameOf(name ?? basename(path));
  if (!isGguf(await readRange(path, basename(path), 0, Math.min(found.size, 4)))) {
    throw new UserError(path.endsWith('.safetensors') ? msg`The model ${path} is neither a folder nor a GGUF file: choose the folder it is in.` : msg`The model ${path} is neither a folder nor a GGUF file.`);
  }
  // A link was chosen as it is, wherever it leads; the parts of a model are beside each other.
  const real = ggufParts(basename(path)) > 1 ? resolve(path) : await realpath(path);
  return ggufFiles(await folderFiles(dirname(real), shown), basename(real), shown);
}

/** The files of a model folder on disk. Throws UserError when there is no such folder. `name` is the folder's own unless given. */
export async function folderFiles(path: string, name?: string): Promise<ModelFiles> {
  const folder = resolve(path);
  const found = await stat(folder).catch(() => null);
  if (found === null) throw new UserError(msg`There is no model folder ${path}.`);
  if (!found.isDirectory()) throw new UserError(msg`The model ${path} is not a folder.`);
  const inside = await insideOf(folder);
  return {
    name: name ?? basename(folder),
    list: () => readdir(folder).catch((error: unknown) => Promise.reject(unreadable(path, error))),
    size: async (file) => fileSize(await inside(file), file),
    read: async (file, offset, length) => readRange(await inside(file), file, offset, length),
    localPath: inside,
  };
}

/**
 * The real path of a file of a folder, which must lie in that folder: a link may lead anywhere on the disk. In the cache of Hugging Face
 * the files of `snapshots/REVISION` are links to `blobs` beside `snapshots`. Throws UserError for a link that leads elsewhere.
 */
async function insideOf(folder: string): Promise<(file: string) => Promise<string>> {
  const real = await realpath(folder);
  const allowed = [real, ...(basename(dirname(real)) === 'snapshots' ? [join(dirname(dirname(real)), 'blobs')] : [])];
  return async (file) => {
    const path = await realpath(join(folder, file)).catch(() => null);
    if (path === null) throw new UserError(msg`The model folder has no file ${file}.`);
    if (!allowed.some((place) => path.startsWith(place + sep))) throw new UserError(msg`${file} in the model folder is a link to a place outside of it, which is not followed.`);
    return path;
  };
}

async function fileSize(path: string, file: string): Promise<number> {
  const found = await stat(path).catch(() => null);
  if (found === null) throw new UserError(msg`The model folder has no file ${file}.`);
  // Reading a pipe or a device could wait for ever.
  if (!found.isFile()) throw new UserError(msg`${file} in the model folder is not a file.`);
  return found.size;
}

async function readRange(path: string, file: string, offset: number, length: number): Promise<Uint8Array> {
  await fileSize(path, file);
  const handle = await open(path).catch((error: unknown) => Promise.reject(unreadable(file, error)));
  try {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
      if (bytesRead === 0) throw new UserError(msg`${file} ends before byte ${offset + length}.`);
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
  return new UserError(msg`${file} cannot be read: ${messageOf(error)}.`, { cause: error });
}
