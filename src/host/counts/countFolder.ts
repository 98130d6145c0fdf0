import { vscode } from '../vscode.ts';
import { CancelledError, UserError } from '../../core/errors.ts';
import type { FileCount } from '../../core/countTree.ts';
import type { ModelInfo } from '../../core/trace.ts';
import type { ModelClient } from '../client/modelClient.ts';
import { t } from '../say.ts';
import { withProgress } from '../surfaces.ts';
import { IGNORE_FILE, ignoredBy } from './ignoreFiles.ts';

/** Folders whose files are not the user's own text, as on the command line. */
const EXCLUDED = ['**/.git/**', '**/node_modules/**'];
/** Most files counted, and found for that: many may be ignored. */
const MOST_FILES = 5000;
const MOST_FOUND = 50_000;
/** Largest file that is read. */
const MAX_BYTES = 10e6;
/** Bytes at a file's start that tell whether it is text: as many as Git looks at. */
const LOOKED_AT = 8000;

/** What was counted in a folder. */
export interface FolderCounts {
  readonly folder: vscode.Uri;
  readonly model: ModelInfo;
  readonly files: readonly FileCount[];
  /** Most tokens that the tokenizer puts around one of them. */
  readonly added: number;
  /** Files that are no UTF-8 text, larger than 10 MB, or cannot be read or made into tokens. */
  readonly leftOut: number;
  /** Whether there are more files than were counted. */
  readonly more: boolean;
}

/**
 * Counts the tokens of the text files in a folder, with progress; null: it was cancelled, or there is no text. The editor's own search
 * finds the files: without those that the settings `files.exclude` and `search.exclude` hide, and those that `.gitignore` files name,
 * unless `search.useIgnoreFiles` is off. Throws UserError, or what the model throws.
 */
export async function countFolder(client: ModelClient, folder: vscode.Uri): Promise<FolderCounts | null> {
  const pattern = new vscode.RelativePattern(folder, '**/*');
  const excluded = `{${[...EXCLUDED, ...hidden('files', folder), ...hidden('search', folder)].join(',')}}`;
  return withProgress(t('Counting tokens'), async (view, signal, token) => {
    const all = await vscode.workspace.findFiles(pattern, excluded, MOST_FOUND, token);
    const isIgnored = await ignoredIn(folder, all);
    // A search that is cancelled finds nothing.
    if (signal.aborted) return null;
    const found = all.filter((uri) => !isIgnored(uri));
    const uris = found.slice(0, MOST_FILES).toSorted((a, b) => (a.path < b.path ? -1 : 1));
    const files: FileCount[] = [];
    let [leftOut, most, model]: [number, number, ModelInfo | null] = [0, 0, null];
    for (const [index, uri] of uris.entries()) {
      if (signal.aborted) return null;
      const path = uri.path.slice(folder.path.length).replace(/^\//, '');
      view.report({ message: t('{0} of {1}: {2}', index + 1, uris.length, path), increment: 100 / uris.length });
      try {
        const text = await textOf(uri);
        if (text === null) leftOut++;
        else {
          const { layout } = await client.layOut(text.text, null, signal);
          model = layout.model;
          const { special } = layout.tokens;
          const added = special.reduce((count, one) => count + one, 0);
          most = Math.max(most, added);
          files.push({ path, bytes: text.bytes, tokens: special.length - added });
        }
      } catch (error) {
        if (signal.aborted) return null;
        if (error instanceof CancelledError) throw new UserError(t('The model was changed while tokens were counted: count again.'));
        // One text that cannot be made into tokens leaves the others; without a model there are none.
        if (!(error instanceof UserError) || model === null) throw error;
        leftOut++;
      }
    }
    if (model === null) throw new UserError(t('There is no text file here to count.'));
    return { folder, model, files, added: most, leftOut, more: found.length > MOST_FILES || all.length >= MOST_FOUND };
  });
}

/** Which of the files below a folder are ignored, by the `.gitignore` files among them and above, up to the workspace's folder. */
async function ignoredIn(folder: vscode.Uri, files: readonly vscode.Uri[]): Promise<(uri: vscode.Uri) => boolean> {
  if (vscode.workspace.getConfiguration('search', folder).get('useIgnoreFiles') === false) return () => false;
  const root = (vscode.workspace.getWorkspaceFolder(folder)?.uri ?? folder).path.replace(/\/?$/, '/');
  const names = folder.path
    .slice(root.length)
    .split('/')
    .filter((name) => name !== '');
  const above = names.map((_, depth) => vscode.Uri.joinPath(folder, ...names.slice(depth).map(() => '..'), IGNORE_FILE));
  const texts = new Map<string, string>();
  for (const uri of [...above, ...files.filter(({ path }) => path.endsWith(`/${IGNORE_FILE}`))]) {
    const read = await textOf(uri);
    if (read !== null) texts.set(uri.path.slice(root.length, -IGNORE_FILE.length), read.text);
  }
  const isIgnored = ignoredBy(texts);
  return ({ path }) => isIgnored(path.slice(root.length));
}

/** Patterns of the files that a setting hides from lists or searches. */
function hidden(section: 'files' | 'search', folder: vscode.Uri): readonly string[] {
  const excluded: unknown = vscode.workspace.getConfiguration(section, folder).get('exclude');
  if (typeof excluded !== 'object' || excluded === null) return [];
  return Object.entries(excluded).flatMap(([pattern, on]) => (on === true ? [pattern] : []));
}

/** The text of a file; null where it is none. */
export async function textOf(uri: vscode.Uri): Promise<{ readonly text: string; readonly bytes: number } | null> {
  try {
    if ((await vscode.workspace.fs.stat(uri)).size > MAX_BYTES) return null;
    const bytes = await vscode.workspace.fs.readFile(uri);
    if (bytes.subarray(0, LOOKED_AT).includes(0)) return null;
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), bytes: bytes.length };
  } catch {
    return null;
  }
}
