import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { english } from '../../src/core/translatable.ts';
import type { DownloadedModel, DownloadProgress, Hub } from '../../src/library/hub/api.ts';
import { openHub } from '../../src/library/hub/hub.ts';
import type { Patience } from '../../src/library/hub/retry.ts';
import { startHub, type HubServer, type ServedModel } from './hubServer.ts';

/** Hardly any waits between attempts; connections may be silent for as long as a busy machine makes them. */
export const IMPATIENT: Patience = { attempts: 4, firstMs: 1, longestMs: 2, longestAskedMs: 3000, idleMs: 10_000, answerMs: 20_000 };
/** For hubs that fall silent on purpose. */
export const HURRIED: Partial<Patience> = { idleMs: 250, answerMs: 500 };

/** In memory where there is such a place: files are made sure of on the disk, which may be busy. */
const FOLDER = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

export interface Setting {
  readonly server: HubServer;
  readonly hub: Hub;
  /** The folder of all downloads. */
  readonly root: string;
  /** Finds and downloads the model. */
  fetch(id: string, options?: { readonly signal?: AbortSignal; readonly token?: string; readonly entry?: string; onProgress?(progress: DownloadProgress): void }): Promise<DownloadedModel>;
}

/** A hub of these models, and an empty folder for downloads; both go with the test. */
export function setting(...models: readonly ServedModel[]): Promise<Setting> {
  return settingWith({}, ...models);
}

/** The same with another patience. */
export async function settingWith(patience: Partial<Patience>, ...models: readonly ServedModel[]): Promise<Setting> {
  const server = await startHub(...models);
  const root = mkdtempSync(join(FOLDER, 'explain-tokens-hub-'));
  onTestFinished(async () => {
    await server.close();
    rmSync(root, { recursive: true, force: true });
  });
  const hub = openHub(english, { ...IMPATIENT, ...patience });
  return {
    server,
    hub,
    root,
    fetch: async (id, { signal = new AbortController().signal, token, entry = null, onProgress = () => undefined } = {}) => {
      const access = { endpoint: server.endpoint, token, signal };
      const model = await hub.findModel(id, access);
      const choice = model.choices.find((each) => each.entry === entry) ?? model.choices[0];
      if (!choice) throw new Error('no choice');
      return hub.download(root, model, choice, { ...access, onProgress });
    },
  };
}

/** Every file below a folder with its content, by its path. */
export function contentsOf(folder: string): Record<string, Buffer> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(files.map((entry) => [join(entry.parentPath, entry.name).slice(folder.length + 1), readFileSync(join(entry.parentPath, entry.name))]));
}
