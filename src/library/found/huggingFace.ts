import { join } from 'node:path';
import type { FoundModel } from './foundApi.ts';
import { modelsIn, namesIn, smallText, STORE_MAX_ENTRIES, type Budget } from './folder.ts';
import { expanded, type Machine } from './machine.ts';

const COMMIT = /^[0-9a-f]{40}$/i;
/** Largest reference file read; it holds the hash of one commit. */
const REF_MAX_BYTES = 200;

/**
 * The cache folder of huggingface_hub: `HF_HUB_CACHE` (or its older name), else `hub` in `HF_HOME`, which defaults to
 * `huggingface` in `XDG_CACHE_HOME` or `~/.cache` (huggingface_hub/constants.py).
 */
export function huggingFaceCache({ env, home }: Machine): string {
  const named = (name: string): string | null => expanded(env[name], home);
  const homeFolder = named('HF_HOME') ?? join(named('XDG_CACHE_HOME') ?? join(home, '.cache'), 'huggingface');
  return named('HF_HUB_CACHE') ?? named('HUGGINGFACE_HUB_CACHE') ?? join(homeFolder, 'hub');
}

/**
 * The models of the cache: in `models--owner--name`, `refs/main` names a commit, and `snapshots/COMMIT` links that commit's files to
 * `blobs` (https://huggingface.co/docs/hub/local-cache). One complete snapshot per repository, that of `refs/main` if possible.
 */
export async function huggingFaceModels(machine: Machine): Promise<readonly FoundModel[]> {
  const cache = huggingFaceCache(machine);
  const budget: Budget = { entries: STORE_MAX_ENTRIES };
  const found: FoundModel[] = [];
  for (const repository of await namesIn(cache, budget)) {
    if (!repository.startsWith('models--')) continue;
    const id = repository.slice('models--'.length).replaceAll('--', '/');
    for (const { path, file, bytes } of await firstComplete(join(cache, repository), budget)) {
      found.push({ source: 'huggingFace', name: file === null ? id : `${id}/${file}`, aliases: [], path, bytes });
    }
  }
  return found;
}

async function firstComplete(folder: string, budget: Budget): ReturnType<typeof modelsIn> {
  const snapshots = (await namesIn(join(folder, 'snapshots'), budget)).filter((name) => COMMIT.test(name));
  const main = (await smallText(join(folder, 'refs', 'main'), REF_MAX_BYTES))?.trim();
  for (const commit of snapshots.toSorted((a, b) => Number(b === main) - Number(a === main))) {
    const models = await modelsIn(join(folder, 'snapshots', commit), budget);
    if (models.length > 0) return models;
  }
  return [];
}
