import { vscode } from '../vscode.ts';
import { countTree, type CountNode } from '../../core/countTree.ts';
import { inert, joined } from '../../core/inertText.ts';
import type { ModelClient } from '../client/modelClient.ts';
import { COUNTS_VIEW } from '../commandIds.ts';
import { Disposable } from '../disposable.ts';
import { t } from '../say.ts';
import { createTree, inform, treeItem, type Tree, type TreeItem } from '../surfaces.ts';
import { countFolder, type FolderCounts } from './countFolder.ts';

/** The view "Token Counts": the files of a folder with the tokens that the model makes of them, the largest first. */
export class Counts extends Disposable implements vscode.TreeDataProvider<CountNode> {
  readonly #client: ModelClient;
  readonly #setContext: (name: string, value: boolean) => void;
  readonly #changed = this.register(new vscode.EventEmitter<undefined>());
  readonly #view: Tree;
  #counts: FolderCounts | null = null;

  readonly onDidChangeTreeData = this.#changed.event;

  constructor(client: ModelClient, setContext: (name: string, value: boolean) => void) {
    super();
    this.#client = client;
    this.#setContext = setContext;
    this.#view = this.register(createTree(COUNTS_VIEW, this));
  }

  /** Counts a folder: `chosen` in the file explorer, else the first of the workspace. */
  async count(chosen: unknown): Promise<void> {
    const folder = chosen instanceof vscode.Uri ? chosen : vscode.workspace.workspaceFolders?.[0]?.uri;
    if (folder === undefined) return void inform(t('Open a folder whose files are to be counted.'));
    const counts = await countFolder(this.#client, folder);
    if (counts === null || this.disposed) return;
    this.#counts = counts;
    this.#setContext('counted', true);
    const { files, leftOut, more, model } = counts;
    const number = (of: (file: (typeof files)[number]) => number): string =>
      files.reduce((sum, file) => sum + of(file), 0).toLocaleString(vscode.env.language);
    this.#view.description = joined(
      [
        inert(model.name),
        t(
          '{0} tokens',
          number(({ tokens }) => tokens),
        ),
      ],
      ' · ',
    );
    this.#changed.fire(undefined);
    await vscode.commands.executeCommand(`${COUNTS_VIEW}.focus`);
    const said = [
      t(
        '{0} tokens in {1} files. Files that the editor’s search leaves out are not among them.',
        number(({ tokens }) => tokens),
        files.length,
      ),
      ...(leftOut > 0 ? [t('Left out, as they are no UTF-8 text, larger than 10 MB or unreadable: {0} files.', leftOut)] : []),
      ...(more ? [t('There are more files: only the first {0} were counted.', files.length + leftOut)] : []),
    ];
    void inform(joined(said, ' '));
  }

  getChildren(node?: CountNode): CountNode[] {
    return [...(node === undefined ? countTree(this.#counts?.files ?? []) : (node.children ?? []))];
  }

  getTreeItem({ name, path, tokens, bytes, children }: CountNode): TreeItem {
    const { Collapsed, None } = vscode.TreeItemCollapsibleState;
    const item = treeItem(inert(name), children === null ? None : Collapsed);
    const counts = this.#counts;
    const context = counts?.model.contextLength ?? Infinity;
    const number = (value: number): string => value.toLocaleString(vscode.env.language);
    const fits =
      tokens <= context
        ? t('fits into the {0} tokens that the model reads at once', number(context))
        : t('{0} times the {1} tokens that the model reads at once', (tokens / context).toFixed(1), number(context));
    item.id = path;
    item.description = joined([t('{0} tokens', number(tokens)), t('{0} bytes', number(bytes))], ' · ');
    item.tooltip = joined([inert(path), item.description, fits], '\n');
    item.accessibilityInformation = { label: joined([inert(name), item.description, fits], ', ') };
    item.iconPath = new vscode.ThemeIcon(children !== null ? 'folder' : tokens <= context ? 'check' : 'split-horizontal');
    if (children === null && counts) {
      const uri = vscode.Uri.joinPath(counts.folder, ...path.split('/'));
      item.command = { command: 'vscode.open', title: t('Open'), arguments: [uri] };
    }
    return item;
  }
}
