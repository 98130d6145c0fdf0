import { opendir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** How much of a store may still be looked at: a folder of a million files, or a tree without end, ends here. */
export interface Budget {
  entries: number;
}

/** Entries looked at in one store: a hundred times what a collector of models has. */
export const STORE_MAX_ENTRIES = 50_000;

/** Names in a folder, in the order of their characters, as far as the budget goes; none for what cannot be read. */
export async function namesIn(folder: string, budget: Budget): Promise<readonly string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of await opendir(folder)) {
      if (budget.entries-- <= 0) break;
      names.push(name);
    }
  } catch {
    // Not there, not a folder, or not ours to read: a store without models.
  }
  return names.toSorted();
}

/** Bytes of a file, links followed; null for what is none: a folder, a pipe, a link to nothing or to itself. */
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
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : null;
  } catch {
    return null;
  }
}

/** A model that lies in a folder. */
export interface ModelHere {
  /** The folder in Hugging Face layout, or the (first) GGUF file. */
  readonly path: string;
  /** Name of the GGUF file without its ending; null: the folder is the model. */
  readonly file: string | null;
  /** Of the weights. */
  readonly bytes: number;
}

/** An index names every tensor once. */
const INDEX_MAX_BYTES = 100 * 1024 * 1024;
const SPLIT = /^(?<stem>.*)-(?<part>\d{5})-of-(?<parts>\d{5})\.gguf$/i;
/** Image encoders that lie beside a language model. */
const NO_LANGUAGE_MODEL = /^mmproj|[-.]mmproj[-.]/i;

/**
 * The models in one folder: itself where it is in Hugging Face layout, and each GGUF file, one of several parts once.
 * What is not complete is left out: a missing part or shard, a link whose file was never fetched.
 */
export async function modelsIn(folder: string, budget: Budget): Promise<readonly ModelHere[]> {
  const names = await namesIn(folder, budget);
  const bytes = await safetensorsBytes(folder, names);
  const models: ModelHere[] = bytes === null ? [] : [{ path: folder, file: null, bytes }];
  for (const name of names) {
    if (!/\.gguf$/i.test(name) || NO_LANGUAGE_MODEL.test(name)) continue;
    const split = SPLIT.exec(name)?.groups;
    if (split !== undefined && Number(split['part']) !== 1) continue;
    const total = await sumOfFiles(folder, split === undefined ? [name] : partsOf(split));
    if (total !== null && total > 0) models.push({ path: join(folder, name), file: split?.['stem'] ?? name.replace(/\.gguf$/i, ''), bytes: total });
  }
  return models;
}

/** Bytes of all weights of a folder in Hugging Face layout; null where something is missing. */
async function safetensorsBytes(folder: string, names: readonly string[]): Promise<number | null> {
  if (!names.includes('config.json') || (await fileBytes(join(folder, 'config.json'))) === null) return null;
  const index = names.includes('model.safetensors') ? undefined : names.find((name) => name === 'model.safetensors.index.json');
  if (index === undefined) {
    const files = names.includes('model.safetensors') ? ['model.safetensors'] : names.filter((name) => name.endsWith('.safetensors'));
    return files.length === 0 ? null : sumOfFiles(folder, files);
  }
  const map = (await smallJson(join(folder, index), INDEX_MAX_BYTES))?.['weight_map'];
  if (typeof map !== 'object' || map === null) return null;
  const shards = new Set(Object.values(map).filter((name): name is string => typeof name === 'string'));
  return [...shards].every((shard) => names.includes(shard)) && shards.size > 0 ? sumOfFiles(folder, [...shards]) : null;
}

function partsOf({ stem = '', parts = '' }: Readonly<Record<string, string>>): readonly string[] {
  // A name may claim 99,999 parts: more than a hundred no one makes.
  return Array.from({ length: Math.min(Number(parts), 100) }, (_, index) => `${stem}-${String(index + 1).padStart(5, '0')}-of-${parts}.gguf`);
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
