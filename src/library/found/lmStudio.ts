import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { FoundModel } from './foundApi.ts';
import { modelsIn, namesIn, smallJson, smallText, STORE_MAX_ENTRIES, type Budget } from './folder.ts';
import { expanded, type Machine } from './machine.ts';

/** Largest settings file read; those of all known versions take a few kB. */
const SETTINGS_MAX_BYTES = 4 * 1024 * 1024;
const POINTER_MAX_BYTES = 4096;

/**
 * The folders that LM Studio keeps models in: `models` in its home folder, which is named in `~/.lmstudio-home-pointer` or else is
 * `~/.lmstudio`, formerly `~/.cache/lm-studio` (lmstudio-js, findLMStudioHome); and `downloadsFolder` of its settings.
 */
export async function lmStudioFolders({ env, home }: Machine): Promise<readonly string[]> {
  const pointed = expanded(await smallText(join(home, '.lmstudio-home-pointer'), POINTER_MAX_BYTES), home);
  const homes = [pointed, join(home, '.lmstudio'), join(home, '.cache', 'lm-studio')].filter((folder) => folder !== null);
  const appData = expanded(env['APPDATA'], home);
  const folders: string[] = [];
  for (const folder of [...homes, ...(appData === null ? [] : [join(appData, 'LM Studio')])]) {
    const chosen = expanded((await smallJson(join(folder, 'settings.json'), SETTINGS_MAX_BYTES))?.['downloadsFolder'], home);
    folders.push(...(chosen === null ? [] : [chosen]), join(folder, 'models'));
  }
  // Several paths may lead to the same folder.
  const real = await Promise.all(folders.map((folder) => realpath(folder).catch(() => null)));
  return [...new Set(real.filter((folder) => folder !== null))];
}

/** The models of LM Studio; each folder `PUBLISHER/NAME` holds GGUF files or is in Hugging Face layout. */
export async function lmStudioModels(machine: Machine): Promise<readonly FoundModel[]> {
  const found = new Map<string, FoundModel>();
  for (const folder of await lmStudioFolders(machine)) {
    const budget: Budget = { entries: STORE_MAX_ENTRIES };
    for (const publisher of await namesIn(folder, budget)) {
      for (const name of await namesIn(join(folder, publisher), budget)) {
        for (const { path, file, bytes } of await modelsIn(join(folder, publisher, name), budget)) {
          found.set(path, {
            source: 'lmStudio',
            name: [publisher, name, ...(file === null ? [] : [file])].join('/'),
            aliases: [],
            path,
            bytes,
          });
        }
      }
    }
  }
  return [...found.values()];
}
