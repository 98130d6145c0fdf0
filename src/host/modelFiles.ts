/** The files a model can consist of, of those in its folder; others, such as the same weights in other formats, are not read. */
export function modelFilesOf(names: readonly string[]): readonly string[] {
  const formats = names.some((name) => name.endsWith('.safetensors')) ? /\.(json|safetensors)$/ : /\.(json|gguf)$/i;
  return names.filter((name) => formats.test(name));
}

/** Whether a model is named by its file and not by its folder. */
export function isGgufName(name: string): boolean {
  return /\.gguf$/i.test(name);
}

/** The GGUF files of one model, by the name of one of them: that file, or all parts of a split one. */
export function partsOf(name: string, names: readonly string[]): readonly string[] {
  const [, before, behind = ''] = /^(.*-)\d{5}(-of-\d{5}\.gguf)$/i.exec(name) ?? [];
  if (before === undefined) return [name];
  return names.filter((file) => file.startsWith(before) && file.endsWith(behind) && file.length === name.length);
}
