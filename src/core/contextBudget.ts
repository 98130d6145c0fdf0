import type { CountNode, FileCount } from './countTree.ts';

/** The tokens that a model reads at once. */
export interface Context {
  readonly tokens: number;
  /** Of these, what the tokenizer puts around a text. */
  readonly added: number;
}

/** A file among those that are to be read together, one after the other. */
export interface BudgetedFile extends FileCount {
  /** Tokens of the files up to this one, and what is put around them. */
  readonly sum: number;
  /** Whether these fit into the context. */
  readonly fits: boolean;
}

/** Files that are to be read together, in order, with their running sum. Tokens of two files are not joined at the seam. */
export function budgeted(files: readonly FileCount[], { tokens, added }: Context): readonly BudgetedFile[] {
  let sum = added;
  return files.map((file) => {
    sum += file.tokens;
    return { ...file, sum, fits: sum <= tokens };
  });
}

/** The files of a tree in the order in which it lists them: those in a folder where the folder is. */
export function filesOf(nodes: readonly CountNode[]): readonly FileCount[] {
  return nodes.flatMap(({ path, tokens, bytes, children }) => (children === null ? [{ path, tokens, bytes }] : filesOf(children)));
}

/** A share of a context as people read it, in percent: 0.04, 3.1, 38, 340. */
export function percentOf(tokens: number, context: number, language: string): string {
  const percent = (100 * tokens) / context;
  return percent.toLocaleString(language, percent < 10 ? { maximumSignificantDigits: percent < 1 ? 1 : 2 } : { maximumFractionDigits: 0 });
}
