import { allParts, partOf, PARTS_MAX } from '../../../core/fileFormats.ts';
import { quoted, type ModelFiles } from '../modelFiles.ts';
import { UserError } from '../../../core/errors.ts';
import { msg } from '../../../core/translatable.ts';
import type { StoredTensor } from '../storedTensor.ts';
import { readGgufHeader, type GgufHeader } from './ggufHeader.ts';

/**
 * The header of a model in one or several files: metadata of the first, tensors of all. `file` may be any part. Throws UserError
 * naming the part at fault.
 */
export async function readGgufParts(files: ModelFiles, file: string): Promise<GgufHeader> {
  const header = await readGgufHeader(files, file);
  const parts = header.metadata.get('split.count') ?? 1;
  if (typeof parts !== 'number' || !Number.isInteger(parts) || parts < 0 || parts > PARTS_MAX)
    throw new UserError(
      msg`${file} says that it is one of ${JSON.stringify(parts).slice(0, 40)} files, where at most ${PARTS_MAX} are allowed.`,
    );
  if (parts <= 1) return header;
  if (partOf(file)?.parts !== parts)
    throw new UserError(
      msg`${file} says that it is one of ${parts} files, which its name does not: parts are named \
like ${quoted('model-00001-of-00002.gguf')}.`,
    );
  const tensors = new Map<string, StoredTensor>();
  let first: GgufHeader | null = null;
  for (const [index, name] of allParts(file).entries()) {
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
  if (claimed !== undefined && claimed !== tensors.size)
    throw new UserError(
      msg`${file} and its other parts hold ${tensors.size} tensors, where ${JSON.stringify(claimed).slice(0, 40)} are said to be.`,
    );
  return { metadata: first?.metadata ?? header.metadata, tensors };
}
