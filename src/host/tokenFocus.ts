import { vscode } from './vscode.ts';
import type { CurrentExplanation } from './currentExplanation.ts';
import { Disposable } from './disposable.ts';
import { findDocument } from './target.ts';

/** Which token the user looks at, in editor and panel alike, and which ones the panel's pointer marks. */
export class TokenFocus extends Disposable {
  readonly #current: CurrentExplanation;
  readonly #changed = this.register(new vscode.EventEmitter<void>());
  readonly #cursor = this.register(new vscode.EventEmitter<number | null>());
  #selected: number | null = null;
  #marked: readonly number[] = [];
  #opening = false;

  /** Selected or marked tokens changed, wherever from. */
  readonly onDidChange = this.#changed.event;
  /** The editor's cursor moved to another token. Never fired by the panel's own choice. */
  readonly onDidMoveCursor = this.#cursor.event;

  constructor(current: CurrentExplanation) {
    super();
    this.#current = current;
    this.register(current.onDidChange(() => this.#reset()));
    this.register(vscode.window.onDidChangeTextEditorSelection((event) => this.#followCursor(event.textEditor)));
  }

  get selected(): number | null {
    return this.#selected;
  }

  get marked(): readonly number[] {
    return this.#marked;
  }

  /** The panel chose a token: shows it in the editor, opening the document where no editor shows it. */
  select(token: number): void {
    this.#selected = token;
    this.#changed.fire();
    void this.#reveal(token);
  }

  /** The panel's pointer is over these tokens. */
  mark(tokens: readonly number[]): void {
    if (tokens.length === 0 && this.#marked.length === 0) return;
    this.#marked = tokens;
    this.#changed.fire();
  }

  #reset(): void {
    this.#selected = null;
    this.#marked = [];
    this.#changed.fire();
  }

  #followCursor(editor: vscode.TextEditor): void {
    if (this.#opening || !this.#current.isAbout(editor.document)) return;
    const place = this.#current.placeAt(editor.document, editor.selection.active);
    const token = place.kind === 'token' ? place.token : null;
    if (token === this.#selected || sharesCharacter(this.#current, token, this.#selected)) return;
    this.#selected = token;
    this.#changed.fire();
    this.#cursor.fire(token);
  }

  async #reveal(token: number): Promise<void> {
    const source = this.#current.value?.shown.source;
    if (!source) return;
    const editor = visibleEditor(this.#current) ?? (await this.#open(source.uri, token));
    if (!editor || !this.#current.isAbout(editor.document) || this.#selected !== token) return;
    const place = this.#current.rangeOf(editor.document, token);
    if (place) editor.revealRange(place.range, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
  }

  /**
   * Shows an open document again, its cursor on the token: the place where the cursor was left is no choice of the user's now.
   * A notebook's cell has no editor of its own outside its notebook.
   */
  async #open(uri: string, token: number): Promise<vscode.TextEditor | undefined> {
    const document = findDocument(uri);
    if (!document || document.uri.scheme === 'vscode-notebook-cell') return undefined;
    const start = this.#current.rangeOf(document, token)?.range.start;
    this.#opening = true;
    try {
      return await vscode.window.showTextDocument(document, { viewColumn: vscode.ViewColumn.One, preserveFocus: true, ...(start ? { selection: new vscode.Range(start, start) } : {}) });
    } finally {
      this.#opening = false;
    }
  }
}

function visibleEditor(current: CurrentExplanation): vscode.TextEditor | undefined {
  return vscode.window.visibleTextEditors.find((editor) => current.isAbout(editor.document));
}

/** Several tokens can hold parts of one character: the cursor cannot tell them apart, so it keeps the one chosen. */
function sharesCharacter(current: CurrentExplanation, token: number | null, selected: number | null): boolean {
  const tokens = current.value?.shown.explanation.tokens;
  if (token === null || selected === null || !tokens) return false;
  const [a, b] = [tokens[token], tokens[selected]];
  return a !== undefined && b !== undefined && a.start < b.end && b.start < a.end;
}
