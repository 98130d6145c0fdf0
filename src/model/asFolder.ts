import { UserError } from '../core/errors.ts';
import { msg } from '../core/translatable.ts';
import { quoted, type ModelFiles } from './files.ts';
import { ggufFiles } from './formats/gguf/files.ts';
import { ggufModels, modelNameOf } from './formats/gguf/split.ts';

/** A model's files in Hugging Face layout: as they are, or as the one GGUF model among them has them. Throws UserError where there are several. */
export async function asFolder(files: ModelFiles): Promise<ModelFiles> {
  const names = await files.list();
  if (names.some((name) => name === 'config.json' || name.endsWith('.safetensors'))) return files;
  const [only, ...others] = ggufModels(names);
  if (only === undefined) return files;
  if (others.length > 0) throw new UserError(msg`${files.name} holds ${others.length + 1} models, such as ${quoted(only)}: choose one of the files.`);
  return ggufFiles(files, only, modelNameOf(files.name));
}
