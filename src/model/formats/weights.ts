import { UserError } from '../../core/errors.ts';
import { msg } from '../../core/translatable.ts';
import { isRecord } from '../../core/records.ts';
import { INDEX_MAX_BYTES, quoted, readJson, type ModelFiles } from './modelFiles.ts';
import { ADAPTER_WEIGHTS } from '../../core/adapterNames.ts';
import { refuseAdapterAlone } from './adapter/refuseAdapter.ts';
import { readSafetensorsHeader } from './safetensors.ts';
import type { StoredTensor } from './storedTensor.ts';

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';

/** Weights in the layout of Mistral's own code, which some folders hold besides those for transformers. */
const OWN_LAYOUT = /^consolidated[.-]/;

/**
 * All tensors of a model folder by name, found as transformers does: in `model.safetensors`, else in the files that
 * `model.safetensors.index.json` names, else in the only `*.safetensors`. Throws UserError naming the file at fault.
 */
export async function openWeights(files: ModelFiles): Promise<ReadonlyMap<string, StoredTensor>> {
  if (files.weights !== undefined) return files.weights.tensors;
  const names = await files.list();
  if (names.includes(SINGLE)) return readSafetensorsHeader(files, SINGLE);
  if (names.includes(INDEX)) return openSharded(files, names);
  const found = names.filter((name) => name.endsWith('.safetensors') && name !== ADAPTER_WEIGHTS);
  const index = names.find((name) => name.endsWith('.safetensors.index.json'));
  const [only] = found;
  if (only !== undefined && found.every((name) => OWN_LAYOUT.test(name)))
    throw new UserError(
      msg`${files.name} holds its weights as ${only} alone, under the names of another program: get the files of the same model \
for transformers, ${SINGLE} or ${INDEX}.`,
    );
  if (found.length === 1 && only !== undefined && index === undefined) return readSafetensorsHeader(files, only);
  if (found.length > 0)
    throw new UserError(msg`${files.name} holds ${found.length} safetensors files but no ${INDEX} that says what is where.`);
  await refuseAdapterAlone(files, names);
  const pickled = names.find((name) => /\.(bin|pt|pth)$/.test(name));
  if (pickled !== undefined)
    throw new UserError(msg`${files.name} holds its weights as ${pickled}: only safetensors files are read, as the others can run code.`);
  throw new UserError(msg`${files.name} holds no ${SINGLE}.`);
}

async function openSharded(files: ModelFiles, names: readonly string[]): Promise<ReadonlyMap<string, StoredTensor>> {
  const index = await readJson(files, INDEX, INDEX_MAX_BYTES);
  const places = isRecord(index) ? index['weight_map'] : undefined;
  if (!isRecord(places)) throw new UserError(msg`${INDEX} has no "weight_map".`);
  const shards = new Map<string, ReadonlyMap<string, StoredTensor>>();
  const tensors = new Map<string, StoredTensor>();
  for (const [name, file] of Object.entries(places)) {
    if (typeof file !== 'string' || /[/\\]|^\.\.?$/.test(file)) {
      const shown = typeof file === 'string' ? quoted(file) : JSON.stringify(file).slice(0, 80);
      throw new UserError(msg`${INDEX} places ${quoted(name)} in ${shown}, which is not the name of a file beside it.`);
    }
    if (!names.includes(file)) throw new UserError(msg`${quoted(file)} is missing, where ${INDEX} places ${quoted(name)}.`);
    let shard = shards.get(file);
    if (shard === undefined) {
      shard = await readSafetensorsHeader(files, file);
      shards.set(file, shard);
    }
    const tensor = shard.get(name);
    if (tensor === undefined) throw new UserError(msg`${INDEX} places ${quoted(name)} in ${quoted(file)}, which does not hold it.`);
    tensors.set(name, tensor);
  }
  return tensors;
}
