import { firstFilesIn, modelFilesIn, modelNameOf } from '../../core/fileFormats.ts';
import { UserError } from '../../core/errors.ts';
import { msg } from '../../core/translatable.ts';
import { isAdapterAlone } from '../../core/adapterNames.ts';
import { withAdapterBeside } from './adapter/withAdapter.ts';
import { dequantized } from './quantization/dequantized.ts';
import { quoted, type ModelFiles } from './modelFiles.ts';
import { openFormat } from './formats.ts';

/**
 * A model's files in Hugging Face layout: the files themselves, with quantised weights as float32 and an adapter among them added, or the
 * contents of the one single-file model among them. Throws UserError where there are several.
 */
export async function asFolder(files: ModelFiles): Promise<ModelFiles> {
  const names = await files.list();
  if (names.includes('config.json') && !isAdapterAlone(names)) return withAdapterBeside(await dequantized(files), names);
  if (names.some((name) => name === 'config.json' || name.endsWith('.safetensors'))) return files;
  const models = modelFilesIn(names);
  const [only, ...others] = models.length > 0 ? models : firstFilesIn(names);
  if (only === undefined) return files;
  if (others.length > 0)
    throw new UserError(msg`${files.name} holds ${others.length + 1} models, such as ${quoted(only)}: choose one of the files.`);
  return openFormat(files, only, modelNameOf(files.name));
}
