import { readSync } from 'node:fs';
import { open, readdir, realpath, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { UserError, messageOf } from '../core/errors.ts';
import { formatAtStart, modelNameOf, partOf, START_BYTES } from '../core/fileFormats.ts';
import { hubCacheName } from '../core/hubCache.ts';
import { msg } from '../core/translatable.ts';
import { isAdapterAlone } from '../core/adapterNames.ts';
import { withAdapter } from '../model/formats/adapter/withAdapter.ts';
import { asFolder } from '../model/formats/asFolder.ts';
import type { ModelFiles } from '../model/formats/modelFiles.ts';
import { openFormat } from '../model/formats/formats.ts';
import { baseModelOf, type ModelPaths } from './adapterBase.node.ts';
import { snapshotOf } from './hubCache.node.ts';

/**
 * A model on disk. `path` is a folder in Hugging Face layout or with one GGUF model, a folder of Hugging Face's cache, the folder of an
 * adapter whose base model is among `known` or near it, or a GGUF file of any name (of a split model, its first part). `name` defaults to
 * the name in the path. Throws UserError where there is no such model.
 */
export async function modelAt(path: string, name?: string, known: () => Promise<ModelPaths> = noModels): Promise<ModelFiles> {
  const found = await stat(path).catch(() => null);
  if (found?.isFile() !== true) {
    const folder = found === null ? path : await snapshotOf(path);
    const files = await folderFiles(folder, name);
    if (!isAdapterAlone(await files.list())) return asFolder(files);
    const base = await baseModelOf(resolve(folder), files, known);
    return base === null ? files : { ...(await withAdapter(await plainModelAt(base), files, files.name)), adapterOn: base };
  }
  const shown = modelNameOf(name ?? basename(path));
  const format = formatAtStart(await startOf(path, Math.min(found.size, START_BYTES)));
  if (format === undefined) {
    throw new UserError(
      path.endsWith('.safetensors')
        ? msg`The model ${path} is neither a folder nor a GGUF file: choose the folder it is in.`
        : msg`The model ${path} is neither a folder nor a GGUF file.`,
    );
  }
  // A link to a single file is followed, since the user chose it; the parts of a split model lie beside the link itself.
  const real = (partOf(basename(path))?.parts ?? 1) > 1 ? resolve(path) : await realpath(path);
  return openFormat(await folderFiles(dirname(real), shown), basename(real), shown, format);
}

/** The model that an adapter is added to: not an adapter itself, whose base could be the first one again. */
async function plainModelAt(path: string): Promise<ModelFiles> {
  const found = await stat(path).catch(() => null);
  return found?.isFile() === true ? modelAt(path) : asFolder(await folderFiles(found === null ? path : await snapshotOf(path)));
}

const noModels = async (): Promise<ModelPaths> => new Map();

/** The files of a model folder on disk. `name` defaults to the folder's own. Throws UserError where there is no such folder. */
export async function folderFiles(path: string, name?: string): Promise<ModelFiles> {
  const folder = resolve(path);
  const found = await stat(folder).catch(() => null);
  if (found === null) throw new UserError(msg`There is no model folder ${path}.`);
  // Pipes and devices are refused as well.
  if (!found.isDirectory()) throw new UserError(msg`The model ${path} is neither a folder nor a GGUF file.`);
  const inside = await insideOf(folder);
  const opened = keptOpen(async (file) => openAt(await inside(file), file));
  return {
    name: name ?? hubCacheName(folder) ?? basename(folder),
    list: () => readdir(folder).catch((error: unknown) => Promise.reject(unreadable(path, error))),
    size: async (file) => fileSize(await inside(file), file),
    read: (file, offset, length) => opened(file, (handle) => readFrom(handle, file, offset, length)),
    localPath: inside,
  };
}

/**
 * A function from a file name to the real path of that file, which must lie inside the folder, since a link may lead anywhere on the
 * disk. In Hugging Face's cache the files of `snapshots/REVISION` are links to `blobs` beside `snapshots`, and may lie there. The
 * function throws UserError for a link that leads elsewhere.
 */
async function insideOf(folder: string): Promise<(file: string) => Promise<string>> {
  const real = await realpath(folder);
  const allowed = [real, ...(basename(dirname(real)) === 'snapshots' ? [join(dirname(dirname(real)), 'blobs')] : [])];
  return async (file) => {
    const path = await realpath(join(folder, file)).catch(() => null);
    if (path === null) throw new UserError(msg`The model folder has no file ${file}.`);
    if (!allowed.some((place) => path.startsWith(place + sep)))
      throw new UserError(msg`${file} in the model folder is a link to a place outside of it, which is not followed.`);
    return path;
  };
}

async function fileSize(path: string, file: string): Promise<number> {
  const found = await stat(path).catch(() => null);
  if (found === null) throw new UserError(msg`The model folder has no file ${file}.`);
  // Reading a pipe or a device could block for ever.
  if (!found.isFile()) throw new UserError(msg`${file} in the model folder is not a file.`);
  return found.size;
}

/** How long a file stays open after it was read: rows of tokens are read one by one, those of generated ones every few milliseconds. */
const KEPT_OPEN_MS = 1000;
/** Fewer bytes are read without waiting for one of the system's threads, which takes longer than they do. */
const AT_ONCE_BYTES = 64 * 1024;

/** Gives each use of a file the handle that the one before opened, if that is not long ago. */
function keptOpen(
  find: (file: string) => Promise<FileHandle>,
): <Result>(file: string, use: (handle: FileHandle) => Promise<Result>) => Promise<Result> {
  const all = new Map<string, { readonly handle: Promise<FileHandle>; uses: number; closing?: NodeJS.Timeout }>();
  return async (file, use) => {
    const one = all.get(file) ?? { handle: find(file), uses: 0 };
    all.set(file, one);
    clearTimeout(one.closing);
    one.uses++;
    const close = async (): Promise<void> => {
      all.delete(file);
      await (await one.handle).close();
    };
    try {
      const handle = await one.handle.catch((error: unknown) => {
        all.delete(file);
        throw error;
      });
      return await use(handle);
    } finally {
      one.uses--;
      if (one.uses === 0 && all.get(file) === one) one.closing = setTimeout(() => void close(), KEPT_OPEN_MS).unref();
    }
  };
}

/** The first bytes of a file. */
async function startOf(path: string, length: number): Promise<Uint8Array> {
  const handle = await openAt(path, basename(path));
  try {
    return await readFrom(handle, basename(path), 0, length);
  } finally {
    await handle.close();
  }
}

async function openAt(path: string, file: string): Promise<FileHandle> {
  await fileSize(path, file);
  return open(path).catch((error: unknown) => Promise.reject(unreadable(file, error)));
}

async function readFrom(handle: FileHandle, file: string, offset: number, length: number): Promise<Uint8Array> {
  try {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const [left, from] = [length - done, offset + done];
      const count =
        length <= AT_ONCE_BYTES ? readSync(handle.fd, bytes, done, left, from) : (await handle.read(bytes, done, left, from)).bytesRead;
      if (count === 0) throw new UserError(msg`${file} ends before byte ${offset + length}.`);
      done += count;
    }
    return bytes;
  } catch (error) {
    throw error instanceof UserError ? error : unreadable(file, error);
  }
}

function unreadable(file: string, error: unknown): UserError {
  return new UserError(msg`${file} cannot be read: ${messageOf(error)}.`, { cause: error });
}
