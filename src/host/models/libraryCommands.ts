import { inert } from '../../core/inertText.ts';
import { vscode } from '../vscode.ts';
import { UserError } from '../../core/errors.ts';
import { addModel, settingOf } from './chooseModel.ts';
import type { ModelEntry } from './modelEntries.ts';
import type { ModelLibrary } from './modelLibrary.ts';
import { fileName } from '../fileName.ts';
import { t } from '../say.ts';
import { confirm, warn } from '../surfaces.ts';
import { folderUri } from '#platform';

/**
 * Handlers of the commands in the view of models and in menus of files, by id. Key bindings, other extensions and links can call them with
 * any argument in any workspace, whatever the menus show. So each checks its argument, and no file of an untrusted workspace is opened.
 */
export function libraryCommands(library: ModelLibrary): Readonly<Record<string, (...args: readonly unknown[]) => Promise<void> | void>> {
  return {
    'explainTokens.useModel': async (node) => {
      await library.use(await entryOf(library, node));
    },
    'explainTokens.useModelHere': async (uri) => {
      if (!vscode.workspace.isTrusted) return askForTrust();
      if (!(uri instanceof vscode.Uri))
        throw new UserError(t('This command is for the folder or a file of a model: choose it in the menu there.'));
      await library.use(await library.add(settingOf(modelPlace(uri))));
    },
    'explainTokens.addModel': async () => {
      const entry = await addModel(library);
      if (entry) await library.use(entry);
    },
    'explainTokens.revealModel': async (node) => {
      const entry = await entryOf(library, node);
      if (entry.setting !== '') await vscode.commands.executeCommand('revealFileInOS', folderUri(entry.setting));
    },
    'explainTokens.removeModel': async (node) => {
      const entry = await entryOf(library, node);
      if (await agrees(entry)) await library.remove(entry);
    },
    'explainTokens.refreshModels': () => library.refresh(),
  };
}

/** The model that a file belongs to: a GGUF file itself, or the folder of a safetensors or config file. */
function modelPlace(uri: vscode.Uri): vscode.Uri {
  return /\.safetensors$/i.test(uri.path) || fileName(uri) === 'config.json' ? vscode.Uri.joinPath(uri, '..') : uri;
}

/**
 * The model of the library that a command's argument names. Nothing else of the argument is used. Throws UserError if there is none.
 */
export async function entryOf(library: ModelLibrary, node: unknown): Promise<ModelEntry> {
  const named: unknown = typeof node === 'object' && node !== null && 'entry' in node ? node.entry : undefined;
  if (typeof named === 'object' && named !== null && 'setting' in named && 'group' in named) {
    const entry = (await library.entries()).find(({ setting, group }) => setting === named.setting && group === named.group);
    if (entry) return entry;
  }
  throw new UserError(t('This command is for a model of the view “Language Models”: choose it in the menu there.'));
}

/** Asks the user to trust the workspace. A model in it is untrusted like its other files. */
async function askForTrust(): Promise<void> {
  const manage = t('Manage Workspace Trust');
  const chosen = await warn(t('A model of a workspace can be used once you trust the workspace.'), manage);
  if (chosen === manage) await vscode.commands.executeCommand('workbench.trust.manage');
}

/** Whether the user agrees to the removal of a model. Only downloaded models need consent, since only their files are deleted. */
async function agrees({ id, name, setting }: ModelEntry): Promise<boolean> {
  if (id === undefined) return true;
  return confirm('warning', t('Remove {0} from the disk?', name), inert(setting), t('Remove'));
}
