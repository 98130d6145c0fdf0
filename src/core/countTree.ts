/** Tokens of a file. */
export interface FileCount {
  /** Path from the folder that was counted, with `/` between names. */
  readonly path: string;
  readonly tokens: number;
  readonly bytes: number;
}

/** A file or folder with the sums of what is in it. */
export interface CountNode {
  /** Its name; of folders that hold nothing but another, theirs together. */
  readonly name: string;
  readonly path: string;
  readonly tokens: number;
  readonly bytes: number;
  /** Null: it is a file. The largest comes first. */
  readonly children: readonly CountNode[] | null;
}

/** The tree of files that were counted, from the folder `path` on, which is not part of it. */
export function countTree(files: readonly FileCount[], path = ''): readonly CountNode[] {
  const below = new Map<string, FileCount[]>();
  const nodes: CountNode[] = [];
  for (const file of files) {
    const [name = '', ...rest] = file.path.slice(path.length).split('/');
    const inside = below.get(name);
    if (rest.length === 0) nodes.push({ ...file, name, children: null });
    else if (inside === undefined) below.set(name, [file]);
    else inside.push(file);
  }
  for (const [name, inside] of below) nodes.push(folderNode(name, `${path}${name}/`, inside));
  return nodes.toSorted((a, b) => b.tokens - a.tokens || (a.name < b.name ? -1 : 1));
}

function folderNode(name: string, path: string, inside: readonly FileCount[]): CountNode {
  const children = countTree(inside, path);
  const [only, ...others] = children;
  if (only !== undefined && only.children !== null && others.length === 0) return { ...only, name: `${name}/${only.name}` };
  const sum = (of: (node: CountNode) => number): number => children.reduce((total, node) => total + of(node), 0);
  return { name, path, tokens: sum(({ tokens }) => tokens), bytes: sum(({ bytes }) => bytes), children };
}
