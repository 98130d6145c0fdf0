import { UserError } from '../../../core/errors.ts';
import { msg } from '../../../core/translatable.ts';
import { withMadeWeights } from '../made.ts';
import { quoted, type ModelFiles } from '../modelFiles.ts';
import { openWeights } from '../weights.ts';
import { baseOfAdapter, readAdapterConfig } from './adapterConfig.ts';
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS, adapterNames, isAdapterAlone } from '../../../core/adapterNames.ts';
import { loraChanges } from './lora.ts';

/**
 * A model with a LoRA adapter added to its weights, as `merge_and_unload` of peft does, in float32. `adapter`: the files of the adapter,
 * which may lie beside the model's. Throws UserError naming the file, option or tensor at fault.
 */
export async function withAdapter(base: ModelFiles, adapter: ModelFiles, name: string): Promise<ModelFiles> {
  const names = await adapter.list();
  if (!names.includes(ADAPTER_WEIGHTS) || !names.includes(ADAPTER_CONFIG))
    throw new UserError(
      msg`${adapter.name} holds only a part of an adapter (${adapterNames(names).join(', ')}): ${ADAPTER_CONFIG} and ${ADAPTER_WEIGHTS} \
are read.`,
    );
  const config = await readAdapterConfig(adapter);
  const kept = await openWeights(base);
  const { tensors, matrices, rank } = await loraChanges(base, kept, adapter, config);
  const beside = base === adapter;
  return withMadeWeights(base, {
    name,
    kept,
    made: tensors,
    bytes: base.weights?.bytes ?? [...kept.values()].reduce((sum, { length }) => sum + length, 0),
    ...(base.weights?.type === undefined ? {} : { type: base.weights.type }),
    notices: [
      beside
        ? msg`With the adapter in the same folder (LoRA, ${matrices} matrices, rank ${rank}): all numbers are those of the two together.`
        : msg`With the adapter ${quoted(adapter.name)} (LoRA, ${matrices} matrices, rank ${rank}) on ${quoted(base.name)}: all numbers \
are those of the two together.`,
    ],
  });
}

/**
 * The files of a model folder, with the adapter in it if that names the folder itself as its base. Of an adapter for another model,
 * such as one that was merged and left there, a notice says that it is not applied.
 */
export async function withAdapterBeside(files: ModelFiles, names: readonly string[]): Promise<ModelFiles> {
  const found = adapterNames(names);
  if (found.length === 0 || isAdapterAlone(names)) return files;
  const base = await baseOfAdapter(files, names);
  const own = base !== null && (/^\.[/\\]?$/.test(base) || lastPart(base) === lastPart(files.name));
  if (own && names.includes(ADAPTER_WEIGHTS)) return withAdapter(files, files, files.name);
  const notice = msg`${files.name} also holds an adapter (${found.join(', ')}), which is not applied: all numbers are those of the model \
without it. Put the adapter into a folder of its own to see its numbers.`;
  return { ...files, notices: [...(files.notices ?? []), notice] };
}

function lastPart(path: string): string | undefined {
  return path.split(/[/\\]/).findLast((part) => part !== '');
}
