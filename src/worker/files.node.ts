import { open, readdir, realpath, stat } from 'node:fs/promises';
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
  const format = formatAtStart(await readRange(path, basename(path), 0, Math.min(found.size, START_BYTES)));
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
  return {
    name: name ?? hubCacheName(folder) ?? basename(folder),
    list: () => readdir(folder).catch((error: unknown) => Promise.reject(unreadable(path, error))),
    size: async (file) => fileSize(await inside(file), file),
    read: async (file, offset, length) => readRange(await inside(file), file, offset, length),
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

async function readRange(path: string, file: string, offset: number, length: number): Promise<Uint8Array> {
  await fileSize(path, file);
  const handle = await open(path).catch((error: unknown) => Promise.reject(unreadable(file, error)));
  try {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length;) {
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
