import { vscode } from '../vscode.ts';
import { UserError } from '../../core/errors.ts';
import { formatOfName } from '../../core/fileFormats.ts';
import { engineModelIn, engineModelName, engineSettingOf } from '../../engines/engineSetting.ts';
import { hubCacheName } from '../../core/hubCache.ts';
import { ADAPTER_CONFIG } from '../../core/adapterNames.ts';
import type { ModelLocation } from '../../worker/workerApi.ts';
import type { WantedModel } from '../client/liveWorker.ts';
import { modelFilesOf, partsIn } from './filesOfModel.ts';
import { t } from '../say.ts';
import type { Settings } from '../configuration.ts';
import { folderUri, localPath } from '#platform';
import { fileName } from '../fileName.ts';

/** Name and folder of the bundled model. */
const BUNDLED = 'explain-tokens-9m';
/** Files of the bundled model, listed here because on the web an installed extension's folders cannot be listed. */
const BUNDLED_FILES = ['config.json', 'generation_config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json'];
/** Most bytes of a model that is not on a local disk: all of it is sent to the worker through memory. */
const MAX_BYTES = 2 ** 31;
/** Most files read from a model's folder; a folder with more is something else. */
const MAX_FILES = 400;

/** Paths of the models on this machine by name. */
export type ModelPaths = () => Promise<Readonly<Record<string, string>>>;

/**
 * The model that the settings name, the bundled one if they name none. `named`: its name, if not that of its folder or file. `others` is
 * asked for an adapter, whose base model is one of them.
 */
export function wantedModel(extensionUri: vscode.Uri, settings: Settings, named?: string, others?: ModelPaths): WantedModel {
  const how = `${settings.runtime} ${settings.runtime === 'wasm' ? '' : `${settings.executionProvider} ${settings.nativeRuntime}`}`;
  if (settings.model === '') {
    const uri = vscode.Uri.joinPath(extensionUri, 'media', 'models', BUNDLED);
    return { key: `bundled ${how}`, name: BUNDLED, locate: () => locate(uri, BUNDLED, BUNDLED_FILES) };
  }
  const engine = engineModelIn(settings.model);
  if (engine !== null) {
    const name = engineModelName(engine);
    return { key: `engine ${engineSettingOf(engine)}`, name, engine, locate: async () => ({ kind: 'files', name, files: {} }) };
  }
  const uri = folderUri(settings.model);
  const name = named ?? modelName(uri);
  return { key: `${uri.toString()} ${how}`, name, locate: () => locate(uri, name, undefined, others) };
}

/** Name of a model by its path. */
export function modelName(uri: vscode.Uri): string {
  return hubCacheName(uri.path) ?? fileName(uri);
}

/** Location of a model for the worker: a path on a local disk, elsewhere the bytes of the files. */
async function locate(uri: vscode.Uri, name: string, known?: readonly string[], others?: ModelPaths): Promise<ModelLocation> {
  const path = localPath(uri);
  if (path === undefined) return { kind: 'files', name, files: await readAll(uri, known) };
  const models = others !== undefined && (await isAdapter(uri)) ? await others() : null;
  return { kind: 'folder', name, path, ...(models === null ? {} : { models }) };
}

async function isAdapter(folder: vscode.Uri): Promise<boolean> {
  return vscode.workspace.fs.stat(vscode.Uri.joinPath(folder, ADAPTER_CONFIG)).then(
    () => true,
    () => false,
  );
}

async function readAll(uri: vscode.Uri, known?: readonly string[]): Promise<Record<string, Uint8Array>> {
  const { folder, names } = known === undefined ? await placeOf(uri) : { folder: uri, names: known };
  const files: Record<string, Uint8Array> = {};
  let bytes = 0;
  for (const file of names) {
    const uri = vscode.Uri.joinPath(folder, file);
    const size = known ? 0 : await sizeOf(uri);
    if (bytes + size > MAX_BYTES) throw new UserError(t('The model in {0} is too large to be read without a disk.', folder.toString(true)));
    try {
      files[file] = await vscode.workspace.fs.readFile(uri);
    } catch (error) {
      throw new UserError(t('{0} cannot be read.', uri.toString(true)), { cause: error });
    }
    bytes += files[file]?.byteLength ?? 0;
  }
  return files;
}

/** A model's folder and its files there. For a model in a file: that file, or all parts if it is split. */
async function placeOf(uri: vscode.Uri): Promise<{ readonly folder: vscode.Uri; readonly names: readonly string[] }> {
  const name = fileName(uri);
  if (formatOfName(name) === undefined) return { folder: uri, names: modelFilesOf(await filesIn(uri)).slice(0, MAX_FILES) };
  const folder = vscode.Uri.joinPath(uri, '..');
  return { folder, names: partsIn(name, await filesIn(folder)) };
}

async function filesIn(folder: vscode.Uri): Promise<readonly string[]> {
  try {
    const entries = await vscode.workspace.fs.readDirectory(folder);
    return entries.flatMap(([name, type]) => ((type & vscode.FileType.File) !== 0 ? [name] : []));
  } catch (error) {
    throw new UserError(t('explainTokens.model: the folder {0} cannot be read.', folder.toString(true)), { cause: error });
  }
}

async function sizeOf(uri: vscode.Uri): Promise<number> {
  try {
    return (await vscode.workspace.fs.stat(uri)).size;
  } catch (error) {
    throw new UserError(t('{0} cannot be read.', uri.toString(true)), { cause: error });
  }
}
