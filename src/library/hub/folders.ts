import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CancelledError, UserError } from '../../core/errors.ts';
import type { Translate } from '../../core/translatable.ts';
import { isRecord } from '../../core/records.ts';
import type { DownloadedModel, DownloadMarker, HubFile, UnfinishedModel } from './hubApi.ts';
import { isPlainName } from './fileNames.ts';
import { LockLostError, REMOVED, withLock, type Lock } from './lock.ts';
import { folderName, parseModelId } from './address.ts';
import { bytesThere, sizeOf } from './part.ts';

/** File that records what was downloaded, and from where. In the model's final folder it means that the download is complete. */
export const MARKER = 'download.json';
/** Folder of unfinished downloads. No id begins with a dot, and it is on the models' disk, so that renaming into place is atomic. */
const UNFINISHED = '.incomplete';

/** Paths of a model's files below the folder of all downloads. */
export interface ModelFolders {
  /** Folder of the complete model. */
  readonly model: string;
  /** Folder that holds the files until the download is complete. */
  readonly unfinished: string;
  /** The lock file. */
  readonly lock: string;
}

/** The paths of model `id` below `root`. */
export function foldersOf(root: string, id: string): ModelFolders {
  const unfinished = join(root, UNFINISHED, folderName(id));
  return { model: join(root, folderName(id)), unfinished, lock: `${unfinished}.lock` };
}

/** The marker in a folder; undefined where it is missing or invalid. */
export async function readMarker(folder: string): Promise<DownloadMarker | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(join(folder, MARKER), 'utf8'));
    return isMarker(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Writes the marker into a folder, atomically. */
export async function writeMarker(folder: string, marker: DownloadMarker): Promise<void> {
  const beside = join(folder, `${MARKER}.new`);
  await writeFile(beside, `${JSON.stringify(marker, null, 2)}\n`);
  await rename(beside, join(folder, MARKER));
}

/** The complete models downloaded below `root`: each has a marker, and every file has its listed size. */
export async function listDownloaded(root: string): Promise<readonly DownloadedModel[]> {
  const found = await Promise.all((await foldersIn(root)).map((folder) => downloadedIn(folder)));
  return found.filter((model) => model !== undefined);
}

/** The downloaded model in a folder; undefined where it is incomplete. */
export async function downloadedIn(folder: string): Promise<DownloadedModel | undefined> {
  const marker = await readMarker(folder);
  if (!marker) return undefined;
  const sizes = await Promise.all(marker.files.map(({ name }) => sizeOf(join(folder, name))));
  if (!marker.files.every((file, index) => sizes[index] === file.bytes)) return undefined;
  return { ...marker, folder, path: marker.entry === null ? folder : join(folder, marker.entry), bytes: sumOf(marker.files) };
}

/** The unfinished downloads below `root`. */
export async function listUnfinished(root: string): Promise<readonly UnfinishedModel[]> {
  const found = await Promise.all(
    (await foldersIn(join(root, UNFINISHED))).map(async (folder) => {
      const marker = await readMarker(folder);
      if (!marker) return undefined;
      const there = await Promise.all(marker.files.map((file) => bytesThere(folder, file)));
      return { ...marker, bytesDone: there.reduce((sum, bytes) => sum + bytes, 0), bytes: sumOf(marker.files) };
    }),
  );
  return found.filter((model) => model !== undefined);
}

/** Removes a model and its unfinished download. Throws UserError while it is being downloaded, and for an invalid id. */
export async function removeDownload(root: string, id: string, t: Translate): Promise<void> {
  if (parseModelId(id) !== id)
    throw new UserError(t('{0} is not the id of a model, such as {1}.', JSON.stringify(id), 'openai-community/gpt2'));
  const { model, unfinished } = foldersOf(root, id);
  await exclusive(root, id, t, async () => {
    // Only a folder that a download made is removed: one without a marker belongs to the user.
    if (await readMarker(model)) await putAway(root, model, t);
    await rm(unfinished, { recursive: true, force: true });
  });
}

/**
 * Runs `work` while it holds the lock on a model's folders. Throws UserError where another window or program holds the lock or took
 * it over meanwhile, CancelledError once `signal` is aborted, and what `work` throws.
 */
export async function exclusive<T>(
  root: string,
  id: string,
  t: Translate,
  work: (lock: Lock) => Promise<T>,
  signal = new AbortController().signal,
): Promise<T> {
  try {
    const done = await withLock(foldersOf(root, id).lock, async (lock) => (await sweep(root), work(lock)), { signal });
    if (done) return done.value;
  } catch (error) {
    if (signal.aborted) throw new CancelledError();
    if (error instanceof LockLostError)
      throw new UserError(t('Another window or program has taken over {0}, or its folder was moved: nothing more is done here.', id), {
        cause: error,
      });
    throw error;
  }
  throw new UserError(t('{0} is being downloaded already.', id));
}

/** Replaces every file of a folder with a copy that no other process has open. */
export async function ownCopies(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const [from, copy] = [join(folder, entry.name), join(folder, `${REMOVED}${randomUUID()}`)];
    await copyFile(from, copy, constants.COPYFILE_FICLONE);
    await rename(copy, from);
  }
}

