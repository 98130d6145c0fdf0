import { vscode } from '../vscode.ts';
import { CancelledError } from '../../core/errors.ts';
import { addPart, carriedScores, nextPart, unreadScores } from '../../core/fileScores.ts';
import { firstTokenBeyond } from '../../core/packedTokens.ts';
import { runOf, UNCHANGED } from '../../core/run.ts';
import { prosePieces } from '../../core/markdownProse.ts';
import { applyEdits, heal, originalNear, trackText, type TrackedText } from '../../core/textEdits.ts';
import { wholeCharacters } from '../../core/textSpans.ts';
import type { ModelClient } from '../client/modelClient.ts';
import { onSettingChange, readSettings } from '../configuration.ts';
import { Disposable } from '../disposable.ts';
import { findDocument, labelOf, readDocument } from '../editor/target.ts';
import type { FileReading, Scored } from './fileReading.ts';

/** Most UTF-16 units read of a file: some 300,000 tokens, which take a quarter of an hour. */
export const MAX_FILE = 1_000_000;
/** Time without typing after which what was edited is read again in a live file. */
const LIVE_AFTER_MS = 500;
/** Time after which a document that was closed is not opened again under another name or in another language. */
const CLOSED_AFTER_MS = 1000;

/**
 * Reads whole files in the background, window by window from where the user looks. It makes way for explanations and questions, and
 * begins again with a model that is chosen meanwhile; a file that is closed is forgotten.
 */
export class FileReader extends Disposable {
  readonly #client: ModelClient;
  readonly #onFailure: (file: FileReading, error: unknown) => void;
  readonly #files = new Map<string, FileReading>();
  readonly #changed = this.register(new vscode.EventEmitter<FileReading>());
  readonly #edited = this.register(new vscode.EventEmitter<FileReading>());
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  #working = false;

  /** Fires when there are other scores of a file, when its reading began or ended, and when it is forgotten. */
  readonly onDidChange = this.#changed.event;
  /** Fires when a file was edited, so that tokens moved or became stale. */
  readonly onDidEdit = this.#edited.event;

