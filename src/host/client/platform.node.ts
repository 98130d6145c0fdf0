import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { vscode } from '../vscode.ts';
import type { Send } from '../../engines/engineApi.ts';
import type { FoundModel } from '../../library/found/foundApi.ts';
import type { Port } from '../../worker/rpc.ts';
import type { HubEnvironment } from '../../library/hub/address.ts';
import type { Hub } from '../../library/hub/hubApi.ts';
import type { RuntimeOptions } from './platform.ts';
import { t } from '../say.ts';

/** Starts a model's worker. Throws UserError if the settings demand the native runtime and it is not installed. */
export async function startWorker(extensionUri: vscode.Uri, { choice, nativeFolder, provider }: RuntimeOptions): Promise<Port> {
  // Loaded with the first request: the modules for processes and threads take a quarter of the extension's start.
  const { startNodeWorker } = await import('../../worker/port.node.ts');
  const dist = vscode.Uri.joinPath(extensionUri, 'dist').fsPath;
  return startNodeWorker(dist, { runtime: choice, provider, ...(nativeFolder === '' ? {} : { nativeFolder: absolute(nativeFolder) }) });
}

/** Models that other programs keep on this machine. */
export async function findModels(): Promise<readonly FoundModel[]> {
  const found = await import('../../library/found/found.ts');
  return found.findModels({ env: process.env, home: homedir() });
}

/** URI of a folder or file in a setting: a path, in which `~` is the home folder, or a URI that only VS Code can read. */
export function folderUri(setting: string): vscode.Uri {
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(setting) ? vscode.Uri.parse(setting) : vscode.Uri.file(absolute(setting));
}

/** Path from which the worker can read a folder itself; undefined if there is none. */
export function localPath(uri: vscode.Uri): string | undefined {
  return uri.scheme === 'file' ? uri.fsPath : undefined;
}

/** Writes a file beside the one that is there, and then in its place: whole or not at all. Rejects as Node does. */
export async function replaceFile(path: string, content: Uint8Array): Promise<void> {
  const { access, constants, realpath, rename, rm, stat, writeFile } = await import('node:fs/promises');
  const target = await realpath(path).catch(() => path);
  const there = await stat(target).catch(() => undefined);
  // A file that may not be written is not replaced either.
  if (there !== undefined) await access(target, constants.W_OK);
  const partial = `${target}.partial`;
  try {
    await writeFile(partial, content, there === undefined ? {} : { mode: there.mode });
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** What runs scripts as Node does: the editor's own program, when told so. */
export function nodeCommand(): { readonly command: string; readonly env: Readonly<Record<string, string>> } | undefined {
  return { command: process.execPath, env: { ELECTRON_RUN_AS_NODE: '1' } };
}

/** Loads the module for the hub and its downloads. */
export async function loadHub(): Promise<Hub | undefined> {
  const { openHub } = await import('../../library/hub/hub.ts');
  return openHub(t);
}

/** Loads what sends requests to engines. */
export async function engineSend(): Promise<Send | undefined> {
  const { nodeSend } = await import('../../engines/engineHttp.node.ts');
  return nodeSend(t);
}

/** The hub's address and token from the environment variables of its own tools. */
export function hubEnvironment(): HubEnvironment {
  const { HF_ENDPOINT, HF_TOKEN } = process.env;
  return { endpoint: HF_ENDPOINT, token: HF_TOKEN };
}

function absolute(path: string): string {
  return resolve(homedir(), path.replace(/^~(?=$|[/\\])/, homedir()));
}