/** Removes leftovers of processes that were killed while removing a folder. */
async function sweep(root: string): Promise<void> {
  const folder = join(root, UNFINISHED);
  const left = (await readdir(folder).catch(() => [])).filter((name) => name.startsWith(REMOVED));
  await Promise.all(left.map((name) => rm(join(folder, name), { recursive: true, force: true }).catch(() => undefined)));
}

/** Renames the finished folder to its final place, atomically, after removing the model that was there before. */
export async function place(root: string, { model, unfinished }: ModelFolders, t: Translate): Promise<void> {
  await putAway(root, model, t);
  await renamePatiently(unfinished, model);
}

/** Removes a folder, which nobody ever sees with only some of its files. */
async function putAway(root: string, folder: string, t: Translate): Promise<void> {
  const away = join(root, UNFINISHED, `${REMOVED}${randomUUID()}`);
  await mkdir(join(root, UNFINISHED), { recursive: true });
  try {
    await renamePatiently(folder, away);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw new UserError(t('{0} is in use and cannot be replaced or removed: choose another model first.', folder), { cause: error });
  }
  await rm(away, { recursive: true, force: true });
}

/** Renames a folder, trying again because a virus scanner on Windows may hold it open for a moment. */
async function renamePatiently(from: string, to: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await rename(from, to);
    } catch (error) {
      if (!['EPERM', 'EBUSY', 'EACCES'].includes(codeOf(error)) || attempt === 5) throw error;
      await delay(200);
    }
  }
}

async function foldersIn(root: string): Promise<readonly string[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
  return entries.flatMap((entry) => (entry.isDirectory() && !entry.name.startsWith('.') ? [join(root, entry.name)] : []));
}

function sumOf(files: readonly HubFile[]): number {
  return files.reduce((sum, file) => sum + file.bytes, 0);
}

/** The system's error code, such as ENOSPC; empty for errors without one. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

function isMarker(value: unknown): value is DownloadMarker {
  if (!isRecord(value) || value['version'] !== 1) return false;
  const { id, endpoint, commit, licence, entry, files } = value;
  const texts =
    [id, endpoint, commit].every((text) => typeof text === 'string') &&
    [licence, entry].every((text) => text === null || typeof text === 'string');
  return (
    texts &&
    parseModelId(String(id)) === id &&
    Array.isArray(files) &&
    files.length > 0 &&
    files.every(isFile) &&
    (entry === null || files.some((file) => file.name === entry))
  );
}

function isFile(value: unknown): value is HubFile {
  if (!isRecord(value) || !isRecord(value['hash'])) return false;
  const { name, bytes, hash } = value;
  return (
    typeof name === 'string' &&
    isPlainName(name) &&
    Number.isSafeInteger(bytes) &&
    Number(bytes) >= 0 &&
    (hash['kind'] === 'git' || hash['kind'] === 'sha256') &&
    typeof hash['hex'] === 'string'
  );
}
