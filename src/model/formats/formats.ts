import { formatOfName, type FormatId } from '../../core/fileFormats.ts';
import { ggufFiles } from './gguf/ggufFiles.ts';
import type { ModelFiles } from './modelFiles.ts';

/** Presents the model in a file, or in the parts that `file` belongs to, as a folder in Hugging Face layout called `name`. */
type Open = (files: ModelFiles, file: string, name: string) => Promise<ModelFiles>;

/** How a file of each format is opened. The formats' names and magic characters are in `core/fileFormats.ts`. */
const OPEN: Readonly<Record<FormatId, Open>> = { gguf: ggufFiles };

/** Opens the model in a file; `format` defaults to that of the file's name. Throws UserError naming a file that cannot be read. */
export async function openFormat(files: ModelFiles, file: string, name: string, format = formatOfName(file)): Promise<ModelFiles> {
  if (format === undefined) throw new Error(`${file} is of no format that is a file.`);
  return OPEN[format](files, file, name);
}
