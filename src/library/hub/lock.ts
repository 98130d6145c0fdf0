import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, resolve } from 'node:path';

/** The holder touches its lock this often … */
const BEAT_MS = 5000;
/** … and a lock not touched for so long belongs to nobody any more, for example after the power went. */
const STALE_MS = 60_000;

/** Locks of this process: another one asks the file. */
const held = new Set<string>();

/** `work` while nobody else does the like under this lock file, in this window or another; undefined where somebody does. */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<{ readonly value: T } | undefined> {
  const key = resolve(path);
  if (held.has(key)) return undefined;
  held.add(key);
  try {
    if (!(await take(key))) return undefined;
    const beat = setInterval(() => void utimes(key, new Date(), new Date()).catch(() => undefined), BEAT_MS);
    beat.unref();
    try {
      return { value: await work() };
    } finally {
      clearInterval(beat);
      await rm(key, { force: true });
    }
  } finally {
    held.delete(key);
  }
}

async function take(path: string): Promise<boolean> {
  await mkdir(dirname(path), { recursive: true });
  const mark = JSON.stringify({ pid: process.pid, host: hostname(), nonce: randomUUID() });
  for (let attempt = 0; attempt < 3; attempt++) {
    const handle = await open(path, 'wx').catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return undefined;
      throw error;
    });
    if (handle) {
      try {
        await handle.writeFile(mark);
      } finally {
        await handle.close();
      }
      return (await readFile(path, 'utf8').catch(() => '')) === mark;
    }
    if (await isAlive(path)) return false;
    await rm(path, { force: true });
  }
  return false;
}

async function isAlive(path: string): Promise<boolean> {
  const touched = await stat(path).catch(() => undefined);
  if (!touched || Date.now() - touched.mtimeMs > STALE_MS) return false;
  const [, pid, host] = /^\{"pid":(\d+),"host":"([^"]*)"/.exec(await readFile(path, 'utf8').catch(() => '')) ?? [];
  // A lock being written has no content yet.
  if (pid === undefined || host !== hostname()) return true;
  // Locks of this process are in `held`: this one is left over from a process that had the same number.
  return Number(pid) !== process.pid && processLives(Number(pid));
}

function processLives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
