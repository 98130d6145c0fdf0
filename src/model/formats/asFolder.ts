import { firstFilesIn, modelFilesIn, modelNameOf } from '../../core/fileFormats.ts';
import { UserError } from '../../core/errors.ts';
import { msg } from '../../core/translatable.ts';
import { withAdapterBeside } from './adapter/withAdapter.ts';
import { quoted, type ModelFiles } from './modelFiles.ts';
import { openFormat } from './formats.ts';

/**
 * A model's files in Hugging Face layout: the files themselves, with the adapter among them if there is one, or the contents of the one
 * single-file model among them. Throws UserError where there are several.
 */
export async function asFolder(files: ModelFiles): Promise<ModelFiles> {
  const names = await files.list();
  if (names.some((name) => name === 'config.json' || name.endsWith('.safetensors'))) return withAdapterBeside(files, names);
  const models = modelFilesIn(names);
  const [only, ...others] = models.length > 0 ? models : firstFilesIn(names);
  if (only === undefined) return files;
  if (others.length > 0)
    throw new UserError(msg`${files.name} holds ${others.length + 1} models, such as ${quoted(only)}: choose one of the files.`);
  return openFormat(files, only, modelNameOf(files.name));
}