  /** `onFailure` is told of a file that cannot be read, which is forgotten then. */
  constructor(client: ModelClient, onFailure: (file: FileReading, error: unknown) => void) {
    super();
    this.#client = client;
    this.#onFailure = onFailure;
    this.register(vscode.workspace.onDidChangeTextDocument((event) => this.#followEdits(event)));
    this.register(vscode.workspace.onDidCloseTextDocument((document) => this.#closed(document)));
    this.register(vscode.workspace.onDidRenameFiles(({ files }) => files.forEach(({ oldUri, newUri }) => this.#renamed(oldUri, newUri))));
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

  /** The reading of a document, if it was asked for. */
  of(document: vscode.TextDocument): FileReading | undefined {
    return this.#files.get(document.uri.toString());
  }

  /** Reads a document; one that was read before, in its present form: what did not change keeps its scores. */
  read(document: vscode.TextDocument): FileReading {
    const uri = document.uri.toString();
    const known = this.#files.get(uri);
    const file: FileReading = known ?? {
      uri,
      label: labelOf(document),
      state: 'reading',
      work: new AbortController(),
      scored: null,
      outdated: false,
      live: false,
    };
    this.#files.set(uri, file);
    this.#restart(file);
    return file;
  }

  /** Ends the reading of a file and keeps what was read. */
  stop(file: FileReading): void {
    file.work.abort();
    if (file.scored === null) return this.forget(file);
    file.state = 'stopped';
    file.live = false;
    this.#changed.fire(file);
  }

  /** Removes all that is known of a file. */
  forget(file: FileReading): void {
    file.work.abort();
    clearTimeout(this.#timers.get(file.uri));
    this.#timers.delete(file.uri);
    if (this.#files.get(file.uri) !== file) return;
    this.#files.delete(file.uri);
    this.#changed.fire(file);
  }

  /** Sets whether what is edited is read again by itself. */
  setLive(file: FileReading, live: boolean): void {
    file.live = live;
    clearTimeout(this.#timers.get(file.uri));
    if (live) this.#restart(file);
    else this.#changed.fire(file);
  }

  #restart(file: FileReading): void {
    clearTimeout(this.#timers.get(file.uri));
    file.work.abort();
    file.work = new AbortController();
    file.state = 'reading';
    file.outdated = true;
    this.#changed.fire(file);
    void this.#work();
  }

  /** Another model, or other windows, give other scores. What the user stopped does not begin by itself. */
  #beginAgain(): void {
    for (const file of this.#files.values()) {
      if (file.state === 'stopped') this.forget(file);
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
    const active = vscode.window.activeTextEditor?.document.uri.toString();
    return open.find(({ uri }) => uri === active) ?? open[0];
  }

  async #step(file: FileReading): Promise<void> {
    const { signal } = file.work;
    const isNewest = (): boolean => !signal.aborted && !this.disposed && this.#files.get(file.uri) === file;
    try {
      const { scored } = file;
      if (scored === null || file.outdated) return await this.#layOut(file, signal, isNewest);
      const part = nextPart(scored.scores, this.#nearToken(file, scored));
      if (part === null) file.state = 'done';
      else {
        const { begin, from, end } = part;
        const run = runOf(scored.scores.tokens.ids.slice(begin, end), UNCHANGED);
        const scores = await this.#client.askBehind(scored.modelKey, run, 'scores', { from: from - begin }, signal);
        if (!isNewest()) return;
        addPart(scored.scores, part, scores);
      }
      this.#changed.fire(file);
    } catch (error) {
      // A call that was ended for another model begins again with that.
      if (!isNewest() || error instanceof CancelledError) return;
      this.forget(file);
      this.#onFailure(file, error);
    }
  }

  async #layOut(file: FileReading, signal: AbortSignal, isNewest: () => boolean): Promise<void> {
    const document = findDocument(file.uri);
    if (document === undefined) return this.forget(file);
    const end = document.offsetAt(document.lineAt(document.lineCount - 1).range.end);
    const all = readDocument(document, 0, Math.min(end, MAX_FILE + 1));
    const whole = all.slice(0, all.length > MAX_FILE ? wholeCharacters(all, MAX_FILE) : all.length);
    const parts = document.languageId === 'markdown' && readSettings().proseOnly ? prosePieces(whole) : trackText(0, whole.length).pieces;
    const text = parts.map(({ from, to, at }) => whole.slice(at, at + to - from)).join('');
    // Edits are followed from here on, as tokens take a while.
    const pending = { tracked: { length: text.length, start: 0, end: whole.length, pieces: parts }, text };
    file.outdated = false;
    this.#pending.set(file.uri, pending);
    try {
      const { stride } = readSettings();
      const { layout, modelKey } = await this.#client.layOut(text, stride === 0 ? null : stride, signal);
      if (!isNewest()) return;
      const { scored } = file;
      const isCarried =
        scored !== null &&
        scored.modelKey === modelKey &&
        scored.layout.rule.length === layout.rule.length &&
        scored.layout.rule.stride === layout.rule.stride;
      file.scored = {
        layout,
        scores: isCarried ? carriedScores(scored.scores, layout) : unreadScores(layout),
        text,
        tracked: pending.tracked,
        parts,
        left: whole.length - text.length,
        omitted: end - whole.length + text.length - layout.read,
        modelKey,
      };
      this.#changed.fire(file);
    } catch (error) {
      if (isNewest()) file.outdated = true;
      throw error;
    } finally {
      if (this.#pending.get(file.uri) === pending) this.#pending.delete(file.uri);
    }
  }

  /** Texts that are being made into tokens. */
  readonly #pending = new Map<string, { tracked: TrackedText; readonly text: string }>();

  /** The token at the top of what is on screen; of a file that is not, the first. */
  #nearToken({ uri }: FileReading, { scores, tracked }: Scored): number {
    const showing = vscode.window.visibleTextEditors.filter(({ document }) => document.uri.toString() === uri);
    const editor = showing.find((one) => one === vscode.window.activeTextEditor) ?? showing[0];
    const top = editor?.visibleRanges[0]?.start;
    if (editor === undefined || top === undefined) return 0;
    return firstTokenBeyond(scores.tokens, originalNear(tracked, editor.document.offsetAt(top)));
  }

  #followEdits({ document, contentChanges }: vscode.TextDocumentChangeEvent): void {
    const uri = document.uri.toString();
    const file = this.#files.get(uri);
    if (file === undefined || contentChanges.length === 0) return;
    const edited = (tracked: TrackedText, text: string): TrackedText => {
      const moved = applyEdits(
        tracked,
        contentChanges.map(({ rangeOffset, rangeLength, text: { length } }) => ({
          offset: rangeOffset,
          removed: rangeLength,
          inserted: length,
        })),
      );
      return heal(moved, text, (start, end) => readDocument(document, start, end));
    };
    const pending = this.#pending.get(uri);
    if (pending !== undefined) pending.tracked = edited(pending.tracked, pending.text);
    const { scored } = file;
    if (scored !== null) scored.tracked = edited(scored.tracked, scored.text);
    this.#edited.fire(file);
    if (!file.live) return;
    clearTimeout(this.#timers.get(uri));
    this.#timers.set(
      uri,
      setTimeout(() => this.#restart(file), LIVE_AFTER_MS),
    );
  }

  /** What is known of a file that was given another name, or is in a folder that was, is known of it under that one. */
  #renamed(from: vscode.Uri, to: vscode.Uri): void {
    const old = from.toString();
    for (const file of [...this.#files.values()].filter(({ uri }) => uri === old || uri.startsWith(`${old}/`))) {
      const rest = file.uri.slice(old.length);
      const pending = this.#pending.get(file.uri);
      clearTimeout(this.#timers.get(file.uri));
      for (const known of [this.#files, this.#pending, this.#timers]) known.delete(file.uri);
      file.uri = `${to.toString()}${rest}`;
      if (rest === '') file.label = to.path.split('/').findLast((part) => part !== '') ?? file.label;
      this.#files.set(file.uri, file);
      if (pending) this.#pending.set(file.uri, pending);
      this.#changed.fire(file);
    }
  }

  /** A document that is given another language or name is closed and opened at once. */
  #closed(document: vscode.TextDocument): void {
    const file = this.of(document);
    if (file === undefined) return;
    setTimeout(() => {
      if (!this.disposed && findDocument(file.uri) === undefined) this.forget(file);
    }, CLOSED_AFTER_MS);
  }
}
