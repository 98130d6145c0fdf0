import { vscode } from './vscode.ts';
import { UserError } from '../core/errors.ts';
import type { ModelLocation } from '../worker/api.ts';
import type { WantedModel } from './liveWorker.ts';
import { isGgufName, modelFilesOf, partsOf } from './modelFiles.ts';
import type { Settings } from './settings.ts';
import { folderUri, localPath } from '#platform';

const BUNDLED = 'explain-tokens-9m';
/** Named here because an installed extension on the web can be read but not listed. */
const BUNDLED_FILES = ['config.json', 'generation_config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json'];
/** A model without a disk travels through memory as a whole: more than this does not fit a worker. */
const MAX_BYTES = 2 ** 31;
/** A folder of a model holds its files; a folder with more than this is something else. */
const MAX_FILES = 400;

/** The model the settings name: the bundled one where they name none. `named`: what it is called, where not as its folder or file. */
export function wantedModel(extensionUri: vscode.Uri, settings: Settings, named?: string): WantedModel {
  const how = `${settings.runtime} ${settings.runtime === 'wasm' ? '' : settings.nativeRuntime}`;
  if (settings.model === '') {
    const uri = vscode.Uri.joinPath(extensionUri, 'media', 'models', BUNDLED);
    return { key: `bundled ${how}`, name: BUNDLED, locate: () => locate(uri, BUNDLED, BUNDLED_FILES) };
  }
  const uri = folderUri(settings.model);
  const name = named ?? baseName(uri);
  return { key: `${uri.toString()} ${how}`, name, locate: () => locate(uri, name) };
}

/** The last part of a path. */
export function baseName(uri: vscode.Uri): string {
  return uri.path.split('/').findLast((part) => part !== '') ?? uri.path;
}

/** Where the worker finds the files: the folder itself on a local disk, everywhere else their bytes. */
async function locate(uri: vscode.Uri, name: string, known?: readonly string[]): Promise<ModelLocation> {
  const path = localPath(uri);
  return path === undefined ? { kind: 'files', name, files: await readAll(uri, known) } : { kind: 'folder', name, path };
}

async function readAll(uri: vscode.Uri, known?: readonly string[]): Promise<Record<string, Uint8Array>> {
  const { folder, names } = known === undefined ? await placeOf(uri) : { folder: uri, names: known };
  const files: Record<string, Uint8Array> = {};
  let bytes = 0;
  for (const file of names) {
    const uri = vscode.Uri.joinPath(folder, file);
    const size = known ? 0 : await sizeOf(uri);
    if (bytes + size > MAX_BYTES) throw new UserError(vscode.l10n.t('The model in {0} is too large to be read without a disk.', folder.toString(true)));
    try {
      files[file] = await vscode.workspace.fs.readFile(uri);
    } catch (error) {
      throw new UserError(vscode.l10n.t('{0} cannot be read.', uri.toString(true)), { cause: error });
    }
    bytes += files[file]?.byteLength ?? 0;
  }
  return files;
}

/** A model's folder and its files there: of a GGUF file the file itself, or all of which it is a part. */
async function placeOf(uri: vscode.Uri): Promise<{ readonly folder: vscode.Uri; readonly names: readonly string[] }> {
  const name = uri.path.slice(uri.path.lastIndexOf('/') + 1);
  if (!isGgufName(name)) return { folder: uri, names: modelFilesOf(await filesIn(uri)).slice(0, MAX_FILES) };
  const folder = vscode.Uri.joinPath(uri, '..');
  return { folder, names: partsOf(name, await filesIn(folder)) };
}

async function filesIn(folder: vscode.Uri): Promise<readonly string[]> {
  try {
    const entries = await vscode.workspace.fs.readDirectory(folder);
    return entries.flatMap(([name, type]) => ((type & vscode.FileType.File) !== 0 ? [name] : []));
  } catch (error) {
    throw new UserError(vscode.l10n.t('explainTokens.model: the folder {0} cannot be read.', folder.toString(true)), { cause: error });
  }
}

async function sizeOf(uri: vscode.Uri): Promise<number> {
  try {
    return (await vscode.workspace.fs.stat(uri)).size;
  } catch (error) {
    throw new UserError(vscode.l10n.t('{0} cannot be read.', uri.toString(true)), { cause: error });
  }
}
