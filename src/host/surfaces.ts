// All places in VS Code's interface where the host shows text, some of it untrusted. VS Code turns text into links in notifications, and
// into icons in lists and the status bar. Only this file calls those functions of VS Code (a test checks that), and it takes inert text.
import type { Inert } from '../core/inertText.ts';
import type { Markdown } from './editor/markdownCode.ts';
import { PANEL_TYPE } from './commandIds.ts';
import { Paced } from './paced.ts';
import { vscode } from './vscode.ts';

/** What a notification is told of a work: a message, and how many percent more of it are done. */
interface Told {
  readonly message?: Inert;
  readonly increment?: number;
}

/** Reports progress to a notification. */
export type Progress = vscode.Progress<Told>;

/** An item of a list. Its texts may begin with one of VS Code's icons (`withIcon`). */
export interface PickItem {
  readonly label: Inert;
  readonly description?: Inert;
  readonly detail?: Inert;
  readonly kind?: vscode.QuickPickItemKind;
  readonly alwaysShow?: boolean;
}

/** VS Code's quick pick with inert texts. */
export type Pick<T extends PickItem> = Omit<vscode.QuickPick<T>, 'title' | 'placeholder' | 'buttons'> & {
  title: Inert | undefined;
  placeholder: Inert | undefined;
};

type StatusItemBase = Omit<vscode.StatusBarItem, 'text' | 'tooltip' | 'name' | 'accessibilityInformation'>;

/** VS Code's status bar item with inert texts. */
export type StatusItem = StatusItemBase & { text: Inert; tooltip: Inert | undefined; name: Inert | undefined };

/** VS Code's tree item with inert texts. */
export type TreeItem = Omit<vscode.TreeItem, 'label' | 'description' | 'tooltip' | 'accessibilityInformation'> & {
  readonly label: Inert;
  description?: Inert;
  tooltip?: Inert;
  accessibilityInformation?: { readonly label: Inert };
};

/** VS Code's tree view with inert texts. */
export type Tree = Omit<vscode.TreeView<unknown>, 'title' | 'description' | 'message'> & {
  description?: Inert;
  message?: Inert | undefined;
};

/** Shows an information message; resolves to the chosen button, if any. */
export async function inform(message: Inert, ...buttons: readonly Inert[]): Promise<Inert | undefined> {
  return vscode.window.showInformationMessage(message, ...buttons);
}

/** Shows an error message; resolves to the chosen button, if any. */
export async function showError(message: Inert, ...buttons: readonly Inert[]): Promise<Inert | undefined> {
  return vscode.window.showErrorMessage(message, ...buttons);
}

/** Shows a warning; resolves to the chosen button, if any. */
export async function warn(message: Inert, ...buttons: readonly Inert[]): Promise<Inert | undefined> {
  return vscode.window.showWarningMessage(message, ...buttons);
}

/** Asks in a modal dialog; resolves to whether the answer is `yes`. */
export async function confirm(kind: 'information' | 'warning', question: Inert, detail: Inert, yes: Inert): Promise<boolean> {
  const show = kind === 'warning' ? vscode.window.showWarningMessage : vscode.window.showInformationMessage;
  return (await show<Inert>(question, { modal: true, detail }, yes)) === yes;
}

/**
 * Runs `work` with a progress notification, whose Cancel aborts `signal`; `token` is the same for VS Code's own calls. It is told as often
 * as somebody can read: of small files there are hundreds in a second.
 */
export async function withProgress<T>(
  title: Inert,
  work: (view: Progress, signal: AbortSignal, token: vscode.CancellationToken) => Promise<T>,
): Promise<T> {
  const options = { location: vscode.ProgressLocation.Notification, cancellable: true, title };
  return vscode.window.withProgress(options, async (view, token) => {
    const controller = new AbortController();
    token.onCancellationRequested(() => controller.abort());
    const told = new Paced<Told>(
      (what) => view.report(what),
      0,
      ({ increment: before = 0, ...kept }, { increment = 0, ...after }) => ({ ...kept, ...after, increment: before + increment }),
    );
    try {
      return await work({ report: (what) => told.tell(what) }, controller.signal, token);
    } finally {
      told.finish();
    }
  });
}

/** Tells a notification how far a work has come: a message, and the share of it that is done, 0 to 1. It never goes back. */
export function shareTeller(view: Progress): (message: Inert, share: number) => void {
  let told = 0;
  return (message, share) => {
    const percent = Math.max(told, 100 * share);
    view.report({ message, increment: percent - told });
    told = percent;
  };
}

interface PickOptions {
  readonly title: Inert;
  readonly placeHolder: Inert;
  readonly matchOnDescription?: boolean;
}

/**
 * Lists stay until they are answered or left by Escape: a notification that goes takes the focus for a moment, and so does the window
 * from which somebody copies a model's id.
 */
const STAYS = { ignoreFocusOut: true } as const;

