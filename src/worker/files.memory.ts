import { UserError } from '../core/errors.ts';
import { msg } from '../core/translatable.ts';
import type { ModelFiles } from '../model/formats/modelFiles.ts';

/** A model's files in memory, for the web, where there is no disk to read from. */
export function memoryFiles(name: string, files: Readonly<Record<string, Uint8Array>>): ModelFiles {
  const find = (file: string): Uint8Array => {
    const bytes = Object.hasOwn(files, file) ? files[file] : undefined;
    if (bytes === undefined) throw new UserError(msg`The model ${name} has no file ${file}.`);
    return bytes;
  };
  return {
    name,
    list: () => Promise.resolve(Object.keys(files)),
    size: async (file) => find(file).length,
    read: async (file, offset, length) => {
      const bytes = find(file);
      if (offset < 0 || length < 0 || offset + length > bytes.length)
        throw new UserError(msg`The file ${file} of the model ${name} ends before byte ${offset + length}.`);
      return bytes.slice(offset, offset + length);
    },
  };
}
