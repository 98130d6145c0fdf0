import { vscode } from '../vscode.ts';
import { CancelledError } from '../../core/errors.ts';
import type { ModelClient } from '../client/modelClient.ts';
import { onSettingChange, readSettings } from '../configuration.ts';
import { Disposable } from '../disposable.ts';
import { fileName } from '../fileName.ts';
import { isEdited, scoredDocument, type FileReading, type ScoredDocument } from './fileReading.ts';
import { ReadingSteps } from './readingSteps.ts';
import { documentsOf, followEdits, isRearranged, notebookOf } from './wholeText.ts';

/** Time without typing after which what was edited is read again in a live file. */
const LIVE_AFTER_MS = 500;
/** Time after which what was closed is not opened again under another name or in another language. */
const CLOSED_AFTER_MS = 1000;

/**
 * Reads whole files in the background, window by window from where the user looks. It makes way for explanations and questions, and
 * begins again with a model that is chosen meanwhile; a file that is closed is forgotten.
 */
export class FileReader extends Disposable {
  readonly #client: ModelClient;
  readonly #steps: ReadingSteps;
  readonly #onFailure: (file: FileReading, error: unknown) => void;
  readonly #files = new Map<string, FileReading>();
  readonly #changed = this.register(new vscode.EventEmitter<FileReading>());
  readonly #edited = this.register(new vscode.EventEmitter<FileReading>());
  readonly #activated = this.register(new vscode.EventEmitter<void>());
  readonly #timers = new Map<FileReading, ReturnType<typeof setTimeout>>();
  #working = false;

  /** Fires when there are other scores of a file, when its reading began or ended, and when it is forgotten. */
  readonly onDidChange = this.#changed.event;
  /** Fires when a file was edited, so that tokens moved or became stale. */
  readonly onDidEdit = this.#edited.event;

  /** Fires when another editor became the active one. */
  readonly onDidActivate = this.#activated.event;

