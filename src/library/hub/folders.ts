import { randomUUID } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { UserError } from '../../core/errors.ts';
import type { Translate } from '../../core/translatable.ts';
import type { DownloadedModel, DownloadMarker, HubFile, UnfinishedModel } from './api.ts';
import { isPlainName } from './fileNames.ts';
import { withLock } from './lock.ts';
import { folderName, parseModelId } from './address.ts';
import { isRecord } from './modelInfo.ts';
import { bytesThere, sizeOf } from './part.ts';

/** What was downloaded into a folder, from where. In the model's own folder it means: all is there. */
export const MARKER = 'download.json';
/** Beside the models: no id begins with a dot. On the same disk, so that renaming is one step. */
const UNFINISHED = '.incomplete';

export interface ModelFolders {
  /** The model, whole. */
  readonly model: string;
  /** Where it is put together. */
  readonly unfinished: string;
  readonly lock: string;
}

export function foldersOf(root: string, id: string): ModelFolders {
  const unfinished = join(root, UNFINISHED, folderName(id));
  return { model: join(root, folderName(id)), unfinished, lock: `${unfinished}.lock` };
}

/** The marker of a folder; undefined where there is none that makes sense. */
export async function readMarker(folder: string): Promise<DownloadMarker | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(join(folder, MARKER), 'utf8'));
    return isMarker(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export async function writeMarker(folder: string, marker: DownloadMarker): Promise<void> {
  const beside = join(folder, `${MARKER}.new`);
  await writeFile(beside, `${JSON.stringify(marker, null, 2)}\n`);
  await rename(beside, join(folder, MARKER));
}

/** Models downloaded below `root`, whole: the marker says so and every file has its size. */
export async function listDownloaded(root: string): Promise<readonly DownloadedModel[]> {
  const found = await Promise.all((await foldersIn(root)).map((folder) => downloadedIn(folder)));
  return found.filter((model) => model !== undefined);
}

/** The model in a folder of its own; undefined where it is not all there. */
export async function downloadedIn(folder: string): Promise<DownloadedModel | undefined> {
  const marker = await readMarker(folder);
  if (!marker) return undefined;
  const sizes = await Promise.all(marker.files.map(({ name }) => sizeOf(join(folder, name))));
  if (!marker.files.every((file, index) => sizes[index] === file.bytes)) return undefined;
  return { ...marker, folder, path: marker.entry === null ? folder : join(folder, marker.entry), bytes: sumOf(marker.files) };
}

/** Downloads below `root` that were begun and not finished. */
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

/** Removes a model and what is unfinished of it. Throws UserError while it is being downloaded. */
export async function removeDownload(root: string, id: string, t: Translate): Promise<void> {
  if (parseModelId(id) !== id) throw new UserError(t('{0} is not the id of a model, such as {1}.', JSON.stringify(id), 'openai-community/gpt2'));
  const { model, unfinished, lock } = foldersOf(root, id);
  const removed = await withLock(lock, async () => {
    // Only what a download made: a folder without marker is somebody's own.
    if (await readMarker(model)) await putAway(root, model, t);
    await rm(unfinished, { recursive: true, force: true });
  });
  if (!removed) throw new UserError(t('{0} is being downloaded already.', id));
}

/** Puts the finished folder in its place, in one step; a model that is there already goes first. */
export async function place(root: string, { model, unfinished }: ModelFolders, t: Translate): Promise<void> {
  await putAway(root, model, t);
  await renamePatiently(unfinished, model);
}

/** Removes a folder so that it is never seen with half of its files. */
async function putAway(root: string, folder: string, t: Translate): Promise<void> {
  const away = join(root, UNFINISHED, `.removed-${randomUUID()}`);
  await mkdir(join(root, UNFINISHED), { recursive: true });
  try {
    await renamePatiently(folder, away);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw new UserError(t('{0} is in use and cannot be replaced or removed: choose another model first.', folder), { cause: error });
  }
  await rm(away, { recursive: true, force: true });
}

/** On Windows a virus scanner may hold a folder for a moment. */
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

/** The system's code of an error, such as ENOSPC. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

function isMarker(value: unknown): value is DownloadMarker {
  if (!isRecord(value) || value['version'] !== 1) return false;
  const { id, endpoint, commit, licence, entry, files } = value;
  const texts = [id, endpoint, commit].every((text) => typeof text === 'string') && [licence, entry].every((text) => text === null || typeof text === 'string');
  return texts && parseModelId(String(id)) === id && Array.isArray(files) && files.length > 0 && files.every(isFile) && (entry === null || files.some((file) => file.name === entry));
}

function isFile(value: unknown): value is HubFile {
  if (!isRecord(value) || !isRecord(value['hash'])) return false;
  const { name, bytes, hash } = value;
  return typeof name === 'string' && isPlainName(name) && Number.isSafeInteger(bytes) && Number(bytes) >= 0 && (hash['kind'] === 'git' || hash['kind'] === 'sha256') && typeof hash['hex'] === 'string';
}
