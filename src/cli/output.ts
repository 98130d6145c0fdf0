import { createHash } from 'node:crypto';
import { open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { UserError, messageOf } from '../core/errors.ts';
import { lifeOf, ownMark, type ProcessMark } from '../library/processes.ts';

/** Age at which a partial file counts as abandoned if its process cannot be checked. */
const ABANDONED_MS = 24 * 3_600_000;

/** Destination of a result, which is written in pieces. */
export interface Output {
  /** Resolves when the bytes have been accepted. */
  write(bytes: Uint8Array | string): Promise<void>;
  /** Completes the result after its last piece. */
  finish(): Promise<void>;
  /** Discards an incomplete result; what was written to standard output stays. */
  abandon(): Promise<void>;
}

/** The reader of standard output has closed it: not a failure, but a reason to stop. */
export class ReaderGone extends Error {
  override readonly name = 'ReaderGone';
}

/**
 * Characters that a terminal acts on or that change the direction of the text around them: controls except line feed and tab, line and
 * paragraph separators, and format characters except those inside words and emoji.
 */
const TERMINAL_ACTS = /(?![\n\t\u00ad\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** `text` made safe for a terminal: characters of `TERMINAL_ACTS` become JSON escapes, so that JSON keeps its meaning. */
export function terminalText(text: string): string {
  return text.replaceAll(TERMINAL_ACTS, (character) =>
    Array.from({ length: character.length }, (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
  );
}

/**
 * Standard output: exact bytes into a pipe or a file, text made safe on a terminal. Writing throws ReaderGone once the reader has closed
 * it, UserError if it fails otherwise.
 */
export function standardOutput(stdout: NodeJS.WriteStream = process.stdout): Output {
  // Write errors are also emitted as events, which would crash the process if nobody listened.
  stdout.on('error', () => undefined);
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        stdout.write(typeof bytes === 'string' && stdout.isTTY ? terminalText(bytes) : bytes, (error) => {
          if (error === null || error === undefined) return resolve();
          reject(
            'code' in error && error.code === 'EPIPE' ? new ReaderGone() : new UserError(`The result cannot be written: ${error.message}.`),
          );
        });
      }),
    finish: async () => undefined,
    abandon: async () => undefined,
  };
}

/** Opens the file at `path`; null: standard output. Throws UserError naming the path. */
export async function openOutput(path: string | null): Promise<Output> {
  return path === null ? standardOutput() : fileOutput(path);
}

/**
 * A file that appears whole or not at all: it is written under a temporary name in the same folder, then renamed. The partial file of a
 * killed process is removed by the next one that writes to `path`. Throws UserError naming the path.
 */
async function fileOutput(path: string): Promise<Output> {
  const partial = `${path}.${partialEnding(ownMark())}`;
  const failed = (error: unknown): never => {
    throw new UserError(`--output ${path} cannot be written: ${messageOf(error)}.`, { cause: error });
  };
  const there = await stat(path).catch(() => null);
  if (there !== null && !there.isFile()) return failed(new Error('it is not a file'));
  await removeLeftovers(path);
  const handle = await open(partial, 'wx').catch(failed);
  return {
    write: async (bytes) => {
      await handle.writeFile(bytes).catch(failed);
    },
    finish: async () => {
      await handle.close().catch(failed);
      await rename(partial, path).catch(failed);
    },
    abandon: async () => {
      await handle.close().catch(() => undefined);
      await unlink(partial).catch(() => undefined);
    },
  };
}

/** Removes partial files of `path` left behind by processes that have ended. */
export async function removeLeftovers(path: string): Promise<void> {
  const folder = dirname(path);
  const start = `${basename(path)}.`;
  for (const name of await readdir(folder).catch(() => [])) {
    const writer = name.startsWith(start) ? writerOf(name.slice(start.length)) : undefined;
    if (writer === undefined) continue;
    const life = lifeOf(writer);
    const partial = join(folder, name);
    if (life === 'gone' || (life === 'unknown' && (await isAbandoned(partial)))) await unlink(partial).catch(() => undefined);
  }
}

async function isAbandoned(partial: string): Promise<boolean> {
  const there = await stat(partial).catch(() => null);
  return there !== null && Date.now() - there.mtimeMs > ABANDONED_MS;
}

/** End of a partial file's name: the process's id and start, and a hash of its machine. */
function partialEnding({ pid, started, ...place }: ProcessMark): string {
  return `${pid}-${started ?? 0}-${hashOf(place)}.partial`;
}

/** The process that such an end of a name identifies; undefined if it has another form. */
function writerOf(ending: string): ProcessMark | undefined {
  const [, pid, started, place] = /^(\d{1,10})-(\d{1,20})-([0-9a-f]{8})\.partial$/.exec(ending) ?? [];
  if (pid === undefined) return undefined;
  const { host, system } = ownMark();
  const isHere = place === hashOf({ host, system });
  return {
    pid: Number(pid),
    started: started === '0' ? null : (started ?? null),
    host: isHere ? host : '',
    system: isHere ? system : null,
  };
}

function hashOf({ host, system }: Pick<ProcessMark, 'host' | 'system'>): string {
  return createHash('sha256')
    .update(`${host} ${system ?? ''}`)
    .digest('hex')
    .slice(0, 8);
}
