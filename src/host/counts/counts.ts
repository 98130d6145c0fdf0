import { vscode } from '../vscode.ts';
import { budgeted, filesOf, percentOf, type BudgetedFile, type Context } from '../../core/contextBudget.ts';
import { countTree, type CountNode, type FileCount } from '../../core/countTree.ts';
import { inert, joined, type Inert } from '../../core/inertText.ts';
import { isRecord } from '../../core/records.ts';
import { bitsPerByte, NO_SCORES, sumOfTotals, type ScoreTotals } from '../../core/textScores.ts';
import type { ModelClient } from '../client/modelClient.ts';
import { COUNTS_VIEW } from '../commandIds.ts';
import { Disposable } from '../disposable.ts';
import { Paced } from '../paced.ts';
import { t, tokensText } from '../say.ts';
import { createTree, inform, treeItem, type Tree, type TreeItem } from '../surfaces.ts';
import { countFolder, type FolderCounts } from './countFolder.ts';
import { readBits } from './readBits.ts';

/**
 * The view "Token Counts": the files of a folder with the tokens that the model makes of them, the largest first, and with the part of its
 * context that they take. Files that are checked are added up: they are to be read together.
 */
export class Counts extends Disposable implements vscode.TreeDataProvider<CountNode> {
  readonly #client: ModelClient;
  readonly #setContext: (name: string, value: boolean) => void;
  readonly #changed = this.register(new vscode.EventEmitter<undefined>());
  readonly #view: Tree;
  #counts: FolderCounts | null = null;
  #nodes: readonly CountNode[] = [];
  readonly #checked = new Set<string>();
  /** The files that are checked, by their paths, in the order of the tree. */
  #budget: ReadonlyMap<string, BudgetedFile> = new Map();
  /** What files came to that were read, by their paths. */
  readonly #totals = new Map<string, ScoreTotals>();

  readonly onDidChangeTreeData = this.#changed.event;

