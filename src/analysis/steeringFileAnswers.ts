import { UserError } from '../core/errors.ts';
import { checkDirections, controlVector, keptVector } from '../core/steering.ts';
import { msg } from '../core/translatable.ts';
import { controlVectorBytes, readControlVector } from '../model/formats/gguf/controlVector.ts';
import type { ModelFiles } from '../model/formats/modelFiles.ts';
import type { Answers } from './answering.ts';

/** Control-vector files, from and to their bytes. */
export const steeringFileAnswers: Pick<Answers, 'readVector' | 'vectorFile'> = {
  readVector: async ({ open }, _, { file, bytes }) => {
    const vector = await readControlVector(oneFile(file, bytes), file);
    checkDirections(vector.directions, open.model.info, file);
    return keptVector(vector);
  },
  vectorFile: async (_context, _run, { vector }) => ({ bytes: controlVectorBytes(controlVector(vector)) }),
};

/** The bytes of a file as a folder in which it is the only one. */
function oneFile(name: string, bytes: Uint8Array): ModelFiles {
  return {
    name,
    list: () => Promise.resolve([name]),
    size: () => Promise.resolve(bytes.length),
    read: async (_, offset, length) => {
      if (offset < 0 || length < 0 || offset + length > bytes.length) throw new UserError(msg`${name} ends too early: it is not whole.`);
      return bytes.slice(offset, offset + length);
    },
  };
}
