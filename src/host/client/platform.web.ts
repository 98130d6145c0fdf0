import { vscode } from '../vscode.ts';
import { startWebWorker } from '../../worker/port.web.ts';
import type { Send } from '../../engines/engineApi.ts';
import type { FoundModel } from '../../library/found/foundApi.ts';
import type { Port } from '../../worker/rpc.ts';
import type { HubEnvironment } from '../../library/hub/address.ts';
import type { Hub } from '../../library/hub/hubApi.ts';
import type { RuntimeOptions } from './platform.ts';
import { t } from '../say.ts';
import { UserError } from '../../core/errors.ts';

/** Starts a model's worker. Throws UserError if the settings demand the native runtime, which a browser does not have. */
export async function startWorker(extensionUri: vscode.Uri, { choice }: RuntimeOptions): Promise<Port> {
  if (choice === 'native') throw new UserError(t('explainTokens.runtime: there is no native runtime in the browser.'));
  const read = (...path: string[]): Thenable<Uint8Array> =>
    vscode.workspace.fs.readFile(vscode.Uri.joinPath(extensionUri, 'dist', ...path));
  const [script, wasm] = await Promise.all([read('web', 'worker.js'), read('ort-wasm-simd-threaded.wasm')]);
  return startWebWorker(script, wasm);
}

/** No models: a browser cannot see other programs' files. */
export async function findModels(): Promise<readonly FoundModel[]> {
  return [];
}

/** URI of a folder or file in a setting: a URI, or a path in the file system of the first workspace folder. */
export function folderUri(setting: string): vscode.Uri {
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(setting)) return vscode.Uri.parse(setting);
  const path = setting.startsWith('/') ? setting : `/${setting}`;
  return vscode.workspace.workspaceFolders?.[0]?.uri.with({ path }) ?? vscode.Uri.file(path);
}

/** Undefined: a browser's worker cannot read folders itself. */
export function localPath(_uri: vscode.Uri): string | undefined {
  return undefined;
}

/** Never asked for: no file has a path here. */
export async function replaceFile(path: string): Promise<void> {
  throw new Error(`A browser cannot write ${path}.`);
}

/** Undefined: a browser starts no programs. */
export function nodeCommand(): { readonly command: string; readonly env: Readonly<Record<string, string>> } | undefined {
  return undefined;
}

/** Undefined: a browser has no disk to keep models on. */
export async function loadHub(): Promise<Hub | undefined> {
  return undefined;
}

/** Undefined: a browser lets no page ask other addresses. */
export async function engineSend(): Promise<Send | undefined> {
  return undefined;
}

/** No values: a browser has no environment variables. */
export function hubEnvironment(): HubEnvironment {
  return { endpoint: undefined, token: undefined };
}