  /** `onFailure` is told of a file that cannot be read, which is forgotten then. */
  constructor(client: ModelClient, onFailure: (file: FileReading, error: unknown) => void) {
    super();
    this.#client = client;
    this.#steps = new ReadingSteps(client);
    this.#onFailure = onFailure;
    this.register(vscode.workspace.onDidChangeTextDocument((event) => this.#followEdits(event)));
    this.register(vscode.workspace.onDidCloseTextDocument((document) => this.#closed(this.of(document))));
    this.register(vscode.workspace.onDidChangeNotebookDocument((event) => this.#followCells(event)));
    this.register(vscode.workspace.onDidCloseNotebookDocument((notebook) => this.#closed(this.ofNotebook(notebook))));
    this.register(vscode.workspace.onDidRenameFiles(({ files }) => files.forEach(({ oldUri, newUri }) => this.#renamed(oldUri, newUri))));
    const activated = (): void => this.#activated.fire();
    this.register(vscode.window.onDidChangeActiveTextEditor(activated));
    this.register(vscode.window.onDidChangeActiveNotebookEditor(activated));
    const settings = ['model', 'runtime', 'nativeRuntime', 'executionProvider', 'stride', 'proseOnly'] as const;
    this.register(onSettingChange(settings, () => this.#beginAgain()));
  }

  override dispose(): void {
    super.dispose();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    for (const { work } of this.#files.values()) work.abort();
    this.#files.clear();
  }

  /** Whether any file was asked for. */
  get hasFiles(): boolean {
    return this.#files.size > 0;
  }

  /** The reading of a document, or of the notebook that it is a cell of, if it was asked for. */
  of(document: vscode.TextDocument): FileReading | undefined {
    const notebook = notebookOf(document);
    return notebook ? this.ofNotebook(notebook) : this.#files.get(document.uri.toString());
  }

  /** The reading of a notebook, if it was asked for. */
  ofNotebook({ uri }: vscode.NotebookDocument): FileReading | undefined {
    return this.#files.get(keyOf(uri.toString(), true));
  }

  /** The reading of the active editor's file, if it was asked for. */
  get active(): FileReading | undefined {
    const document = vscode.window.activeTextEditor?.document;
    const notebook = vscode.window.activeNotebookEditor?.notebook;
    return document ? this.of(document) : notebook && this.ofNotebook(notebook);
  }

  /** Whether a file is not forgotten. */
  isKnown(file: FileReading): boolean {
    return this.#files.get(keyOf(file.uri, file.isNotebook)) === file;
  }

  /** What was read of a document; null: nothing yet. */
  scoredIn(document: vscode.TextDocument): ScoredDocument | null {
    const scored = this.of(document)?.scored;
    const own = scored?.documents.find(({ uri }) => uri === document.uri.toString());
    return scored && own ? scoredDocument(scored, own) : null;
  }

  /**
   * Reads a document, or all cells of a notebook as one text; what was read before, in its present form: what did not change keeps its
   * scores. `asked`: whether the file itself was asked for.
   */
  read(what: vscode.TextDocument | vscode.NotebookDocument, asked = true): FileReading {
    const uri = what.uri.toString();
    const isNotebook = 'getCells' in what;
    const key = keyOf(uri, isNotebook);
    const known = this.#files.get(key);
    const file: FileReading = known ?? {
      uri,
      label: fileName(what.uri),
      isNotebook,
      state: 'reading',
      asked,
      work: new AbortController(),
      scored: null,
      outdated: false,
      live: false,
      terms: '',
    };
    file.asked ||= asked;
    this.#files.set(key, file);
    this.#restart(file);
    return file;
  }

  /**
   * Reads the file of an explained text that is longer than the context. The file itself was not asked for: one that is known is left as
   * it is, unless it was edited since it was read, and nothing is sent to an engine.
   */
  readAround(what: vscode.TextDocument | vscode.NotebookDocument): void {
    if (this.#client.isElsewhere) return;
    const known = 'getCells' in what ? this.ofNotebook(what) : this.of(what);
    if (known === undefined || (known.state === 'done' && known.scored !== null && isEdited(known.scored))) this.read(what, false);
  }

  /** Ends the reading of a file, if it has not ended by itself meanwhile, and keeps what was read. */
  stop(file: FileReading): void {
    if (file.state !== 'reading') return;
    file.work.abort();
    if (file.scored === null) return this.forget(file);
    file.state = 'stopped';
    file.live = false;
    this.#changed.fire(file);
  }

  /** Removes all that is known of a file. */
  forget(file: FileReading): void {
    file.work.abort();
    this.#setTimer(file);
    if (!this.isKnown(file)) return;
    this.#files.delete(keyOf(file.uri, file.isNotebook));
    this.#changed.fire(file);
  }

  /** Removes all that is known of files that were not asked for themselves. */
  forgetUnasked(): void {
    for (const file of [...this.#files.values()].filter(({ asked }) => !asked)) this.forget(file);
  }

  /** Sets whether what is edited is read again by itself. */
  setLive(file: FileReading, live: boolean): void {
    // What is edited is sent nowhere by itself.
    file.live = live && !this.#client.isElsewhere;
    file.asked ||= live;
    this.#setTimer(file);
    if (live) this.#restart(file);
    else this.#changed.fire(file);
  }

  #restart(file: FileReading): void {
    this.#setTimer(file);
    file.work.abort();
    file.work = new AbortController();
    file.state = 'reading';
    file.outdated = true;
    file.terms = this.#terms();
    this.#changed.fire(file);
    void this.#work();
  }

  #terms(): string {
    const { stride, proseOnly } = readSettings();
    return JSON.stringify([this.#client.wantedKey, stride, proseOnly]);
  }

  /**
   * Another model, or other windows, give other scores. What the user stopped does not begin by itself. VS Code tells late: a file may
   * have been begun by the new settings already, and not every setting changes its terms.
   */
  #beginAgain(): void {
    const terms = this.#terms();
    for (const file of this.#files.values()) {
      if (file.terms === terms) continue;
      // Nothing is sent to an engine without a command for it.
      if (file.state === 'stopped' || this.#client.isElsewhere) this.forget(file);
      else {
        file.scored = null;
        this.#restart(file);
      }
    }
  }

  async #work(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    try {
      for (let file = this.#next(); file !== undefined && !this.disposed; file = this.#next()) await this.#step(file);
    } finally {
      this.#working = false;
    }
  }

  /** The file to read on: that of the active editor before others. */
  #next(): FileReading | undefined {
    const open = [...this.#files.values()].filter(({ state }) => state === 'reading');
    const { active } = this;
    return open.find((file) => file === active) ?? open[0];
  }

  async #step(file: FileReading): Promise<void> {
    const { signal } = file.work;
    const isNewest = (): boolean => !signal.aborted && !this.disposed && this.isKnown(file);
    if (this.#steps.needsTokens(file) && documentsOf(file).length === 0) return this.forget(file);
    try {
      if (await this.#steps.next(file, signal, isNewest)) this.#changed.fire(file);
    } catch (error) {
      // A call that was ended for another model begins again with that.
      if (!isNewest() || error instanceof CancelledError) return;
      this.forget(file);
      this.#onFailure(file, error);
    }
  }

  /** Sets what is to be done with a file after some milliseconds, in place of what was to be done before; by default nothing. */
  #setTimer(file: FileReading, afterMs = 0, act?: () => void): void {
    clearTimeout(this.#timers.get(file));
    if (act) this.#timers.set(file, setTimeout(act, afterMs));
    else this.#timers.delete(file);
  }

  #followEdits({ document, contentChanges }: vscode.TextDocumentChangeEvent): void {
    const file = contentChanges.length === 0 ? undefined : this.of(document);
    if (file === undefined) return;
    const edits = contentChanges.map(({ rangeOffset, rangeLength, text: { length } }) => ({
      offset: rangeOffset,
      removed: rangeLength,
      inserted: length,
    }));
    const uri = document.uri.toString();
    for (const known of [this.#steps.pending(file), file.scored]) {
      const own = known?.documents.find((one) => one.uri === uri);
      if (known && own) followEdits(own, known.text, edits, document);
    }
    this.#edits(file);
  }

  /** Cells that were added, removed or moved change the text of their notebook. */
  #followCells({ notebook, contentChanges }: vscode.NotebookDocumentChangeEvent): void {
    const file = contentChanges.length === 0 ? undefined : this.ofNotebook(notebook);
    if (file === undefined) return;
    if (file.scored) file.scored.rearranged = isRearranged(file, file.scored.documents);
    this.#edits(file);
  }

  #edits(file: FileReading): void {
    this.#edited.fire(file);
    if (file.live && !this.#client.isElsewhere) this.#setTimer(file, LIVE_AFTER_MS, () => this.#restart(file));
  }

  /** What is known of a file that was given another name, or is in a folder that was, is known of it under that one. */
  #renamed(from: vscode.Uri, to: vscode.Uri): void {
    const old = from.toString();
    for (const file of [...this.#files.values()].filter(({ uri }) => uri === old || uri.startsWith(`${old}/`))) {
      const before = file.uri;
      this.#files.delete(keyOf(before, file.isNotebook));
      file.uri = `${to.toString()}${before.slice(old.length)}`;
      if (before === old) file.label = fileName(to);
      this.#files.set(keyOf(file.uri, file.isNotebook), file);
      this.#setTimer(file);
      if (file.isNotebook) this.#cellsRenamed(file);
      else for (const known of [this.#steps.pending(file), file.scored]) for (const own of known?.documents ?? []) own.uri = file.uri;
      this.#changed.fire(file);
    }
  }

  /** The cells of a notebook of another name are other documents, which are there after a while: it is laid out again. */
  #cellsRenamed(file: FileReading): void {
    this.#setTimer(file, CLOSED_AFTER_MS, () => this.#restart(file));
  }

  /** A document that is given another language or name is closed and opened at once. */
  #closed(file: FileReading | undefined): void {
    if (file === undefined) return;
    setTimeout(() => {
      if (!this.disposed && documentsOf(file).length === 0) this.forget(file);
    }, CLOSED_AFTER_MS);
  }
}

/** What a file is known by: a notebook may be open as a plain text at the same time. */
function keyOf(uri: string, isNotebook: boolean): string {
  return isNotebook ? `notebook ${uri}` : uri;
}
