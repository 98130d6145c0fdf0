import { vscode } from './vscode.ts';
import { UserError } from '../core/errors.ts';
import type { ModelLocation } from '../worker/api.ts';
import type { WantedModel } from './liveWorker.ts';
import type { Settings } from './settings.ts';
import { folderUri, localPath } from '#platform';

const BUNDLED = 'explain-tokens-9m';
/** Named here because an installed extension on the web can be read but not listed. */
const BUNDLED_FILES = ['config.json', 'generation_config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json'];
/** A model without a disk travels through memory as a whole: more than this does not fit a worker. */
const MAX_BYTES = 2 ** 31;
/** A folder of a model holds its files; a folder with more than this is something else. */
const MAX_FILES = 400;

/** The model the settings name: the bundled one where they name none. */
export function wantedModel(extensionUri: vscode.Uri, settings: Settings): WantedModel {
  const how = `${settings.runtime} ${settings.runtime === 'wasm' ? '' : settings.nativeRuntime}`;
  if (settings.model === '') {
    const uri = vscode.Uri.joinPath(extensionUri, 'media', 'models', BUNDLED);
    return { key: `bundled ${how}`, name: BUNDLED, locate: () => locate(uri, BUNDLED, BUNDLED_FILES) };
  }
  const uri = folderUri(settings.model);
  const name = uri.path.split('/').findLast((part) => part !== '') ?? settings.model;
  return { key: `${uri.toString()} ${how}`, name, locate: () => locate(uri, name) };
}

/** Where the worker finds the files: the folder itself on a local disk, everywhere else their bytes. */
async function locate(uri: vscode.Uri, name: string, known?: readonly string[]): Promise<ModelLocation> {
  const path = localPath(uri);
  return path === undefined ? { kind: 'files', name, files: await readAll(uri, known) } : { kind: 'folder', name, path };
}

async function readAll(folder: vscode.Uri, known?: readonly string[]): Promise<Record<string, Uint8Array>> {
  const files: Record<string, Uint8Array> = {};
  let bytes = 0;
  for (const file of known ?? (await modelFiles(folder))) {
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

/** The files a model can consist of; others in the folder, such as weights in other formats, are not read. */
async function modelFiles(folder: vscode.Uri): Promise<readonly string[]> {
  try {
    const entries = await vscode.workspace.fs.readDirectory(folder);
    const files = entries.flatMap(([name, type]) => ((type & vscode.FileType.File) !== 0 && /\.(json|safetensors)$/.test(name) ? [name] : []));
    return files.slice(0, MAX_FILES);
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
