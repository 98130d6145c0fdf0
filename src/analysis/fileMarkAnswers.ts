import { MARKED_BYTES, type FileMark } from '../core/fileMark.ts';
import type { ModelFiles } from '../model/formats/modelFiles.ts';
import type { Answers } from './answering.ts';

/** Answers by what the open model's files of weights are known again. */
export const fileMarkAnswers: Pick<Answers, 'fileMarks'> = {
  fileMarks: async ({ open }) => fileMarks(open.files),
};

/** The marks of a folder's files of weights, in the order of their names. */
async function fileMarks(files: ModelFiles): Promise<readonly FileMark[]> {
  const names = [...(await files.list()).filter((name) => /\.safetensors$/i.test(name)), ...(files.storedIn ?? [])].toSorted();
  const marks: FileMark[] = [];
  for (const name of names) {
    const bytes = await files.size(name);
    const start = await files.read(name, 0, Math.min(bytes, MARKED_BYTES));
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', Uint8Array.from(start)));
    marks.push({ name, bytes, sha256: Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('') });
  }
  return marks;
}
