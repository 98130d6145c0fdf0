import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, link, mkdir, open, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isHere, lifeOf, ownMark, type Life, type ProcessMark } from '../processes.ts';

/** Times by which a holder that cannot be checked otherwise is judged alive or gone. */
export interface LockTimes {
  /** Interval at which the holder touches its lock file and checks that the lock is still its own. */
  readonly beatMs: number;
  /** A lock file touched within this time, by this machine's clock, has a live holder. */
  readonly freshMs: number;
  /** An older lock file is watched for this long, since clocks may differ; if it is touched meanwhile, it has a live holder. */
  readonly watchMs: number;
}

const TIMES: LockTimes = { beatMs: 2000, freshMs: 60_000, watchMs: 7000 };
/** Prefix of the names of files and folders that are being removed. */
export const REMOVED = '.removed-';

/** Another process has taken over the lock. */
export class LockLostError extends Error {
  override readonly name = 'LockLostError';
  constructor(path: string, options?: ErrorOptions) {
    super(`The lock ${path} is another's by now.`, options);
  }
}

/** A lock, as its holder sees it. */
export interface Lock {
  /** Aborted when the lock turns out to be lost, for example after the machine or the process was suspended. */
  readonly lost: AbortSignal;
  /** Whether the previous holder may still be alive (its process could not be checked): files that it has open must not be continued. */
  readonly mayHaveAnother: boolean;
  /** Throws LockLostError where the lock is lost. */
  confirm(): Promise<void>;
}

/** Paths of the locks that this process holds or is taking. */
const held = new Set<string>();
/** Contents of the locks that this process holds, since one file may be reached by several paths. */
const own = new Set<string>();

/**
 * Runs `work` while holding the lock file at `path`; undefined where this or another process holds it already. On Linux, which can tell
 * a process from a later one with the same PID, a live process of this machine keeps its lock whatever the clock says; elsewhere, and
 * for holders on other machines, a lock is kept by touching its file. Throws what `work` throws, LockLostError instead where the lock
 * is lost by then, and the reason that `signal` is aborted with.
 */
export async function withLock<T>(
  path: string,
  work: (lock: Lock) => Promise<T>,
  { signal, ...times }: Partial<LockTimes> & { readonly signal?: AbortSignal } = {},
): Promise<{ readonly value: T } | undefined> {
  const key = resolve(path);
  if (held.has(key)) return undefined;
  const content = JSON.stringify({ ...ownMark(), nonce: randomUUID() });
  held.add(key);
  own.add(content);
  try {
    const taken = await take(key, content, { ...TIMES, ...times }, signal);
    return taken && { value: await whileHeld(key, content, { ...TIMES, ...times }, taken.mayHaveAnother, work) };
  } finally {
    held.delete(key);
    own.delete(content);
  }
}

async function whileHeld<T>(
  path: string,
  content: string,
  { beatMs }: LockTimes,
  mayHaveAnother: boolean,
  work: (lock: Lock) => Promise<T>,
): Promise<T> {
  const lost = new AbortController();
  const isOwn = async (): Promise<boolean> => {
    const there = await look(path).catch(() => undefined);
    // A disk that does not respond is no evidence that the lock is lost.
    if (there !== undefined && there?.content !== content) lost.abort(new LockLostError(path));
    return !lost.signal.aborted;
  };
  const beat = setInterval(
    () =>
      void isOwn()
        .then((still) => (still ? utimes(path, new Date(), new Date()) : undefined))
        .catch(() => undefined),
    beatMs,
  );
  beat.unref();
  const confirm = async (): Promise<void> => {
    if (!(await isOwn())) throw new LockLostError(path);
  };
  try {
    return await work({ lost: lost.signal, mayHaveAnother, confirm });
  } catch (error) {
    // Without the lock, the failure may only mean that another process moved the files.
    if (!(await isOwn())) throw new LockLostError(path, { cause: error });
    throw error;
  } finally {
    clearInterval(beat);
    await removeExactly(path, content).catch(() => false);
  }
}

