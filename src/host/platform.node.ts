import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { vscode } from './vscode.ts';
import type { FoundModel } from '../library/found/api.ts';
import type { Port } from '../worker/rpc.ts';
import type { HubEnvironment } from '../library/hub/address.ts';
import type { Hub } from '../library/hub/api.ts';
import type { RuntimeOptions } from './platform.ts';

/** Starts the model's worker. Throws UserError where the native runtime was insisted on and is not there. */
export async function startWorker(extensionUri: vscode.Uri, { choice, nativeFolder }: RuntimeOptions): Promise<Port> {
  // Loaded with the first request: processes and threads cost a quarter of the time that the extension takes to start.
  const { startNodeWorker } = await import('../worker/port.node.ts');
  const dist = vscode.Uri.joinPath(extensionUri, 'dist').fsPath;
  return startNodeWorker(dist, { runtime: choice, ...(nativeFolder === '' ? {} : { nativeFolder: absolute(nativeFolder) }) });
}

/** Models that other programs keep on this machine. */
export async function findModels(): Promise<readonly FoundModel[]> {
  const found = await import('../library/found/found.ts');
  return found.findModels({ env: process.env, home: homedir() });
}

/** The folder a setting names: a path, `~` for the home folder, or a URI for what VS Code alone can read. */
export function folderUri(setting: string): vscode.Uri {
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(setting) ? vscode.Uri.parse(setting) : vscode.Uri.file(absolute(setting));
}

/** The path the worker can read a folder from by itself, where there is one. */
export function localPath(uri: vscode.Uri): string | undefined {
  return uri.scheme === 'file' ? uri.fsPath : undefined;
}

/** The hub and the models downloaded from it, loaded when first asked for. */
export async function loadHub(): Promise<Hub | undefined> {
  const { openHub } = await import('../library/hub/hub.ts');
  return openHub(vscode.l10n.t);
}

/** What the user's environment says of the hub, by the names its own tools know. */
export function hubEnvironment(): HubEnvironment {
  const { HF_ENDPOINT, HF_TOKEN } = process.env;
  return { endpoint: HF_ENDPOINT, token: HF_TOKEN };
}

function absolute(path: string): string {
  return resolve(homedir(), path.replace(/^~(?=$|[/\\])/, homedir()));
}
