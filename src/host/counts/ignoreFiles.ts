import ignore from 'ignore';

/** Name of the files whose rules are read. */
export const IGNORE_FILE = '.gitignore';

/**
 * Which files the `.gitignore` files of a tree name, by Git's rules: a deeper file outweighs those above it, and nothing below a folder
 * that is ignored comes back. `texts`: their contents by folder, a path from the tree's root with a slash at its end ('' is the root).
 * Upper and lower case differ, as in the editor's search. The function takes a file's path from the root.
 */
export function ignoredBy(texts: ReadonlyMap<string, string>): (path: string) => boolean {
  const rules = new Map([...texts].map(([folder, text]) => [folder, ignore({ ignorecase: false }).add(text)] as const));
  const folders = new Map([['', false]]);
  const named = (path: string): boolean => {
    for (let folder = parentOf(path); ; folder = parentOf(folder)) {
      const { ignored = false, unignored = false } = rules.get(folder)?.test(path.slice(folder.length)) ?? {};
      if (ignored || unignored) return ignored;
      if (folder === '') return false;
    }
  };
  const isIgnored = (path: string): boolean => isIgnoredFolder(parentOf(path)) || named(path);
  const isIgnoredFolder = (folder: string): boolean => {
    const known = folders.get(folder) ?? isIgnored(folder);
    folders.set(folder, known);
    return known;
  };
  return isIgnored;
}

/** The folder of a file or folder, '' for those at the root. */
function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/', path.length - 2) + 1);
}