/** Creates the lock file with `content`; undefined where another holder has it. */
async function take(
  path: string,
  content: string,
  times: LockTimes,
  signal: AbortSignal | undefined,
): Promise<{ readonly mayHaveAnother: boolean } | undefined> {
  await mkdir(dirname(path), { recursive: true });
  let mayHaveAnother = false;
  for (let attempt = 0; attempt < 3; attempt++) {
    if ((await create(path, content)) && (await look(path))?.content === content) return { mayHaveAnother };
    const there = await look(path);
    if (there === null) continue;
    const life = holderOf(there.content);
    if (life === 'lives' || (life === 'unknown' && (await isTouched(path, there, times, signal)))) return undefined;
    mayHaveAnother ||= life === 'unknown';
    await removeExactly(path, there.content);
  }
  return undefined;
}

/**
 * Creates the lock file; false where one exists. It is written under another name and then linked, because a process killed in
 * between would leave a lock that names nobody. On a file system without hard links it is written directly.
 */
async function create(path: string, content: string): Promise<boolean> {
  const aside = join(dirname(path), `${REMOVED}${randomUUID()}`);
  try {
    await writeFile(aside, content, { flag: 'wx' });
    await link(aside, path).catch((error: unknown) => {
      if (hasCode(error, 'EEXIST')) throw error;
      return writeFile(path, content, { flag: 'wx' });
    });
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

/** Content and modification time of a lock file. */
interface Found {
  readonly content: string;
  readonly touchedMs: number;
}

/** The lock file as it is now; null where there is none. It is opened because a network file system may cache a plain stat. */
async function look(path: string): Promise<Found | null> {
  const handle = await open(path).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return null;
    throw error;
  });
  if (!handle) return null;
  try {
    return { content: await handle.readFile('utf8'), touchedMs: (await handle.stat()).mtimeMs };
  } finally {
    await handle.close();
  }
}

function holderOf(content: string): Life {
  const mark = parse(content);
  // The file is being written, or is not a lock of this program.
  if (mark === undefined) return 'unknown';
  // A lock with this process's PID that this process did not write is left over from an earlier process with the same PID.
  return mark.pid === process.pid && isHere(mark) ? (own.has(content) ? 'lives' : 'gone') : lifeOf(mark);
}

function parse(content: string): ProcessMark | undefined {
  try {
    const { pid, host, system = null, started = null } = JSON.parse(content) as Record<string, unknown>;
    const isText = (value: unknown): value is string | null => value === null || typeof value === 'string';
    return typeof pid === 'number' && Number.isSafeInteger(pid) && pid > 0 && typeof host === 'string' && isText(system) && isText(started)
      ? { pid, host, system, started }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the holder touched the lock file recently by the clock, or touches it now; a clock may be off in either direction. */
async function isTouched(path: string, before: Found, { freshMs, watchMs }: LockTimes, signal: AbortSignal | undefined): Promise<boolean> {
  if (Math.abs(Date.now() - before.touchedMs) <= freshMs) return true;
  await delay(watchMs, undefined, signal && { signal });
  const after = await look(path);
  return after !== null && (after.touchedMs !== before.touchedMs || after.content !== before.content);
}

/**
 * Removes the lock file if it has this content, and says whether it did. The file is renamed before its content is checked, since
 * another process may replace it between the check and the removal.
 */
async function removeExactly(path: string, content: string): Promise<boolean> {
  if ((await look(path))?.content !== content) return false;
  const aside = join(dirname(path), `${REMOVED}${randomUUID()}`);
  try {
    await rename(path, aside);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
  const isIt = (await readFile(aside, 'utf8').catch(() => undefined)) === content;
  if (!isIt) await copyFile(aside, path, constants.COPYFILE_EXCL).catch(() => undefined);
  await rm(aside, { force: true });
  return isIt;
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
