import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { english } from '../../src/core/translatable.ts';
import type { DownloadedModel, DownloadProgress, Hub } from '../../src/library/hub/hubApi.ts';
import { openHub } from '../../src/library/hub/hub.ts';
import type { Patience } from '../../src/library/hub/retry.ts';
import { startHub, type HubServer, type ServedModel } from './hubServer.ts';

/** Hardly any wait between attempts, but connections may be silent for as long as on a busy machine. */
export const IMPATIENT: Patience = { attempts: 4, firstMs: 1, longestMs: 2, longestAskedMs: 3000, idleMs: 10_000, answerMs: 20_000 };
/** Short timeouts, for hubs that fall silent on purpose. */
export const HURRIED: Partial<Patience> = { idleMs: 250, answerMs: 500 };

/** Folder for downloads, in memory if possible, because downloads are synced to disk, and a disk may be busy. */
const FOLDER = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** A local hub and a client for it. */
export interface Setting {
  readonly server: HubServer;
  readonly hub: Hub;
  /** The folder of all downloads. */
  readonly root: string;
  /** Finds and downloads the model. */
  fetch(
    id: string,
    options?: {
      readonly signal?: AbortSignal;
      readonly token?: string;
      readonly entry?: string;
      onProgress?(progress: DownloadProgress): void;
    },
  ): Promise<DownloadedModel>;
}

/** Starts a hub with these models and makes an empty folder for downloads; both are removed when the test ends. */
export function setting(...models: readonly ServedModel[]): Promise<Setting> {
  return settingWith({}, ...models);
}

/** The same as `setting`, with other limits on retries and waiting. */
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

/** Contents of all files below a folder, by relative path. */
export function contentsOf(folder: string): Record<string, Buffer> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map((entry) => [join(entry.parentPath, entry.name).slice(folder.length + 1), readFileSync(join(entry.parentPath, entry.name))]),
  );
}
