// A fake of the part of VS Code's API that the host uses (documents, editors, commands and so on), so that the host runs without VS Code.
import { posix } from 'node:path';
import { expect, vi } from 'vitest';
import type { HostMessage } from '../../../src/protocol/messages.ts';

export class Position {
  readonly line: number;
  readonly character: number;
  constructor(line: number, character: number) {
    this.line = line;
    this.character = character;
  }
  isEqual(other: Position): boolean {
    return this.line === other.line && this.character === other.character;
  }
}

export class Range {
  readonly start: Position;
  readonly end: Position;
  constructor(start: Position, end: Position) {
    this.start = start;
    this.end = end;
  }
  get isEmpty(): boolean {
    return this.start.isEqual(this.end);
  }
}

export class Selection extends Range {
  readonly anchor: Position;
  readonly active: Position;
  constructor(anchor: Position, active: Position) {
    const forward = anchor.line < active.line || (anchor.line === active.line && anchor.character <= active.character);
    super(forward ? anchor : active, forward ? active : anchor);
    this.anchor = anchor;
    this.active = active;
  }
}

class EventEmitter<T> {
  readonly #listeners = new Set<(value: T) => void>();
  readonly event = (listener: (value: T) => void): { dispose(): void } => {
    this.#listeners.add(listener);
    return { dispose: () => void this.#listeners.delete(listener) };
  };
  fire(value: T): void {
    for (const listener of this.#listeners) listener(value);
  }
  dispose(): void {
    this.#listeners.clear();
  }
}

class Hover {
  readonly contents: MarkdownString;
  constructor(contents: MarkdownString) {
    this.contents = contents;
  }
}

class MarkdownString {
  readonly value: string;
  isTrusted: unknown;
  supportHtml: unknown;
  constructor(value: string) {
    this.value = value;
  }
}

class ThemeColor {
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }
}

class ThemeIcon extends ThemeColor {}

class TreeItem {
  readonly label: string;
  constructor(label: string) {
    this.label = label;
  }
}

class WorkspaceEdit {
  readonly inserts: { readonly uri: { toString(): string }; readonly position: Position; readonly text: string }[] = [];
  insert(uri: { toString(): string }, position: Position, text: string): void {
    this.inserts.push({ uri, position, text });
  }
}

/** An address. */
export class FakeUri {
  readonly scheme: string;
  readonly path: string;
  constructor(scheme: string, path: string) {
    this.scheme = scheme;
    this.path = path;
  }
  static file(path: string): FakeUri {
    return new FakeUri('file', path);
  }
  static parse(text: string): FakeUri {
    return new FakeUri(text.split(':')[0] ?? '', text.replace(/^\w+:\/\//, ''));
  }
  static joinPath(base: FakeUri, ...parts: readonly string[]): FakeUri {
    return new FakeUri(base.scheme, posix.join(base.path, ...parts));
  }
  get fsPath(): string {
    return this.path;
  }
  with({ path }: { readonly path: string }): FakeUri {
    return new FakeUri(this.scheme, path);
  }
  toString(): string {
    return `${this.scheme}://${this.path}`;
  }
}

class RelativePattern {
  readonly base: FakeUri;
  constructor(base: FakeUri) {
    this.base = base;
  }
}

/** A quick pick in which the test chooses. */
class QuickPick {
  value = '';
  items: readonly unknown[] = [];
  activeItems: readonly unknown[] = [];
  selectedItems: readonly unknown[] = [];
  readonly #accepted = new EventEmitter<void>();
  readonly #hidden = new EventEmitter<void>();
  readonly #typed = new EventEmitter<string>();
  readonly onDidAccept = this.#accepted.event;
  readonly onDidHide = this.#hidden.event;
  readonly onDidChangeValue = this.#typed.event;
  readonly #selected = new EventEmitter<readonly unknown[]>();
  readonly onDidChangeSelection = this.#selected.event;
  title = '';
  shown = false;
  show(): void {
    this.shown = true;
  }
  dispose(): void {
    this.hide();
  }
  /** Hides the list, as the user does with Escape. */
  hide(): void {
    if (!this.shown) return;
    this.shown = false;
    this.#hidden.fire();
  }
  type(value: string): void {
    this.value = value;
    this.#typed.fire(value);
  }
  /** Ticks these items and no others. */
  tick(items: readonly unknown[]): void {
    this.selectedItems = items;
    this.#selected.fire(items);
  }
  /** Accepts the ticked items. */
  acceptTicked(): void {
    this.#accepted.fire();
  }
  /** Accepts an item, as the user does with Enter or a click; no item where the list is still empty. */
  accept(item?: unknown): void {
    this.activeItems = this.selectedItems = item === undefined ? [] : [item];
    this.#accepted.fire();
  }
}

/** The kind of a tab that shows a text. */
export class TabInputText {
  readonly kind = 'text';
}

class TabInputTextDiff {
  readonly kind = 'diff';
}

/** A document whose text the test changes. */
export class FakeDocument {
  text: string;
  version = 1;
  isClosed = false;
  languageId = 'plaintext';
  readonly uri: { readonly scheme: string; readonly path: string; readonly fsPath: string; toString(): string };
  #lines: { readonly of: string; readonly starts: readonly number[]; readonly eol: number } | undefined;
  constructor(name: string, text: string, scheme = 'file') {
    this.text = withOneLineEnd(text);
    this.uri = { scheme, path: `/${name}`, fsPath: `/${name}`, toString: () => `${scheme}:///${name}` };
  }
  /** As `EndOfLine` of the API. */
  get eol(): number {
    return this.#known().eol;
  }
  get lineCount(): number {
    return this.#known().starts.length;
  }
  lineAt(line: number): { readonly range: Range; readonly rangeIncludingLineBreak: Range; readonly isEmptyOrWhitespace: boolean } {
    const length = this.#length(line);
    const from = this.#known().starts[line] ?? this.text.length;
    const [start, end] = [new Position(line, 0), new Position(line, length)];
    return {
      range: new Range(start, end),
      rangeIncludingLineBreak: new Range(start, line + 1 < this.lineCount ? new Position(line + 1, 0) : end),
      isEmptyOrWhitespace: this.text.slice(from, from + length).trim() === '',
    };
  }
  offsetAt({ line, character }: Position): number {
    const start = this.#known().starts[line];
    return start === undefined ? this.text.length : start + Math.min(character, this.#length(line));
  }
  /** A place between the two characters of a line's end is the one before them. */
  positionAt(offset: number): Position {
    const starts = this.#known().starts;
    let [low, high] = [0, starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? Infinity) <= offset) low = middle;
      else high = middle - 1;
    }
    return new Position(low, Math.min(Math.max(0, offset) - (starts[low] ?? 0), this.#length(low)));
  }
  getText(range?: Range): string {
    return range === undefined ? this.text : this.text.slice(this.offsetAt(range.start), this.offsetAt(range.end));
  }
  /** Length of a line without its end. */
  #length(line: number): number {
    const [start, next] = [this.#known().starts[line], this.#known().starts[line + 1]];
    return start === undefined ? 0 : next === undefined ? this.text.length - start : next - this.eol - start;
  }
  /** Where lines begin, of the text as it is now. */
  #known(): { readonly starts: readonly number[]; readonly eol: number } {
    if (this.#lines?.of !== this.text) {
      const starts = [0];
      for (let end = this.text.indexOf('\n'); end >= 0; end = this.text.indexOf('\n', end + 1)) starts.push(end + 1);
      this.#lines = { of: this.text, starts, eol: this.text.includes('\r\n') ? 2 : 1 };
    }
    return this.#lines;
  }
}

/** A text as VS Code has it once it has opened a file: all lines end alike, as most of them do. */
function withOneLineEnd(text: string): string {
  const ends = text.match(/\r\n|\n|\r/g) ?? [];
  const eol = 2 * ends.filter((end) => end !== '\n').length > ends.length ? '\r\n' : '\n';
  return ends.every((end) => end === eol) ? text : text.replaceAll(/\r\n|\n|\r/g, eol);
}

/** A notebook of cells, each a document, whose cells the test changes. */
export class FakeNotebook {
  isClosed = false;
  readonly uri: FakeUri;
  cells: readonly FakeDocument[];
  constructor(name: string, texts: readonly string[]) {
    this.uri = FakeUri.file(`/${name}`);
    this.cells = texts.map((text, index) => this.cell(index, text));
  }
  /** A document to be a cell. */
  cell(fragment: number, text: string): FakeDocument {
    const document = new FakeDocument('', text);
    const address = `vscode-notebook-cell://${this.uri.path}#${fragment}`;
    return Object.assign(document, {
      uri: { scheme: 'vscode-notebook-cell', path: this.uri.path, fsPath: this.uri.path, toString: () => address },
    });
  }
  getCells(): readonly { readonly document: FakeDocument }[] {
    return this.cells.map((document) => ({ document }));
  }
}

/** An editor of a document. */
export interface FakeEditor {
  readonly document: FakeDocument;
  selection: Selection;
  readonly setDecorations: ReturnType<typeof vi.fn>;
  readonly revealRange: ReturnType<typeof vi.fn>;
  /** What is on screen; all of the document until the test scrolls. */
  visibleRanges: readonly Range[];
}

/** An item of the status bar. */
function fakeStatusItem() {
  const item = {
    text: '',
    tooltip: '',
    command: '',
    shown: false,
    show: () => (item.shown = true),
    hide: () => (item.shown = false),
    dispose: () => undefined,
  };
  return item;
}

/** A webview panel that records the messages posted to its page. */
function fakePanel() {
  const [received, ended, viewed] = [new EventEmitter<unknown>(), new EventEmitter<void>(), new EventEmitter<void>()];
  const posted: HostMessage[] = [];
  const panel = {
    posted,
    ended: false,
    /** Sends a message as the page. */
    say: (message: unknown) => received.fire(message),
    webview: {
      onDidReceiveMessage: received.event,
      postMessage: async (message: HostMessage) => {
        if (panel.ended) throw new Error('Webview is disposed');
        posted.push(message);
        return true;
      },
      asWebviewUri: (uri: unknown) => uri,
      cspSource: 'self',
      options: {},
      html: '',
    },
    onDidDispose: ended.event,
    onDidChangeViewState: viewed.event,
    visible: true,
    active: true,
    title: '',
    iconPath: '',
    reveal: () => undefined,
    dispose: () => {
      if (panel.ended) return;
      panel.ended = true;
      ended.fire();
    },
  };
  return panel;
}
/** A fake webview panel. */
export type FakePanel = ReturnType<typeof fakePanel>;

/** A tree view of the side bar. */
interface Tree {
  getChildren(node?: unknown): Promise<readonly unknown[]>;
  getTreeItem(
    node: unknown,
  ): Promise<{ readonly label: string; readonly id?: string; readonly description?: unknown; readonly contextValue?: string }>;
}

/** A view of a tree. */
interface FakeTreeView {
  description: string;
  message: string;
  readonly dispose: () => void;
  readonly onDidChangeCheckboxState: unknown;
  readonly boxes: EventEmitter<{ readonly items: readonly (readonly [unknown, number])[] }>;
}

/** Opens files in editors of their own. */
interface CustomEditors {
  onDidChangeCustomDocument(listener: (edit: { readonly undo: () => void; readonly redo: () => void }) => void): unknown;
  openCustomDocument(uri: FakeUri, context: { readonly backupId?: string }): Promise<unknown>;
  resolveCustomEditor(document: unknown, panel: FakePanel): Promise<void>;
  saveCustomDocument(document: unknown): Promise<void>;
  saveCustomDocumentAs(document: unknown, target: FakeUri): Promise<void>;
  revertCustomDocument(document: unknown): Promise<void>;
  backupCustomDocument(document: unknown, context: { readonly destination: FakeUri }): Promise<{ readonly id: string; delete(): void }>;
}

/** Restores a panel after a restart. */
interface Serializer {
  deserializeWebviewPanel(panel: FakePanel, state: unknown): Promise<void>;
}

/**
 * The fake API, with the functions by which the test drives it and the records that it keeps. `given` are the initial settings, `newer`
 * what only newer editors have.
 */
export function fakeVSCode(given: Readonly<Record<string, unknown>> = {}, newer: Readonly<Record<string, unknown>> = {}) {
  const settings: Record<string, unknown> = { ...given };
  const events = {
    selection: new EventEmitter<{ textEditor: FakeEditor; selections: readonly Selection[] }>(),
    visible: new EventEmitter<readonly FakeEditor[]>(),
    scrolled: new EventEmitter<{ textEditor: FakeEditor }>(),
    active: new EventEmitter<FakeEditor | undefined>(),
    changed: new EventEmitter<{
      document: FakeDocument;
      contentChanges: readonly { rangeOffset: number; rangeLength: number; text: string }[];
    }>(),
    opened: new EventEmitter<FakeDocument>(),
    closed: new EventEmitter<FakeDocument>(),
    renamed: new EventEmitter<{ files: readonly { oldUri: FakeUri; newUri: FakeUri }[] }>(),
    notebookChanged: new EventEmitter<{ notebook: FakeNotebook; contentChanges: readonly object[] }>(),
    notebookClosed: new EventEmitter<FakeNotebook>(),
    notebookActive: new EventEmitter<{ readonly notebook: FakeNotebook } | undefined>(),
    configuration: new EventEmitter<{ affectsConfiguration(name: string): boolean }>(),
  };
  const editors: FakeEditor[] = [];
  const hidden: FakeEditor[] = [];
  const notebooks: FakeNotebook[] = [];
  const commands = new Map<string, (...args: readonly unknown[]) => Promise<void>>();
  /** Context keys by name. */
  const contexts = new Map<string, unknown>();
  /** Changes a setting. `said`: whether the event says that it is about it, which that of a window that starts may not. */
  const set = (name: string, value: unknown, said = true): void => {
    settings[name] = value;
    events.configuration.fire({ affectsConfiguration: (changed) => said && changed === `explainTokens.${name}` });
  };
  const statusItem = fakeStatusItem();
  /** Items of the status bar by id. */
  const statusItems = new Map([['explainTokens.tokens', statusItem]]);
  /** Texts that were copied. */
  const clipboard: string[] = [];
  const panels: FakePanel[] = [];
  const trees: Tree[] = [];
  const views: FakeTreeView[] = [];
  const serializers: Serializer[] = [];
  const customEditors: CustomEditors[] = [];
  const uriHandlers: { handleUri(link: unknown): Promise<void> }[] = [];
  const picks: QuickPick[] = [];
  /** Logged errors. */
  const logged: string[] = [];
  /** Progress notifications, each with its Cancel button. */
  const notifications: { readonly title: string; readonly told: unknown[]; cancel(): void }[] = [];
  const hovers: { provideHover(document: FakeDocument, position: Position): Hover | undefined }[] = [];
  const untitled: { readonly language: string; readonly content: string }[] = [];
  const files = new Map<string, Uint8Array>();
  /** Documents that are not open, by their addresses; null: no text. */
  const documents = new Map<string, FakeDocument | null>();
  const opened: FakeDocument[] = [];
  /** Other extensions by id. */
  const extensions = new Map<string, unknown>();
  const window = {
    activeTextEditor: undefined as FakeEditor | undefined,
    visibleTextEditors: editors,
    activeNotebookEditor: undefined as { readonly notebook: FakeNotebook } | undefined,
    visibleNotebookEditors: [],
    tabGroups: { all: [], activeTabGroup: {} },
    onDidChangeTextEditorSelection: events.selection.event,
    onDidChangeVisibleTextEditors: events.visible.event,
    onDidChangeTextEditorVisibleRanges: events.scrolled.event,
    onDidChangeActiveTextEditor: events.active.event,
    onDidChangeActiveNotebookEditor: events.notebookActive.event,
    createTextEditorDecorationType: (options: object) => ({ options, dispose: () => undefined }),
    createStatusBarItem: (id: string) => {
      const item = statusItems.get(id) ?? fakeStatusItem();
      statusItems.set(id, item);
      return item;
    },
    createWebviewPanel: () => {
      const panel = fakePanel();
      panels.push(panel);
      return panel;
    },
    registerTreeDataProvider: (_: string, tree: Tree) => {
      trees.push(tree);
      return { dispose: () => undefined };
    },
    createTreeView: (_: string, { treeDataProvider }: { readonly treeDataProvider: Tree }) => {
      trees.push(treeDataProvider);
      const boxes = new EventEmitter<{ readonly items: readonly (readonly [unknown, number])[] }>();
      const view: FakeTreeView = { description: '', message: '', dispose: () => undefined, onDidChangeCheckboxState: boxes.event, boxes };
      views.push(view);
      return view;
    },
    registerWebviewPanelSerializer: (_: string, serializer: Serializer) => {
      serializers.push(serializer);
      return { dispose: () => undefined };
    },
    registerCustomEditorProvider: (_: string, provider: CustomEditors) => {
      customEditors.push(provider);
      return { dispose: () => undefined };
    },
    registerUriHandler: (handler: { handleUri(link: unknown): Promise<void> }) => {
      uriHandlers.push(handler);
      return { dispose: () => undefined };
    },
    showInformationMessage: vi.fn<(message: string, ...rest: readonly unknown[]) => Promise<unknown>>(async () => undefined),
    showErrorMessage: vi.fn<(message: string, ...rest: readonly unknown[]) => Promise<unknown>>(async () => undefined),
    showWarningMessage: vi.fn<(message: string, ...rest: readonly unknown[]) => Promise<unknown>>(async () => undefined),
    showQuickPick: vi.fn(async (items: readonly unknown[]): Promise<unknown> => items[0]),
    showInputBox: vi.fn(async (): Promise<string | undefined> => undefined),
    showOpenDialog: vi.fn(async (): Promise<readonly FakeUri[] | undefined> => undefined),
    showSaveDialog: vi.fn(
      async (_options: { readonly defaultUri?: FakeUri; readonly filters?: object }): Promise<FakeUri | undefined> => undefined,
    ),
    showTextDocument: vi.fn(async (document: FakeDocument) => editors.find((editor) => editor.document === document)),
    createQuickPick: () => {
      const pick = new QuickPick();
      picks.push(pick);
      return pick;
    },
    withProgress: async <T>(
      { title }: { readonly title: string },
      task: (view: { report(told: unknown): void }, token: { onCancellationRequested(listener: () => void): unknown }) => Promise<T>,
    ): Promise<T> => {
      const cancelled = new EventEmitter<void>();
      const told: unknown[] = [];
      notifications.push({ title, told, cancel: () => cancelled.fire() });
      return task({ report: (one) => told.push(one) }, { onCancellationRequested: cancelled.event });
    },
    createOutputChannel: () => ({
      info: () => undefined,
      error: (message: string) => logged.push(message),
      show: () => undefined,
      dispose: () => undefined,
    }),
  };
  const api = {
    ...newer,
    EventEmitter,
    Position,
    Range,
    Selection,
    Hover,
    MarkdownString,
    ThemeColor,
    DecorationRangeBehavior: { ClosedClosed: 1 },
    OverviewRulerLane: { Right: 4 },
    EndOfLine: { LF: 1, CRLF: 2 },
    StatusBarAlignment: { Right: 2 },
    ProgressLocation: { Notification: 15 },
    TextEditorRevealType: { InCenterIfOutsideViewport: 2, AtTop: 3 },
    ViewColumn: { One: 1, Beside: -2 },
    Uri: FakeUri,
    ThemeIcon,
    TreeItem,
    TreeItemCheckboxState: { Unchecked: 0, Checked: 1 },
    TreeItemCollapsibleState: { None: 0, Collapsed: 1, Expanded: 2 },
    QuickPickItemKind: { Separator: -1 },
    ConfigurationTarget: { Global: 1 },
    FileType: { File: 1, Directory: 2 },
    RelativePattern,
    WorkspaceEdit,
    TabInputText,
    TabInputTextDiff,
    window,
    extensions: { getExtension: (id: string) => extensions.get(id) },
    workspace: {
      get textDocuments() {
        return [...[...editors, ...hidden].map(({ document }) => document), ...opened, ...notebooks.flatMap(({ cells }) => cells)];
      },
      findFiles: async ({ base }: RelativePattern) =>
        [...files.keys()].filter((path) => path.startsWith(`${base.path}/`)).map((path) => FakeUri.file(path)),
      onDidChangeTextDocument: events.changed.event,
      onDidOpenTextDocument: events.opened.event,
      onDidCloseTextDocument: events.closed.event,
      onDidRenameFiles: events.renamed.event,
      onDidChangeNotebookDocument: events.notebookChanged.event,
      onDidCloseNotebookDocument: events.notebookClosed.event,
      onDidChangeConfiguration: events.configuration.event,
      onDidChangeWorkspaceFolders: () => ({ dispose: () => undefined }),
      createFileSystemWatcher: () => ({ onDidCreate: () => ({ dispose: () => undefined }), dispose: () => undefined }),
      isTrusted: true,
      getWorkspaceFolder: ({ path }: FakeUri) => (path.startsWith('/work') ? { uri: FakeUri.file('/work') } : undefined),
      openTextDocument: async (what: { toString(): string } | { readonly language: string; readonly content: string }) => {
        if (!('content' in what)) {
          const open = editors.find(({ document }) => document.uri.toString() === what.toString())?.document;
          const closed = documents.get(what.toString());
          if (!open && closed === null) throw new Error('This seems to be binary.');
          if (!open && closed) opened.push(closed);
          return open ?? closed;
        }
        untitled.push(what);
        const document = new FakeDocument(`Untitled-${untitled.length}`, what.content, 'untitled');
        opened.push(document);
        return document;
      },
      fs: {
        isWritableFileSystem: (scheme: string) => scheme === 'file',
        stat: async ({ path }: FakeUri) => {
          const file = files.get(path);
          if (file === undefined) throw new Error(`There is no ${path}.`);
          return { size: file.length };
        },
        writeFile: async ({ path }: FakeUri, bytes: Uint8Array) => void files.set(path, bytes),
        rename: async (from: FakeUri, to: FakeUri) => {
          const bytes = files.get(from.path);
          if (bytes === undefined) throw new Error(`There is no ${from.path}.`);
          files.delete(from.path);
          files.set(to.path, bytes);
        },
        delete: async ({ path }: FakeUri) => void files.delete(path),
        readFile: async ({ path }: FakeUri): Promise<Uint8Array> => files.get(path) ?? Promise.reject(new Error(`There is no ${path}.`)),
      },
      applyEdit: async ({ inserts }: WorkspaceEdit) => {
        for (const { uri, position, text } of inserts) {
          const document = editors.find((editor) => editor.document.uri.toString() === uri.toString())?.document;
          if (document === undefined) return false;
          const rangeOffset = document.offsetAt(position);
          document.text = document.text.slice(0, rangeOffset) + text + document.text.slice(rangeOffset);
          document.version++;
          events.changed.fire({ document, contentChanges: [{ rangeOffset, rangeLength: 0, text }] });
        }
        return true;
      },
      getConfiguration: () => ({ get: (name: string) => settings[name], update: async (name: string, value: unknown) => set(name, value) }),
      asRelativePath: ({ path }: { readonly path: string }) => path,
      notebookDocuments: notebooks,
    },
    commands: {
      registerCommand: (id: string, run: (...args: readonly unknown[]) => Promise<void>) => {
        commands.set(id, run);
        return { dispose: () => undefined };
      },
      executeCommand: async (id: string, ...args: readonly unknown[]) =>
        id === 'setContext' ? void contexts.set(String(args[0]), args[1]) : commands.get(id)?.(...args),
    },
    languages: {
      registerHoverProvider: (_: unknown, provider: (typeof hovers)[number]) => (hovers.push(provider), { dispose: () => undefined }),
    },
    l10n: {
      t: (text: string, ...values: readonly unknown[]) => text.replace(/\{(\d+)\}/g, (_, index: string) => String(values[Number(index)])),
      bundle: undefined,
    },
    env: { language: 'en', uriScheme: 'vscode', clipboard: { writeText: async (text: string) => void clipboard.push(text) } },
  };
  return {
    api,
    commands,
    contexts,
    statusItem,
    statusItems,
    clipboard,
    hovers,
    events,
    panels,
    picks,
    trees,
    /** The views that were created with their trees, each with the event of its boxes. */
    views,
    /** Documents that were opened by their content. */
    untitled,
    /** Files of the disk, by path. */
    files,
    documents,
    extensions,
    /** Open notebooks. */
    notebooks,
    /** Closes an editor; its document stays open. */
    hide: (editor: FakeEditor): void => {
      hidden.push(...editors.splice(editors.indexOf(editor), 1));
      events.visible.fire(editors);
    },
    /** Shows a closed editor again. */
    reveal: (editor: FakeEditor): void => {
      hidden.splice(hidden.indexOf(editor), 1);
      editors.push(editor);
      events.visible.fire(editors);
    },
    /** Restores a panel, as VS Code does after a restart. */
    /** Follows a link into the extension, as the system asks for it. */
    follow: async (query: string): Promise<void> => uriHandlers[0]?.handleUri({ query }),
    /** Opens a file in the editor that the extension has for it, and returns its panel and what VS Code asks of it. */
    openCustom: async (path: string, backupId?: string) => {
      const provider = customEditors[0] ?? expect.fail('Nothing opens files.');
      const panel = fakePanel();
      const edits: { readonly undo: () => void; readonly redo: () => void }[] = [];
      provider.onDidChangeCustomDocument((edit) => edits.push(edit));
      const document = await provider.openCustomDocument(FakeUri.file(path), backupId === undefined ? {} : { backupId });
      await provider.resolveCustomEditor(document, panel);
      const asked = {
        edits,
        /** Shows the file in one more editor. */
        split: async (): Promise<FakePanel> => {
          const second = fakePanel();
          await provider.resolveCustomEditor(document, second);
          return second;
        },
        save: () => provider.saveCustomDocument(document),
        saveAs: (target: string) => provider.saveCustomDocumentAs(document, FakeUri.file(target)),
        revert: () => provider.revertCustomDocument(document),
        backUp: (target: string) => provider.backupCustomDocument(document, { destination: FakeUri.file(target) }),
      };
      return Object.assign(panel, asked);
    },
    revive: async (panel: FakePanel, state: unknown) => serializers[0]?.deserializeWebviewPanel(panel, state),
    logged,
    notifications,
    window,
    /** Changes a setting, as the user or the extension does. */
    set,
    /** Shows a document in an editor, makes it the active one and selects [start, end). */
    open: (document: FakeDocument, start: number, end: number): FakeEditor => {
      const editor: FakeEditor = {
        document,
        selection: new Selection(document.positionAt(start), document.positionAt(end)),
        setDecorations: vi.fn(),
        revealRange: vi.fn(),
        visibleRanges: [new Range(new Position(0, 0), document.positionAt(document.text.length))],
      };
      editors.push(editor);
      window.activeTextEditor = editor;
      return editor;
    },
    /** Gives an editor the focus; undefined: something else has it. */
    activate: (editor: FakeEditor | undefined): void => {
      window.activeTextEditor = editor;
      events.active.fire(editor);
    },
    /** Types over the selection, as a user does. */
    type: (editor: FakeEditor, text: string): void => {
      const { document, selection } = editor;
      const [rangeOffset, end] = [document.offsetAt(selection.start), document.offsetAt(selection.end)];
      document.text = document.text.slice(0, rangeOffset) + text + document.text.slice(end);
      document.version++;
      const cursor = document.positionAt(rangeOffset + text.length);
      editor.selection = new Selection(cursor, cursor);
      events.changed.fire({ document, contentChanges: [{ rangeOffset, rangeLength: end - rangeOffset, text }] });
      events.selection.fire({ textEditor: editor, selections: [editor.selection] });
    },
    /** Moves the selection, as the user or the extension does. */
    select: (editor: FakeEditor, start: number, end: number): void => {
      editor.selection = new Selection(editor.document.positionAt(start), editor.document.positionAt(end));
      events.selection.fire({ textEditor: editor, selections: [editor.selection] });
    },
  };
}

/** Loads modules of the host anew, with `api` in place of VS Code's and `platform` in place of the machine's. */
export async function withEditor<Module>(
  api: object,
  load: () => Promise<Module>,
  platform: object = { folderUri: (path: string) => path, startWorker: async () => undefined },
): Promise<Module> {
  vi.resetModules();
  vi.doMock('../../../src/host/vscode.ts', () => ({ vscode: api }));
  vi.doMock('#platform', () => platform);
  return load();
}
