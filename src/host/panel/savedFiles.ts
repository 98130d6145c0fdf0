import { vscode } from '../vscode.ts';
import { messageOf, UserError } from '../../core/errors.ts';
import { t } from '../say.ts';
import { saveDialog } from '../surfaces.ts';
import { localPath, replaceFile } from '#platform';

/** Saves a file where the user likes. `name`: what it is called at first. Throws UserError as `writeWhole` does. */
export async function saveNewFile(name: string, content: string | Uint8Array): Promise<void> {
  const ending = name.slice(name.lastIndexOf('.') + 1);
  const file = await saveDialog(t('Save {0}', name), t('Save'), { [ending.toUpperCase()]: [ending] }, name);
  if (file === undefined) return;
  await writeWhole(file, typeof content === 'string' ? new TextEncoder().encode(content) : content);
}

/**
 * Writes a file that appears whole or not at all, under a name of its own until then. Throws UserError, naming the file, where it cannot be
 * written; the file that was there before is then as it was.
 */
export async function writeWhole(file: vscode.Uri, content: Uint8Array): Promise<void> {
  await named(file, async () => {
    const path = localPath(file);
    if (path !== undefined) return replaceFile(path, content);
    const partial = file.with({ path: `${file.path}.partial` });
    try {
      await vscode.workspace.fs.writeFile(partial, content);
      await vscode.workspace.fs.rename(partial, file, { overwrite: true });
    } catch (error) {
      await vscode.workspace.fs.delete(partial).then(undefined, () => undefined);
      throw error;
    }
  });
}

/**
 * Writes a file that is open in an editor of ours, as `writeWhole` does. VS Code lets go of an editor's document when something is moved
 * over its file by VS Code itself: where only VS Code can write, the file gets its new content in place, and `before` again if that fails.
 */
export async function writeOpenFile(file: vscode.Uri, content: Uint8Array, before: Uint8Array): Promise<void> {
  if (localPath(file) !== undefined) return writeWhole(file, content);
  await named(file, async () => {
    try {
      await vscode.workspace.fs.writeFile(file, content);
    } catch (error) {
      await vscode.workspace.fs.writeFile(file, before).then(undefined, () => undefined);
      throw error;
    }
  });
}

async function named(file: vscode.Uri, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    throw new UserError(t('{0} cannot be saved: {1}', file.toString(true), messageOf(error)), { cause: error });
  }
}
