import { UserError } from '../../../core/errors.ts';
import { msg } from '../../../core/translatable.ts';
import { quoted, type ModelFiles } from '../modelFiles.ts';
import { baseOfAdapter } from './adapterConfig.ts';
import { adapterNames } from '../../../core/adapterNames.ts';

/** Throws UserError for a folder that holds an adapter without its base model, and names that model. */
export async function refuseAdapterAlone(files: ModelFiles, names: readonly string[]): Promise<void> {
  if (adapterNames(names).length === 0) return;
  const base = await baseOfAdapter(files, names);
  throw new UserError(
    base === null
      ? msg`${files.name} holds an adapter, not a model, and does not say for which: open the model it was made for, or merge \
the two (merge_and_unload of peft) and open the result.`
      : msg`${files.name} holds an adapter for the model ${quoted(base)}, which is not here: put that model beside it, in a folder of \
its name, or merge the two (merge_and_unload of peft) and open the result.`,
  );
}
