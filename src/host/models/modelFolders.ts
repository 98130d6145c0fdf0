import { vscode } from '../vscode.ts';
import { ADAPTER_CONFIG } from '../../core/adapterNames.ts';
import { Disposable } from '../disposable.ts';

/** Most folders searched in the workspace, nearest first: a menu does not justify reading a whole tree. */
const MAX_FOLDERS = 300;
const MAX_DEPTH = 3;
/** Files of a model come together: the folders are read once they have. */
const SETTLED_MS = 300;
const SKIPPED = /^\.|^node_modules$/;

/** Sets the context key `explainTokens.modelFolders` for menus: the workspace's folders with a model in Hugging Face layout. */
export class ModelFolders extends Disposable {
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    this.#later(0);
    this.register(vscode.workspace.onDidChangeWorkspaceFolders(() => this.#later(0)));
    // VS Code watches its workspace anyway. A folder that went needs no telling: it has no menu.
    const watcher = this.register(vscode.workspace.createFileSystemWatcher('**/{config.json,*.safetensors}', false, true, true));
    this.register(watcher.onDidCreate(() => this.#later(SETTLED_MS)));
  }

  override dispose(): void {
    super.dispose();
    clearTimeout(this.#timer);
  }

  #later(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#tell(), ms);
  }

  async #tell(): Promise<void> {
    const paths: string[] = [];
    let level = (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri);
    let left = MAX_FOLDERS;
    for (let depth = 0; depth <= MAX_DEPTH && level.length > 0; depth++) {
      const below: vscode.Uri[] = [];
      for (const folder of level.slice(0, left)) {
        if (this.disposed) return;
        const entries = await read(folder);
        const names = new Set(entries.map(([name]) => name));
        const config = names.has('config.json') || names.has(ADAPTER_CONFIG);
        if (config && entries.some(([name]) => name.endsWith('.safetensors'))) paths.push(folder.fsPath);
        below.push(
          ...entries.flatMap(([name, type]) =>
            type === vscode.FileType.Directory && !SKIPPED.test(name) ? [vscode.Uri.joinPath(folder, name)] : [],
          ),
        );
      }
      left -= Math.min(left, level.length);
      level = below;
    }
    await vscode.commands.executeCommand('setContext', 'explainTokens.modelFolders', paths);
  }
}

async function read(folder: vscode.Uri): Promise<readonly [string, vscode.FileType][]> {
  try {
    return await vscode.workspace.fs.readDirectory(folder);
  } catch {
    return [];
  }
}