/** Asks for one of `items`; undefined if the user declines. */
export async function pickOne<T extends PickItem>(items: readonly T[], options: PickOptions): Promise<T | undefined> {
  return vscode.window.showQuickPick(items, { ...options, ...STAYS });
}

/**
 * Asks for some of `items`; those of `chosen` are at first. `said`: the title for what is chosen now. Resolves to undefined if the user
 * declines.
 */
export async function pickSome<T extends PickItem>(
  items: readonly T[],
  chosen: readonly T[],
  said: (chosen: readonly T[]) => Inert,
  placeholder: Inert,
): Promise<readonly T[] | undefined> {
  const pick = createPick<T>();
  pick.canSelectMany = true;
  pick.items = items;
  pick.selectedItems = chosen;
  pick.title = said(chosen);
  pick.placeholder = placeholder;
  try {
    return await new Promise((resolve) => {
      pick.onDidChangeSelection((now) => {
        pick.title = said(now);
      });
      pick.onDidAccept(() => resolve(pick.selectedItems));
      pick.onDidHide(() => resolve(undefined));
      pick.show();
    });
  } finally {
    pick.dispose();
  }
}

/** Creates a quick pick, whose items can change while it is shown. */
export function createPick<T extends PickItem>(): Pick<T> {
  return Object.assign(vscode.window.createQuickPick<T>(), STAYS) as Pick<T>;
}

/** Asks for a secret. `validate` returns what is wrong with a value, or undefined. */
export async function askSecret(title: Inert, prompt: Inert, validate: (value: string) => Inert | undefined): Promise<string | undefined> {
  return vscode.window.showInputBox({ title, prompt, password: true, ...STAYS, validateInput: validate });
}

/** Asks for a text; undefined if the user declines. */
export async function askText(title: Inert, prompt: Inert, value: string): Promise<string | undefined> {
  return vscode.window.showInputBox({ title, prompt, value, ...STAYS });
}

/** Asks for a file or a folder; undefined if none was chosen. */
export async function openDialog(
  what: 'file' | 'folder',
  title: Inert,
  openLabel: Inert,
  filters: Record<string, string[]>,
): Promise<vscode.Uri | undefined> {
  const selects = { canSelectFiles: what === 'file', canSelectFolders: what === 'folder', canSelectMany: false };
  const chosen = await vscode.window.showOpenDialog({ ...selects, title, openLabel, filters });
  return chosen?.[0];
}

/** Asks where to save a file; undefined if the user declines. `name`: what it is called at first. */
export async function saveDialog(
  title: Inert,
  saveLabel: Inert,
  filters: Record<string, string[]>,
  name: string,
): Promise<vscode.Uri | undefined> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const place = folder === undefined ? {} : { defaultUri: vscode.Uri.joinPath(folder, name) };
  return vscode.window.showSaveDialog({ title, saveLabel, filters, ...place });
}

/** Creates an item on the right of the status bar. */
export function createStatusItem(id: string, priority: number): StatusItem {
  const item: StatusItemBase = vscode.window.createStatusBarItem(id, vscode.StatusBarAlignment.Right, priority);
  return item as StatusItem;
}

/** Creates the view of a tree. Its provider says which boxes are checked: checking one checks no other by itself. */
export function createTree<Node>(id: string, treeDataProvider: vscode.TreeDataProvider<Node>): Tree {
  const options = { treeDataProvider, manageCheckboxStateManually: true };
  const view: Omit<vscode.TreeView<unknown>, 'title' | 'description' | 'message'> = vscode.window.createTreeView(id, options);
  return view;
}

/** Creates an item of a tree view. */
export function treeItem(label: Inert, state: vscode.TreeItemCollapsibleState): TreeItem {
  return new vscode.TreeItem(label, state) as TreeItem;
}

/** Creates the webview panel beside the active editor, leaving the focus in the editor. */
export function createPanel(title: Inert): vscode.WebviewPanel {
  return vscode.window.createWebviewPanel(PANEL_TYPE, title, { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true });
}

/** Sets a panel's title. */
export function renamePanel(panel: vscode.WebviewPanel, title: Inert): void {
  if (panel.title !== title) panel.title = title;
}

/** A hover whose text can run no command. `command` adds a link below the text, which can run that command alone. */
export function hover(text: Markdown, range?: vscode.Range, command?: { readonly id: string; readonly title: Markdown }): vscode.Hover {
  const shown = new vscode.MarkdownString(command ? `${text}\n\n[${command.title}](command:${command.id})` : text);
  shown.isTrusted = command ? { enabledCommands: [command.id] } : false;
  shown.supportHtml = false;
  shown.supportThemeIcons = false;
  return range ? new vscode.Hover(shown, range) : new vscode.Hover(shown);
}

/** VS Code's log with inert texts. */
export interface LogChannel {
  info(message: Inert): void;
  error(message: Inert): void;
  show(preserveFocus: boolean): void;
  dispose(): void;
}

/** Creates a log, shown under `name` among the output channels. */
export function createLog(name: string): LogChannel {
  return vscode.window.createOutputChannel(name, { log: true });
}
