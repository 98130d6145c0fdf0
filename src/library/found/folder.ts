import { opendir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { allParts, modelFilesIn, modelNameOf } from '../../core/fileFormats.ts';
import { isRecord } from '../../core/records.ts';

/** Number of directory entries that may still be read in a store, so that a folder of a million files or an endless tree does no harm. */
export interface Budget {
  entries: number;
}

/** Most directory entries read in one store: a hundred times as many as a large collection of models has. */
export const STORE_MAX_ENTRIES = 50_000;

/** Sorted names in a folder, as many as the budget allows; empty for a folder that cannot be read. */
export async function namesIn(folder: string, budget: Budget): Promise<readonly string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of await opendir(folder)) {
      if (budget.entries-- <= 0) break;
      names.push(name);
    }
  } catch {
    // A folder that is missing, is a file or may not be read holds no models.
  }
  return names.toSorted();
}

/** Size of a file in bytes, following links; null for anything else: a folder, a pipe, a link to nothing or to itself. */
export async function fileBytes(path: string): Promise<number | null> {
  try {
    const found = await stat(path);
    return found.isFile() ? found.size : null;
  } catch {
    return null;
  }
}

/** The text of a file of at most `maxBytes`; null for any other. */
export async function smallText(path: string, maxBytes: number): Promise<string | null> {
  const size = await fileBytes(path);
  if (size === null || size > maxBytes) return null;
  return readFile(path, 'utf8').catch(() => null);
}

/** The JSON object in a file of at most `maxBytes`; null for anything else. */
export async function smallJson(path: string, maxBytes: number): Promise<Readonly<Record<string, unknown>> | null> {
  const text = await smallText(path, maxBytes);
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

/** A model found in a folder. */
export interface ModelHere {
  /** The folder in Hugging Face layout, or the (first) GGUF file. */
  readonly path: string;
  /** Name of the GGUF file without its extension; null where the folder is the model. */
  readonly file: string | null;
  /** Size of the weights. */
  readonly bytes: number;
}

/** Largest index read; an index names every tensor once. */
const INDEX_MAX_BYTES = 100 * 1024 * 1024;

/**
 * The models in one folder: the folder itself where it is in Hugging Face layout, and each GGUF model, which may have several parts.
 * Incomplete models are left out: those with a missing part or shard, or a link to a file that was never downloaded.
 */
export async function modelsIn(folder: string, budget: Budget): Promise<readonly ModelHere[]> {
  const names = await namesIn(folder, budget);
  const bytes = await safetensorsBytes(folder, names);
  const models: ModelHere[] = bytes === null ? [] : [{ path: folder, file: null, bytes }];
  for (const name of modelFilesIn(names)) {
    const parts = allParts(name);
    const total = parts.length === 0 ? null : await sumOfFiles(folder, parts);
    if (total !== null && total > 0) models.push({ path: join(folder, name), file: modelNameOf(name), bytes: total });
  }
  return models;
}

/** Size in bytes of all weights of a folder in Hugging Face layout; null where a file is missing. */
async function safetensorsBytes(folder: string, names: readonly string[]): Promise<number | null> {
  if (!names.includes('config.json') || (await fileBytes(join(folder, 'config.json'))) === null) return null;
  const index = names.includes('model.safetensors') ? undefined : names.find((name) => name === 'model.safetensors.index.json');
  if (index === undefined) {
    const files = names.includes('model.safetensors') ? ['model.safetensors'] : names.filter((name) => name.endsWith('.safetensors'));
    return files.length === 0 ? null : sumOfFiles(folder, files);
  }
  const map = (await smallJson(join(folder, index), INDEX_MAX_BYTES))?.['weight_map'];
  if (!isRecord(map)) return null;
  const shards = new Set(Object.values(map).filter((name): name is string => typeof name === 'string'));
  return [...shards].every((shard) => names.includes(shard)) && shards.size > 0 ? sumOfFiles(folder, [...shards]) : null;
}

async function sumOfFiles(folder: string, names: readonly string[]): Promise<number | null> {
  let sum = 0;
  for (const name of names) {
    const bytes = await fileBytes(join(folder, name));
    if (bytes === null) return null;
    sum += bytes;
  }
  return sum;
}
