import { open, readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../core/errors.ts';
import type { Note } from './input.ts';
import { STANDARD } from './optionValues.ts';

/** Folders whose files are not the user's own text. */
const SKIPPED = new Set(['.git', 'node_modules']);
/** Bytes at a file's start that tell whether it is text: as many as Git looks at. */
const LOOKED_AT = 8000;

/** Files to score, in order. */
export interface FoundFiles {
  readonly files: readonly string[];
  /** Whether something named on the command line, or in a folder, cannot be read. */
  readonly failed: boolean;
}

/** What was left out of a folder. */
interface LeftOut {
  binary: number;
  folders: number;
}

/**
 * The files of a command line: those it names, and in place of a folder the text files in it, sorted by name. A file that is reached
 * twice counts once. What cannot be read, and how much of a folder is left out, is told in a sentence each.
 */
export async function filesOf(names: readonly string[], note: Note): Promise<FoundFiles> {
  const files: string[] = [];
  const seen = new Set<string>();
  let failed = false;
  const add = async (path: string): Promise<void> => {
    const real = path === STANDARD ? path : await realpath(path);
    if (!seen.has(real)) files.push(path);
    seen.add(real);
  };
  const fail = async (path: string, error: unknown): Promise<void> => {
    failed = true;
    await note(`${path} cannot be read: ${messageOf(error)}.`);
  };
  const walk = async (folder: string, leftOut: LeftOut): Promise<void> => {
    const entries = await readdir(folder, { withFileTypes: true });
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(folder, entry.name);
      try {
        if (SKIPPED.has(entry.name)) leftOut.folders++;
        else if (entry.isDirectory()) await walk(path, leftOut);
        // A link to a folder may lead back to where it is.
        else if (entry.isFile() || (entry.isSymbolicLink() && (await stat(path)).isFile())) {
          if (await isText(path)) await add(path);
          else leftOut.binary++;
        }
      } catch (error) {
        await fail(path, error);
      }
    }
  };
  for (const name of names) {
    try {
      if (name === STANDARD || !(await stat(name)).isDirectory()) {
        await add(name);
        continue;
      }
      const leftOut = { binary: 0, folders: 0 };
      await walk(name, leftOut);
      const parts = [
        counted(leftOut.binary, 'file that is not UTF-8 text', 'files that are not UTF-8 text'),
        counted(leftOut.folders, 'entry named .git or node_modules', 'entries named .git or node_modules'),
      ];
      const said = parts.filter((part) => part !== null);
      if (said.length > 0) await note(`${name}: left out ${said.join(' and ')}.`);
    } catch (error) {
      await fail(name, error);
    }
  }
  return { files, failed };
}

function counted(count: number, one: string, many: string): string | null {
  return count === 0 ? null : `${count} ${count === 1 ? one : many}`;
}

/** Whether a file begins as UTF-8 text without NUL. */
async function isText(path: string): Promise<boolean> {
  const handle = await open(path);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(LOOKED_AT), 0, LOOKED_AT, 0);
    const start = buffer.subarray(0, bytesRead);
    if (start.includes(0)) return false;
    // The last character may go on beyond what was read.
    new TextDecoder('utf-8', { fatal: true }).decode(start, { stream: bytesRead === LOOKED_AT });
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  } finally {
    await handle.close();
  }
}
