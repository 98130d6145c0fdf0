import { vscode } from '../vscode.ts';
import type { CurrentExplanation } from '../explain/currentExplanation.ts';
import { Disposable } from '../disposable.ts';
import { Later } from '../later.ts';
import { findDocument } from './target.ts';

/** Time after which the panel follows the cursor: the editor's own marks come first, and of a cursor that runs only some places. */
const FOLLOW_AFTER_MS = 30;

/** The token selected in both editor and panel, and the tokens under the panel's pointer. */
export class TokenFocus extends Disposable {
  readonly #current: CurrentExplanation;
  readonly #changed = this.register(new vscode.EventEmitter<void>());
  readonly #cursor = this.register(new vscode.EventEmitter<number | null>());
  readonly #follow = this.register(new Later(FOLLOW_AFTER_MS, () => this.#tellCursor()));
  #selected: number | null = null;
  /** The token that the panel knows to be selected, as far as it was told or chose it. */
  #told: number | null = null;
  #marked: readonly number[] = [];
  #picked: readonly number[] = [];
  #opening = false;

  /** Fires when selected or marked tokens change, whatever the cause. */
  readonly onDidChange = this.#changed.event;
  /** Fires a moment after the editor's cursor moved to another token, but not when the panel selects one. */
  readonly onDidMoveCursor = this.#cursor.event;

  constructor(current: CurrentExplanation) {
    super();
    this.#current = current;
    this.register(current.onDidChange(() => this.#reset()));
    this.register(vscode.window.onDidChangeTextEditorSelection((event) => this.follow(event.textEditor)));
  }

  /** The selected token, or null. */
  get selected(): number | null {
    return this.#selected;
  }

  /** Tokens under the panel's pointer. */
  get marked(): readonly number[] {
    return this.#marked;
  }

  /** Tokens of the rows that are selected in the panel's table. */
  get picked(): readonly number[] {
    return this.#picked;
  }

  /** Selects a token chosen in the panel and reveals it in an editor, opening one if the document is not visible. */
  select(token: number): void {
    this.#selected = this.#told = token;
    this.#changed.fire();
    void this.#reveal(token);
  }

  /** Selects the token at an editor's cursor. */
  follow(editor: vscode.TextEditor): void {
    if (this.#opening || !this.#current.isAbout(editor.document)) return;
    const place = this.#current.placeAt(editor.document, editor.selection.active);
    const token = place.kind === 'token' ? place.token : null;
    if (token === this.#selected || sharesCharacter(this.#current, token, this.#selected)) return;
    this.#selected = token;
    this.#changed.fire();
    this.#follow.ask();
  }

  /** Reveals the beginning of the explained text, in a visible editor of it. */
  revealStart(): void {
    const editor = visibleEditor(this.#current);
    const place = editor?.document.positionAt(this.#current.value?.tracked.start ?? 0);
    if (editor && place) editor.revealRange(new vscode.Range(place, place), vscode.TextEditorRevealType.AtTop);
  }

  /** Marks the tokens under the panel's pointer; empty: none. */
  mark(tokens: readonly number[]): void {
    if (tokens.length === 0 && this.#marked.length === 0) return;
    this.#marked = tokens;
    this.#changed.fire();
  }

  /** Marks the tokens of the rows that are selected in the panel's table; empty: none. */
  pick(tokens: readonly number[]): void {
    if (tokens.length === 0 && this.#picked.length === 0) return;
    this.#picked = tokens;
    this.#changed.fire();
  }

  #tellCursor(): void {
    if (this.#selected === this.#told) return;
    this.#told = this.#selected;
    this.#cursor.fire(this.#selected);
  }

  #reset(): void {
    this.#selected = this.#told = null;
    this.#marked = [];
    this.#picked = [];
    this.#changed.fire();
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
   * Shows an open document again with the cursor on the token, since the cursor's old place would count as a selection by the user.
   * A notebook's cell has no editor outside its notebook.
   */
  async #open(uri: string, token: number): Promise<vscode.TextEditor | undefined> {
    const document = findDocument(uri);
    if (!document || document.uri.scheme === 'vscode-notebook-cell') return undefined;
    const start = this.#current.rangeOf(document, token)?.range.start;
    this.#opening = true;
    try {
      return await vscode.window.showTextDocument(document, {
        viewColumn: vscode.ViewColumn.One,
        preserveFocus: true,
        ...(start ? { selection: new vscode.Range(start, start) } : {}),
      });
    } finally {
      this.#opening = false;
    }
  }
}

function visibleEditor(current: CurrentExplanation): vscode.TextEditor | undefined {
  return vscode.window.visibleTextEditors.find((editor) => current.isAbout(editor.document));
}

/** Whether two tokens share a character. The cursor cannot tell such tokens apart, so the selected one stays selected. */
function sharesCharacter(current: CurrentExplanation, token: number | null, selected: number | null): boolean {
  const tokens = current.value?.shown.explanation.tokens;
  if (token === null || selected === null || !tokens) return false;
  const [a, b] = [tokens[token], tokens[selected]];
  return a !== undefined && b !== undefined && a.start < b.end && b.start < a.end;
}
