import { readdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { baseOfAdapter } from '../model/formats/adapter/adapterConfig.ts';
import { isAdapterAlone } from '../core/adapterNames.ts';
import type { ModelFiles } from '../model/formats/modelFiles.ts';

/** Paths of models on this machine by name, such as `Qwen/Qwen3-0.6B`. */
export type ModelPaths = ReadonlyMap<string, string>;

/** A path on another machine, to which nothing is sent because a file says so. */
const REMOTE = /^(?:\\\\|\/\/|\w{2,}:)/;

/**
 * The path of the model that an adapter's config names: among the models of this machine by its name, else a path (of this machine,
 * or from the adapter's folder on), else a folder of that name beside the adapter's folder or the one above. Null where it is not here.
 * `folder`: absolute path of the adapter.
 */
export async function baseModelOf(folder: string, files: ModelFiles, known: () => Promise<ModelPaths>): Promise<string | null> {
  const base = await baseOfAdapter(files, await files.list());
  if (base === null || base.includes('\0') || REMOTE.test(base)) return null;
  const named = (await known()).get(base);
  if (named !== undefined) return named;
  const parts = base.split(/[/\\]/).filter((part) => part !== '' && part !== '.' && part !== '..');
  const beside = [parts.at(-1), parts.slice(-2).join('--'), `models--${parts.slice(-2).join('--')}`];
  const above = [dirname(folder), dirname(dirname(folder))];
  const places = [
    resolve(folder, base),
    ...above.flatMap((place) => beside.flatMap((name) => (name === undefined || name === '' ? [] : [join(place, name)]))),
  ];
  for (const place of places) if (await mayBeModel(place)) return place;
  return null;
}

/** Whether there is a file, or a folder with something other than an adapter: one of the same name may lie beside this one. */
async function mayBeModel(path: string): Promise<boolean> {
  const names = await readdir(path).catch(() => null);
  if (names !== null) return names.length > 0 && !isAdapterAlone(names);
  return (await stat(path).catch(() => null))?.isFile() === true;
}
