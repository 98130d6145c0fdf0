import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { UserError } from '../core/errors.ts';
import { hubCacheName } from '../core/hubCache.ts';
import { msg } from '../core/translatable.ts';

/**
 * The model folder that a path stands for. `models--OWNER--NAME` in Hugging Face's cache, or `snapshots` in it, stands for the snapshot
 * named by `refs/main`, else for the only one; any other path stands for itself. Throws UserError where there is no snapshot, or several
 * and `refs/main` names none of them. https://huggingface.co/docs/hub/local-cache
 */
export async function snapshotOf(path: string): Promise<string> {
  const given = resolve(path);
  const repository = basename(given) === 'snapshots' ? dirname(given) : given;
  const name = hubCacheName(repository);
  if (name === null || !basename(repository).startsWith('models--') || (await exists(join(given, 'config.json')))) return path;
  const folder = join(repository, 'snapshots');
  const snapshots = (await readdir(folder).catch(() => [])).filter((entry) => !entry.startsWith('.')).toSorted();
  const main = (await readFile(join(repository, 'refs', 'main'), 'utf8').catch(() => '')).trim();
  const [only, another] = snapshots;
  if (snapshots.includes(main)) return join(folder, main);
  if (only === undefined)
    throw new UserError(
      msg`${basename(repository)} holds no snapshot of ${name}: it was not downloaded as a whole. Download the model again.`,
    );
  if (another !== undefined)
    throw new UserError(
      msg`${basename(repository)} holds ${snapshots.length} snapshots of ${name} and does not say which is the newest: choose \
one of the folders in ${folder}, such as ${only}.`,
    );
  return join(folder, only);
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}
