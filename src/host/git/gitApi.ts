import { vscode } from '../vscode.ts';
import { UserError } from '../../core/errors.ts';
import { isRecord } from '../../core/records.ts';
import { t } from '../say.ts';

/** The part of the built-in Git extension's API (version 1) that is used here. */
interface GitApi {
  getRepository(uri: vscode.Uri): Repository | null;
  /** Address of a file's content at a commit. */
  toGitUri(uri: vscode.Uri, ref: string): vscode.Uri;
}

interface Repository {
  readonly state: {
    readonly HEAD: { readonly commit?: string } | undefined;
    readonly indexChanges: readonly Change[];
    readonly workingTreeChanges: readonly Change[];
  };
  /** Rejects for a file that is not in the commit. */
  getObjectDetails(ref: string, path: string): Promise<{ readonly size: number }>;
}

/** A changed file; `originalUri`: its old name where it was renamed. */
interface Change {
  readonly uri: vscode.Uri;
  readonly originalUri: vscode.Uri;
  readonly renameUri: vscode.Uri | undefined;
}

/** The document of a file as it is in the last commit. Throws UserError, with one sentence, where there is none. */
export async function committedDocument(uri: vscode.Uri, label: string): Promise<vscode.TextDocument> {
  const git = await gitApi();
  const repository = git.getRepository(uri);
  if (repository === null)
    throw new UserError(t('{0} is in no Git repository that is open here: there is nothing to compare it with.', label));
  if (repository.state.HEAD?.commit === undefined)
    throw new UserError(t('This Git repository has no commit yet: there is nothing to compare {0} with.', label));
  const own = originalOf(repository, uri);
  try {
    await repository.getObjectDetails('HEAD', own.fsPath);
  } catch (error) {
    throw new UserError(t('{0} is not in the last commit (HEAD): there is nothing to compare it with.', label), { cause: error });
  }
  return openText(git.toGitUri(own, 'HEAD'), label);
}

/** Opens a document. Throws UserError for one that is no text. */
export async function openText(uri: vscode.Uri, label: string): Promise<vscode.TextDocument> {
  try {
    return await vscode.workspace.openTextDocument(uri);
  } catch (error) {
    throw new UserError(t('{0} cannot be opened as a text: it is binary, too large, or gone.', label), { cause: error });
  }
}

/** The name that a file has in the last commit. */
function originalOf({ state }: Repository, uri: vscode.Uri): vscode.Uri {
  const own = uri.toString();
  const renamed = [...state.indexChanges, ...state.workingTreeChanges].find(
    (change) => change.renameUri?.toString() === own || (change.uri.toString() === own && change.originalUri.toString() !== own),
  );
  return renamed?.originalUri ?? uri;
}

async function gitApi(): Promise<GitApi> {
  const off = (): UserError =>
    new UserError(t('VS Code’s own Git extension is off or finds no Git: turn it on to compare with the last commit.'));
  const extension = vscode.extensions.getExtension<unknown>('vscode.git');
  if (extension === undefined) throw off();
  const exported = extension.isActive ? extension.exports : await extension.activate();
  if (!isRecord(exported) || typeof exported['getAPI'] !== 'function') throw off();
  try {
    // It throws where Git is turned off or not installed.
    return (exported as { readonly getAPI: (version: 1) => GitApi }).getAPI(1);
  } catch {
    throw off();
  }
}
