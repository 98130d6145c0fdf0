import { join } from 'node:path';
import { isRecord } from '../../core/records.ts';
import type { FoundModel } from './foundApi.ts';
import { fileBytes, namesIn, smallJson, STORE_MAX_ENTRIES, type Budget } from './folder.ts';
import { expanded, type Machine } from './machine.ts';

const MODEL_LAYER = 'application/vnd.ollama.image.model';
/** Weights of an adapter, such as a LoRA; without them the base model alone would stand under the wrong name. */
const ADAPTER_LAYER = 'application/vnd.ollama.image.adapter';
const DIGEST = /^sha256[:-](?<hash>[0-9a-f]{64})$/i;
/** Largest manifest read; a manifest names about six layers. */
const MANIFEST_MAX_BYTES = 1024 * 1024;
const OWN_REGISTRY = 'registry.ollama.ai';
const OWN_NAMESPACE = 'library';
/** The folder of Ollama's Linux service, which runs as its own user. */
const SERVICE = '/usr/share/ollama/.ollama/models';

/** The folders that Ollama keeps models in: that of `OLLAMA_MODELS`, the user's and the service's (ollama/envconfig, docs/faq). */
export function ollamaStores({ env, home }: Machine): readonly string[] {
  const stores = [expanded(env['OLLAMA_MODELS'], home), join(home, '.ollama', 'models'), SERVICE];
  return [...new Set(stores.filter((store) => store !== null))];
}

/**
 * The models of Ollama: `manifests/REGISTRY/NAMESPACE/NAME/TAG` is JSON, and its layer of type "model" is the GGUF file
 * `blobs/sha256-HASH` (ollama/manifest). Names that share a blob are aliases of one model.
 */
export async function ollamaModels(machine: Machine): Promise<readonly FoundModel[]> {
  const byBlob = new Map<string, { names: string[]; bytes: number }>();
  for (const store of ollamaStores(machine)) {
    const budget: Budget = { entries: STORE_MAX_ENTRIES };
    for await (const { path, name } of manifests(join(store, 'manifests'), budget)) {
      const blob = await modelBlob(store, path);
      if (blob === null) continue;
      const known = byBlob.get(blob.path) ?? { names: [], bytes: blob.bytes };
      known.names.push(name);
      byBlob.set(blob.path, known);
    }
  }
  return [...byBlob].map(([path, { names, bytes }]) => {
    const [name = path, ...aliases] = names.toSorted((a, b) => a.length - b.length || (a < b ? -1 : 1));
    return { source: 'ollama', name, aliases, path, bytes };
  });
}

async function* manifests(folder: string, budget: Budget): AsyncIterable<{ readonly path: string; readonly name: string }> {
  for (const registry of await namesIn(folder, budget)) {
    for (const namespace of await namesIn(join(folder, registry), budget)) {
      for (const model of await namesIn(join(folder, registry, namespace), budget)) {
        for (const tag of await namesIn(join(folder, registry, namespace, model), budget)) {
          const owner = [
            registry === OWN_REGISTRY ? '' : registry,
            registry === OWN_REGISTRY && namespace === OWN_NAMESPACE ? '' : namespace,
          ];
          yield {
            path: join(folder, registry, namespace, model, tag),
            name: `${[...owner, model].filter((part) => part !== '').join('/')}:${tag}`,
          };
        }
      }
    }
  }
}

/** The GGUF file of a manifest; null where there is none, the file is incomplete, or the model needs further weights (an adapter). */
async function modelBlob(store: string, manifest: string): Promise<{ readonly path: string; readonly bytes: number } | null> {
  const layers = (await smallJson(manifest, MANIFEST_MAX_BYTES))?.['layers'];
  if (!Array.isArray(layers)) return null;
  const read = (layers as readonly unknown[]).filter(isRecord);
  const ofType = (type: string): typeof read => read.filter(({ mediaType }) => mediaType === type);
  const [model, another] = ofType(MODEL_LAYER);
  if (model === undefined || another !== undefined || ofType(ADAPTER_LAYER).length > 0) return null;
  const hash = typeof model['digest'] === 'string' ? DIGEST.exec(model['digest'])?.groups?.['hash'] : undefined;
  if (hash === undefined) return null;
  const path = join(store, 'blobs', `sha256-${hash.toLowerCase()}`);
  const bytes = await fileBytes(path);
  return bytes === null || bytes === 0 || (typeof model['size'] === 'number' && model['size'] !== bytes) ? null : { path, bytes };
}
