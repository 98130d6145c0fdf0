import { vscode } from './vscode.ts';
import { addModel, settingOf } from './chooseModel.ts';
import type { ModelEntry } from './modelEntries.ts';
import type { ModelLibrary } from './modelLibrary.ts';
import { baseName } from './modelLocation.ts';
import { folderUri } from '#platform';

/** Commands of the view of models and of the menus of files. What they are called with comes from VS Code, or from anyone. */
export function libraryCommands(library: ModelLibrary): Readonly<Record<string, (...args: readonly unknown[]) => Promise<void> | void>> {
  return {
    'explainTokens.useModel': async (node) => {
      const entry = entryOf(node);
      if (entry) await library.use(entry);
    },
    'explainTokens.useModelHere': async (uri) => {
      if (uri instanceof vscode.Uri) await library.use(await library.add(settingOf(modelPlace(uri))));
    },
    'explainTokens.addModel': async () => {
      const entry = await addModel(library);
      if (entry) await library.use(entry);
    },
    'explainTokens.revealModel': async (node) => {
      const entry = entryOf(node);
      if (entry && entry.setting !== '') await vscode.commands.executeCommand('revealFileInOS', folderUri(entry.setting));
    },
    'explainTokens.removeModel': async (node) => {
      const entry = entryOf(node);
      if (entry && (await agrees(entry))) await library.remove(entry);
    },
    'explainTokens.refreshModels': () => library.refresh(),
  };
}

/** What is a model at a file: a GGUF file itself, for others the folder they are in. */
function modelPlace(uri: vscode.Uri): vscode.Uri {
  return /\.safetensors$/i.test(uri.path) || baseName(uri) === 'config.json' ? vscode.Uri.joinPath(uri, '..') : uri;
}

function entryOf(node: unknown): ModelEntry | undefined {
  if (typeof node !== 'object' || node === null || !('entry' in node)) return undefined;
  return node.entry as ModelEntry;
}

/** Files are removed only where they were downloaded by this extension, and only when the user agrees. */
async function agrees({ id, name, setting }: ModelEntry): Promise<boolean> {
  if (id === undefined) return true;
  const { t } = vscode.l10n;
  const remove = t('Remove');
  return (await vscode.window.showWarningMessage(t('Remove {0} from the disk?', name), { modal: true, detail: setting }, remove)) === remove;
}
