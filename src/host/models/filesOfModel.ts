import { allParts, formatOfName } from '../../core/fileFormats.ts';

/** Names of the files in a folder that belong to its model. Others, such as the same weights in other formats, are left out. */
export function modelFilesOf(names: readonly string[]): readonly string[] {
  const ofFolder = names.some((name) => name.endsWith('.safetensors'));
  const belongs = (name: string): boolean =>
    ofFolder ? /\.(json|jinja|safetensors)$/.test(name) : /\.json$/i.test(name) || formatOfName(name) !== undefined;
  // `consolidated` files hold the same weights in Mistral's own layout.
  const twice = names.some((name) => /^model\.safetensors(\.index\.json)?$/.test(name)) ? /^consolidated[.-]/ : null;
  return names.filter((name) => belongs(name) && twice?.test(name) !== true);
}

/** Names of the files of a model in a file: that file, or those parts of a split file that are in `names`. */
export function partsIn(name: string, names: readonly string[]): readonly string[] {
  const parts = allParts(name);
  return parts.length === 1 ? parts : parts.filter((part) => names.includes(part));
}
