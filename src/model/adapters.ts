import { UserError } from '../core/errors.ts';
import { msg, type Translatable } from '../core/translatable.ts';
import { isRecord } from '../core/records.ts';
import { CONFIG_MAX_BYTES, quoted, readJson, type ModelFiles } from './formats/modelFiles.ts';

/** Config file of a peft adapter, whose weights are added to those of a base model that it names. */
const ADAPTER_CONFIG = 'adapter_config.json';
/** Weights file of a peft adapter. */
export const ADAPTER_WEIGHTS = 'adapter_model.safetensors';
const ADAPTER = /^adapter_(config\.json|model\.(safetensors|bin))$/;

/** Notice about an adapter in a model's folder, which transformers would apply. Null where there is none. */
export async function adapterNotice(files: ModelFiles): Promise<Translatable | null> {
  const found = (await files.list()).filter((name) => ADAPTER.test(name));
  if (found.length === 0) return null;
  return msg`${files.name} also holds an adapter (${found.toSorted().join(', ')}), which is not applied: all numbers are those \
of the model without it. Merge the adapter into the model (merge_and_unload of peft) to see its numbers.`;
}

/** Throws UserError for a folder that holds an adapter without its base model, and names that model. */
export async function refuseAdapterAlone(files: ModelFiles, names: readonly string[]): Promise<void> {
  if (!names.some((name) => ADAPTER.test(name))) return;
  const config = names.includes(ADAPTER_CONFIG) ? await readJson(files, ADAPTER_CONFIG, CONFIG_MAX_BYTES) : null;
  const base = isRecord(config) ? config['base_model_name_or_path'] : undefined;
  throw new UserError(
    typeof base === 'string' && base !== ''
      ? msg`${files.name} holds an adapter for the model ${quoted(base)}, not a model: open that model, or merge the two \
(merge_and_unload of peft) and open the result.`
      : msg`${files.name} holds an adapter, not a model, and does not say for which: open the model it was made for, or merge \
the two (merge_and_unload of peft) and open the result.`,
  );
}