  constructor(client: ModelClient, setContext: (name: string, value: boolean) => void) {
    super();
    this.#client = client;
    this.#setContext = setContext;
    this.#view = this.register(createTree(COUNTS_VIEW, this));
    this.register(
      this.#view.onDidChangeCheckboxState(({ items }) => {
        for (const [node, state] of items as readonly (readonly [CountNode, vscode.TreeItemCheckboxState])[])
          this.#check(node, state === vscode.TreeItemCheckboxState.Checked);
        this.#render();
      }),
    );
  }

  /** Counts a folder: `chosen` in the file explorer, else the first of the workspace. */
  async count(chosen: unknown): Promise<void> {
    const folder = chosen instanceof vscode.Uri ? chosen : vscode.workspace.workspaceFolders?.[0]?.uri;
    if (folder === undefined) return void inform(t('Open a folder whose files are to be counted.'));
    const counts = await countFolder(this.#client, folder);
    if (counts === null || this.disposed) return;
    this.#counts = counts;
    this.#nodes = countTree(counts.files);
    this.#checked.clear();
    this.#totals.clear();
    this.#setContext('counted', true);
    const { files, leftOut, more, model } = counts;
    const all = tokensText(total(files));
    this.#view.description = joined([inert(model.name), all], ' · ');
    this.#render();
    await vscode.commands.executeCommand(`${COUNTS_VIEW}.focus`);
    const said = [
      files.length === 1
        ? t('{0} tokens in 1 file. Files that the editor’s search leaves out are not among them.', number(total(files)))
        : t('{0} tokens in {1} files. Files that the editor’s search leaves out are not among them.', number(total(files)), files.length),
      ...(leftOut === 1 ? [t('1 file is left out, as it is no UTF-8 text, larger than 10 MB or unreadable.')] : []),
      ...(leftOut > 1 ? [t('Left out, as they are no UTF-8 text, larger than 10 MB or unreadable: {0} files.', leftOut)] : []),
      ...(more ? [t('There are more files: only the first {0} were counted.', files.length + leftOut)] : []),
    ];
    void inform(joined(said, ' '));
  }

  /** Reads the bits per byte of a file or folder of the tree; of none: of what is checked, or of all where nothing is. */
  async readBits(chosen: unknown): Promise<void> {
    const counts = this.#counts;
    if (counts === null) return void inform(t('Nothing was counted yet: run Count Tokens in Folder first.'));
    const path = isRecord(chosen) && typeof chosen['path'] === 'string' ? chosen['path'] : null;
    const all = filesOf(this.#nodes);
    const checked = all.filter((file) => this.#checked.has(file.path));
    const below = (file: FileCount): boolean => file.path === path || (path?.endsWith('/') === true && file.path.startsWith(path));
    const wanted = path === null ? (checked.length > 0 ? checked : all) : all.filter(below);
    let lost = 0;
    // Each time the whole tree is drawn, and small files are read by the hundred in a second.
    const drawn = new Paced<undefined>(() => this.#changed.fire(undefined));
    await readBits(
      this.#client,
      counts,
      wanted.map((file) => file.path),
      (file, totals) => {
        // Another folder may have been counted meanwhile.
        if (this.#counts !== counts) return;
        if (totals === null) lost++;
        else this.#totals.set(file, totals);
        drawn.tell(undefined);
      },
    ).finally(() => drawn.finish());
    if (lost > 0) void inform(t('Left out, as they are no UTF-8 text, larger than 10 MB or unreadable: {0} files.', lost));
  }

  getChildren(node?: CountNode): CountNode[] {
    return [...(node === undefined ? this.#nodes : (node.children ?? []))];
  }

  getTreeItem(node: CountNode): TreeItem {
    const { name, path, tokens, bytes, children } = node;
    const { Collapsed, None } = vscode.TreeItemCollapsibleState;
    const item = treeItem(inert(name), children === null ? None : Collapsed);
    const counts = this.#counts;
    const context = contextOf(counts);
    const own = this.#budget.get(path);
    const rate = this.#rateOf(node);
    const isTooMuch = own === undefined ? tokens + context.added > context.tokens : !own.fits;
    const facts = [
      tokensText(tokens),
      t('{0} % of the context', percentOf(tokens, context.tokens, vscode.env.language)),
      ...(Number.isNaN(rate) ? [] : [t('{0} bits/byte', rate.toFixed(3))]),
      ...(own === undefined ? [] : [own.fits ? t('{0} so far', number(own.sum)) : t('{0} so far: too many', number(own.sum))]),
    ];
    const fits =
      tokens + context.added <= context.tokens
        ? t('fits into the {0} tokens that the model reads at once', number(context.tokens))
        : t('{0} times the {1} tokens that the model reads at once', (tokens / context.tokens).toFixed(1), number(context.tokens));
    const size = bytes === 1 ? t('1 byte') : t('{0} bytes', number(bytes));
    item.id = path;
    item.description = joined(facts, ' · ');
    item.tooltip = joined([inert(path), joined([...facts, size], ' · '), fits], '\n');
    item.accessibilityInformation = { label: joined([inert(name), ...facts, size, fits], ', ') };
    item.iconPath = new vscode.ThemeIcon(isTooMuch ? 'warning' : children === null ? 'file' : 'folder');
    const isChecked = filesOf([node]).every((file) => this.#checked.has(file.path));
    const { Checked, Unchecked } = vscode.TreeItemCheckboxState;
    item.checkboxState = { state: isChecked ? Checked : Unchecked, tooltip: t('Add up what is to be read together') };
    if (children === null && counts) {
      const uri = vscode.Uri.joinPath(counts.folder, ...path.split('/'));
      item.command = { command: 'vscode.open', title: t('Open'), arguments: [uri] };
    }
    return item;
  }

  /** Bits per byte of all files of a node together; NaN while one of them was not read. */
  #rateOf(node: CountNode): number {
    const read = filesOf([node]).map(({ path }) => this.#totals.get(path));
    const all = read.filter((totals) => totals !== undefined);
    return all.length < read.length ? NaN : bitsPerByte(all.reduce(sumOfTotals, NO_SCORES));
  }

  /** Checks or unchecks a file, or all files in a folder. */
  #check(node: CountNode, on: boolean): void {
    for (const { path } of filesOf([node])) {
      if (on) this.#checked.add(path);
      else this.#checked.delete(path);
    }
  }

  #render(): void {
    const context = contextOf(this.#counts);
    const checked = filesOf(this.#nodes).filter(({ path }) => this.#checked.has(path));
    const budget = budgeted(checked, context);
    this.#budget = new Map(budget.map((file) => [file.path, file]));
    this.#view.message = this.#counts === null ? undefined : budgetText(budget, this.#counts.files, context);
    this.#changed.fire(undefined);
  }
}

/** What fits, in sentences: of the files that are checked, or of all where none is. */
function budgetText(budget: readonly BudgetedFile[], files: readonly FileCount[], context: Context): Inert {
  const most = number(context.tokens);
  if (budget.length === 0) {
    const sum = total(files) + context.added;
    const all = percentOf(sum, context.tokens, vscode.env.language);
    return joined(
      [
        t('All files together take {0} % of the {1} tokens that the model reads at once.', all, most),
        t('Check files to see whether they fit together.'),
      ],
      ' ',
    );
  }
  const sum = budget.at(-1)?.sum ?? 0;
  const said =
    budget.length === 1
      ? t('Checked: 1 file, {0} of {1} tokens.', number(sum), most)
      : t('Checked: {0} files, {1} of {2} tokens.', budget.length, number(sum), most);
  if (sum <= context.tokens) return joined([said, t('They fit together: {0} tokens are left.', number(context.tokens - sum))], ' ');
  const fitting = budget.filter(({ fits }) => fits).length;
  return joined([said, t('{0} too many: the first {1} fit together.', number(sum - context.tokens), fitting)], ' ');
}

function contextOf(counts: FolderCounts | null): Context {
  return { tokens: counts?.model.contextLength ?? Infinity, added: counts?.added ?? 0 };
}

function total(files: readonly FileCount[]): number {
  return files.reduce((sum, { tokens }) => sum + tokens, 0);
}

function number(value: number): string {
  return value.toLocaleString(vscode.env.language);
}
