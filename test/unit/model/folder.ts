import { readFile, readdir, open, realpath, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { UserError } from '../../../src/core/errors.ts';
import type { ModelFiles } from '../../../src/model/formats/modelFiles.ts';

/** The files of a folder on disk; `replaced` overrides some with content in memory, or with null removes them. */
export function folder(path: string, replaced: Readonly<Record<string, Uint8Array | string | null>> = {}): ModelFiles {
  const over = new Map(Object.entries(replaced).map(([name, content]) => [name, content === null ? null : ownBytes(content)]));
  const missing = (file: string): never => {
    throw new UserError(`${file} is missing in ${basename(path)}.`);
  };
  return {
    name: basename(path),
    list: async () => [...new Set([...(await readdir(path)), ...over.keys()])].filter((name) => over.get(name) !== null),
    size: async (file) => {
      const bytes = over.get(file);
      if (bytes === null) return missing(file);
      if (bytes !== undefined) return bytes.length;
      return (await stat(join(path, file)).catch(() => missing(file))).size;
    },
    read: async (file, offset, length) => {
      const bytes = over.get(file);
      if (bytes === null) return missing(file);
      if (bytes !== undefined) return bytes.slice(offset, offset + length);
      const handle = await open(join(path, file));
      try {
        const buffer = new Uint8Array(length);
        const { bytesRead } = await handle.read(buffer, 0, length, offset);
        if (bytesRead !== length) throw new UserError(`${file} is cut off.`);
        return buffer;
      } finally {
        await handle.close();
      }
    },
    ...(over.size === 0 ? { localPath: (file: string) => realpath(join(path, file)) } : {}),
  };
}

/** The content as a plain Uint8Array; slices of a Buffer would share its memory. */
function ownBytes(content: Uint8Array | string): Uint8Array {
  return typeof content === 'string' ? new TextEncoder().encode(content) : new Uint8Array(content);
}

/** A model whose files are in memory. */
export function filesOf(contents: Readonly<Record<string, Uint8Array | string>>): ModelFiles {
  const all = new Map(Object.entries(contents).map(([name, content]) => [name, ownBytes(content)]));
  const bytesOf = (file: string): Uint8Array => {
    const bytes = all.get(file);
    if (bytes === undefined) throw new UserError(`${file} is missing.`);
    return bytes;
  };
  return {
    name: 'memory',
    list: async () => [...all.keys()],
    size: async (file) => bytesOf(file).length,
    read: async (file, offset, length) => bytesOf(file).slice(offset, offset + length),
  };
}

/** The JSON object in a file. */
export async function readJsonFile(path: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
}
