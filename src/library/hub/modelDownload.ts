import { mkdir, readdir, rm, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bytesText } from '../../core/bytesText.ts';
import { CancelledError, UserError, messageOf } from '../../core/errors.ts';
import type { Translate } from '../../core/translatable.ts';
import type {
  DownloadedModel,
  DownloadMarker,
  DownloadOptions,
  DownloadProgress,
  DownloadSpace,
  HubChoice,
  HubFile,
  HubModel,
} from './hubApi.ts';
import { downloadFile } from './fileDownload.ts';
import { codeOf, downloadedIn, exclusive, foldersOf, MARKER, ownCopies, place, writeMarker, type ModelFolders } from './folders.ts';
import type { Lock } from './lock.ts';
import { bytesThere, partName } from './part.ts';
import type { Patience } from './retry.ts';

/** Files downloaded at a time: enough to saturate a connection, few enough for the hub's rate limits. */
const AT_ONCE = 3;
/** Space left free on the disk for other files written meanwhile. */
const SPARE_BYTES = 64 * 1024 * 1024;

interface Downloading extends DownloadOptions {
  readonly patience: Patience;
  readonly t: Translate;
}

/** The disk space that `choice` still needs below `root`, and that is free there. */
export async function spaceFor(root: string, { id }: HubModel, choice: HubChoice): Promise<DownloadSpace> {
  const { unfinished } = foldersOf(root, id);
  const there = await Promise.all(choice.files.map((file) => bytesThere(unfinished, file)));
  return { needed: choice.bytes - there.reduce((sum, bytes) => sum + bytes, 0), free: await freeBytes(root) };
}

/**
 * Downloads the missing files of a model. Throws UserError with one sentence, or CancelledError; data that has arrived is kept for
 * the next attempt.
 */
export async function download(root: string, model: HubModel, choice: HubChoice, options: Downloading): Promise<DownloadedModel> {
  const { t } = options;
  const folders = foldersOf(root, model.id);
  try {
    return await exclusive(root, model.id, t, (lock) => downloadLocked(root, folders, model, choice, options, lock), options.signal);
  } catch (error) {
    throw diskProblem(error, root, t);
  }
}

async function downloadLocked(
  root: string,
  folders: ModelFolders,
  model: HubModel,
  choice: HubChoice,
  options: Downloading,
  lock: Lock,
): Promise<DownloadedModel> {
  const { t } = options;
  const there = await downloadedIn(folders.model);
  if (there && isSame(there, model, choice)) return there;
  if (!there && (await isForeign(folders.model)))
    throw new UserError(t('{0} is there already and holds no download: move it away first.', folders.model));
  const { needed, free } = await spaceFor(root, model, choice);
  if (free !== null && needed + SPARE_BYTES > free)
    throw new UserError(
      t(
        'There is not enough room for {0}: it needs {1}, and {2} are free at {3}.',
        model.id,
        bytesText(needed + SPARE_BYTES),
        bytesText(free),
        root,
      ),
    );
  const { id, endpoint, commit, licence } = model;
  const marker: DownloadMarker = { version: 1, id, endpoint, commit, licence, entry: choice.entry, files: choice.files };
  await mkdir(folders.unfinished, { recursive: true });
  await keepOnly(
    folders.unfinished,
    choice.files.flatMap((file) => [file.name, partName(file), `${partName(file)}.etag`]),
  );
  if (lock.mayHaveAnother) await ownCopies(folders.unfinished);
  await writeMarker(folders.unfinished, marker);
  await downloadAll(model, choice.files, folders.unfinished, options, lock);
  await keepOnly(folders.unfinished, [...choice.files.map(({ name }) => name), MARKER]);
  await lock.confirm();
  await place(root, folders, t);
  const whole = await downloadedIn(folders.model);
  if (!whole) throw new Error(`${folders.model} changed while it was written.`);
  return whole;
}

/** Downloads all files, `AT_ONCE` at a time, the largest first; the first failure, or the loss of the lock, cancels the others. */
async function downloadAll(model: HubModel, files: readonly HubFile[], folder: string, options: Downloading, lock: Lock): Promise<void> {
  const stop = new AbortController();
  const abort = (): void => stop.abort();
  if (options.signal.aborted) throw new CancelledError();
  for (const signal of [options.signal, lock.lost]) signal.addEventListener('abort', abort, { once: true });
  const tell = progressOf(files, options);
  const waiting = files.toSorted((a, b) => b.bytes - a.bytes);
  let failure: unknown;
  const work = async (): Promise<void> => {
    for (let file = waiting.shift(); file && !stop.signal.aborted; file = waiting.shift()) {
      const { name } = file;
      await downloadFile(model, file, folder, {
        ...options,
        signal: stop.signal,
        onBytes: (stage, bytes) => tell(name, stage, bytes),
        onWait: () => tell(name, 'wait'),
        confirm: () => lock.confirm(),
      });
    }
  };
  const failed = (error: unknown): void => {
    failure ??= error;
    abort();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, () => work().catch(failed)));
  options.signal.removeEventListener('abort', abort);
  if (options.signal.aborted) throw new CancelledError();
  await lock.confirm();
  if (failure !== undefined) throw failure;
}

/** A callback that sums the bytes reported per file and passes the total on. */
function progressOf(
  files: readonly HubFile[],
  { onProgress }: DownloadOptions,
): (name: string, stage: DownloadProgress['stage'], bytes?: number) => void {
  const done = new Map<string, number>();
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return (name, stage, fileBytes) => {
    if (fileBytes !== undefined) done.set(name, fileBytes);
    onProgress({ stage, bytesDone: [...done.values()].reduce((sum, part) => sum + part, 0), bytes });
  };
}

function isSame(there: DownloadedModel, { commit, endpoint }: HubModel, choice: HubChoice): boolean {
  const hashes = (files: readonly HubFile[]): string => files.map(({ name, hash }) => `${name} ${hash.hex}`).join('\n');
  return (
    there.commit === commit && there.endpoint === endpoint && there.entry === choice.entry && hashes(there.files) === hashes(choice.files)
  );
}

/** Whether a folder has files and was not made by a download. */
async function isForeign(folder: string): Promise<boolean> {
  const names: readonly string[] = await readdir(folder).catch(() => []);
  return names.length > 0 && !names.includes(MARKER);
}

async function keepOnly(folder: string, names: readonly string[]): Promise<void> {
  const stray = (await readdir(folder)).filter((name) => !names.includes(name));
  await Promise.all(stray.map((name) => rm(join(folder, name), { recursive: true, force: true })));
}

async function freeBytes(path: string): Promise<number | null> {
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch (error) {
    const above = dirname(path);
    return codeOf(error) === 'ENOENT' && above !== path ? freeBytes(above) : null;
  }
}

/** The UserError for a file system error; any other error unchanged. */
function diskProblem(error: unknown, root: string, t: Translate): unknown {
  if (['ENOSPC', 'EDQUOT'].includes(codeOf(error)))
    return new UserError(t('The disk is full at {0}: make room and download again; what has arrived is kept.', root), { cause: error });
  if (['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'ENAMETOOLONG', 'EIO', 'EMFILE', 'EFBIG'].includes(codeOf(error))) {
    return new UserError(t('{0} cannot be written: {1}.', root, messageOf(error)), { cause: error });
  }
  return error;
}
