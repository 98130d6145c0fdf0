import { vscode } from '../vscode.ts';
import type { CurrentExplanation } from '../explain/currentExplanation.ts';
import { Disposable } from '../disposable.ts';

/** Time for which the cursor rests before another window is read: a key held down passes through many. */
const REST_MS = 350;

/** A document's version and its cursor when they were last looked at. */
interface Seen {
  readonly version: number;
  readonly cursor: number;
}

/**
 * Follows the editor's cursor into other windows of a long text. A cursor that typing moved, or the end of a selection, asks for nothing:
 * what is being written or copied is not what the user wants to see explained. Nor does one that stays while its selection is cleared.
 */
export class WindowFollower extends Disposable {
  readonly #current: CurrentExplanation;
  readonly #seen = new WeakMap<vscode.TextDocument, Seen>();
  readonly #enter: (at: number, editor: vscode.TextEditor) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `enter` is called with the offset of a cursor in the text on show, where that lies outside of its window. */
  constructor(current: CurrentExplanation, enter: (at: number, editor: vscode.TextEditor) => void) {
    super();
    this.#current = current;
    this.#enter = enter;
    this.register(
      current.onDidChange(() => {
        this.#stop();
        for (const editor of vscode.window.visibleTextEditors) if (current.isAbout(editor.document)) this.#see(editor);
      }),
    );
    this.register(vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => this.#follow(textEditor)));
  }

  override dispose(): void {
    super.dispose();
    this.#stop();
  }

  #stop(): void {
    clearTimeout(this.#timer);
  }

  #follow(editor: vscode.TextEditor): void {
    const { document } = editor;
    // A text is sent to an engine elsewhere by a command alone.
    if (!this.#current.isAbout(document) || this.#current.value?.shown.explanation.model.served !== undefined) return;
    this.#stop();
    const before = this.#seen.get(document);
    const now = this.#see(editor);
    const isMoved = before === undefined || (before.version === now.version && before.cursor !== now.cursor);
    if (!isMoved || this.#offsetOutside(editor) === undefined) return;
    this.#timer = setTimeout(() => {
      const at = document.isClosed ? undefined : this.#offsetOutside(editor);
      if (at !== undefined) this.#enter(at, editor);
    }, REST_MS);
  }

  #see({ document, selection }: vscode.TextEditor): Seen {
    const seen = { version: document.version, cursor: document.offsetAt(selection.active) };
    this.#seen.set(document, seen);
    return seen;
  }

  /** Offset of the cursor in the whole text, if it is there and outside of the window on show. */
  #offsetOutside({ document, selection }: vscode.TextEditor): number | undefined {
    const { value: current, outdated } = this.#current;
    // What failed or was cancelled stands in the panel until the user answers it.
    if (outdated === 'failed' || outdated === 'cancelled') return undefined;
    if (!current?.whole || !selection.isEmpty || !this.#current.isAbout(document)) return undefined;
    const { start, end } = current.whole.tracked;
    const cursor = document.offsetAt(selection.active);
    const isOutside = cursor < current.tracked.start || cursor > current.tracked.end;
    return isOutside && cursor >= start && cursor <= end ? cursor - start : undefined;
  }
}
