import { quoted, type ModelFiles } from '../../files.ts';
import { UserError } from '../../../core/errors.ts';
import { msg } from '../../../core/translatable.ts';
import type { StoredTensor } from '../safetensors.ts';
import { readGgufHeader, type GgufHeader } from './header.ts';

/** Files of one model; llama.cpp's gguf-split numbers them in five digits, and large models have some dozens. */
export const PARTS_MAX = 1000;
const PART = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/i;

/** Name without the number of its part and ".gguf": what the whole model is called. */
export function modelNameOf(file: string): string {
  return (PART.exec(file)?.[1] ?? file.replace(/\.gguf$/i, '')) || file;
}

/** Of how many files the model is, by the name of one. */
export function ggufParts(file: string): number {
  return Number(PART.exec(file)?.[3] ?? 1);
}

/** Files of `names` that are models by their names, each first part for all of its parts. */
export function ggufModels(names: readonly string[]): readonly string[] {
  return names.filter((name) => /\.gguf$/i.test(name) && Number(PART.exec(name)?.[2] ?? 1) === 1);
}

/** The header of a model in one file or in several: metadata of the first, tensors of all. Any part stands for the whole. Throws UserError naming the part at fault. */
export async function readGgufParts(files: ModelFiles, file: string): Promise<GgufHeader> {
  const header = await readGgufHeader(files, file);
  const parts = header.metadata.get('split.count') ?? 1;
  if (typeof parts !== 'number' || !Number.isInteger(parts) || parts < 0 || parts > PARTS_MAX) throw new UserError(msg`${file} says that it is one of ${JSON.stringify(parts).slice(0, 40)} files, where at most ${PARTS_MAX} are allowed.`);
  if (parts <= 1) return header;
  const [, stem = '', , total] = PART.exec(file) ?? [];
  if (Number(total) !== parts) throw new UserError(msg`${file} says that it is one of ${parts} files, which its name does not: parts are named like ${quoted('model-00001-of-00002.gguf')}.`);
  const tensors = new Map<string, StoredTensor>();
  let first: GgufHeader | null = null;
  for (let index = 0; index < parts; index++) {
    const name: string = `${stem}-${String(index + 1).padStart(5, '0')}-of-${String(parts).padStart(5, '0')}.gguf`;
    const part: GgufHeader = name === file ? header : await readGgufHeader(files, name);
    const [number, count] = [part.metadata.get('split.no'), part.metadata.get('split.count')];
    if (number !== index || count !== parts) throw new UserError(msg`${name} is not part ${index + 1} of ${parts} by its metadata.`);
    first ??= part;
    for (const [tensor, stored] of part.tensors) {
      if (tensors.has(tensor)) throw new UserError(msg`${name} holds tensor ${quoted(tensor)}, which another part holds too.`);
      tensors.set(tensor, stored);
    }
  }
  const claimed = first?.metadata.get('split.tensors.count');
  if (claimed !== undefined && claimed !== tensors.size) throw new UserError(msg`${file} and its other parts hold ${tensors.size} tensors, where ${JSON.stringify(claimed).slice(0, 40)} are said to be.`);
  return { metadata: first?.metadata ?? header.metadata, tensors };
}
