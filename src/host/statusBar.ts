import { vscode } from './vscode.ts';
import { CancelledError } from '../core/errors.ts';
import type { TokenCount } from '../worker/api.ts';
import type { CurrentExplanation } from './currentExplanation.ts';
import { Disposable } from './disposable.ts';
import type { Log } from './log.ts';
import type { ModelClient, ModelState } from './modelClient.ts';
import { meanBits } from './surprisal.ts';
import { MAX_TEXT, readDocument } from './target.ts';

/** A selection is counted when it has stood still for so long. */
const COUNT_AFTER_MS = 200;
/** Longer names are cut: the status bar is shared by all. */
const MAX_NAME = 24;

/** Token count of the selection, surprisal where it is known, and how the model is: one item. */
export class StatusBar extends Disposable {
  readonly #client: ModelClient;
  readonly #current: CurrentExplanation;
  readonly #log: Log;
  #item: vscode.StatusBarItem | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #counting: AbortController | undefined;
  #count: TokenCount | undefined;
  #state: ModelState = { kind: 'idle' };

  constructor(client: ModelClient, current: CurrentExplanation, log: Log) {
    super();
    this.#client = client;
    this.#current = current;
    this.#log = log;
    this.register(vscode.window.onDidChangeTextEditorSelection((event) => this.#countLater(event.textEditor)));
    this.register(vscode.window.onDidChangeActiveTextEditor((editor) => this.#countLater(editor)));
    this.register(current.onDidChange(() => this.#render()));
    this.register(current.onDidEdit(() => this.#render()));
    this.#countLater(vscode.window.activeTextEditor);
  }

  setState(state: ModelState): void {
    const isOtherModel = state.kind === 'ready' && this.#state.kind !== 'ready';
    this.#state = state;
    this.#render();
    if (isOtherModel) this.#countLater(vscode.window.activeTextEditor);
  }

  override dispose(): void {
    super.dispose();
    clearTimeout(this.#timer);
    this.#counting?.abort();
  }

  #countLater(editor: vscode.TextEditor | undefined): void {
    clearTimeout(this.#timer);
    this.#counting?.abort();
    this.#count = undefined;
    // A model that cannot be opened is not tried again with every selection.
    if (editor && !editor.selection.isEmpty && this.#state.kind !== 'failed') this.#timer = setTimeout(() => void this.#countTokens(editor), COUNT_AFTER_MS);
    this.#render();
  }

  async #countTokens(editor: vscode.TextEditor): Promise<void> {
    const controller = new AbortController();
    this.#counting = controller;
    const { document, selection } = editor;
    if (document.isClosed || selection.isEmpty) return;
    const start = document.offsetAt(selection.start);
    const end = document.offsetAt(selection.end);
    const text = readDocument(document, start, Math.min(end, start + MAX_TEXT));
    try {
      const { count, atLeast } = await this.#client.countTokens(text, controller.signal);
      if (controller.signal.aborted || this.disposed) return;
      this.#count = { count, atLeast: atLeast || end - start > text.length };
      this.#render();
    } catch (error) {
      if (!(error instanceof CancelledError)) this.#log.error('Counting tokens', error);
    }
  }

  #render(): void {
    if (this.disposed) return;
    const text = this.#text();
    if (text === undefined) return this.#item?.hide();
    this.#item ??= this.#createItem();
    this.#item.text = text;
    this.#item.tooltip = this.#tooltip();
    this.#item.show();
  }

  #text(): string | undefined {
    const { t } = vscode.l10n;
    if (this.#state.kind === 'loading') return `$(loading~spin) ${t('Loading the model…')}`;
    if (this.#state.kind === 'failed') return `$(warning) ${t('Explain Tokens')}`;
    const explained = this.#explainedHere();
    const count = this.#count ?? (explained && { count: explained.tokens, atLeast: false });
    if (!count) return undefined;
    const tokens = t('{0} tokens', `${count.atLeast ? '≥ ' : ''}${count.count.toLocaleString(vscode.env.language)}`);
    const bits = explained?.bits ?? null;
    return [`$(symbol-numeric) ${tokens}`, ...(bits === null ? [] : [t('{0} bits/token', bits.toFixed(1))]), ...this.#modelName()].join(' · ');
  }

  /** The model that counts, where it is known. */
  #modelName(): readonly string[] {
    if (this.#state.kind !== 'ready') return [];
    const { name } = this.#state.info;
    return [name.length > MAX_NAME ? `${name.slice(0, MAX_NAME - 1)}…` : name];
  }

  /** The explanation's figures, where the selection is the explained text or the cursor stands in it, unchanged. */
  #explainedHere(): { readonly tokens: number; readonly bits: number | null } | undefined {
    const editor = vscode.window.activeTextEditor;
    const current = this.#current.value;
    if (!editor || !current || !this.#current.isAbout(editor.document) || this.#current.staleTokens().length > 0) return undefined;
    const { document, selection } = editor;
    const { start, end } = current.tracked;
    const from = document.offsetAt(selection.start);
    const isHere = selection.isEmpty ? from >= start && from <= end : from === start && document.offsetAt(selection.end) === end;
    const { explanation } = current.shown;
    return isHere ? { tokens: explanation.tokens.filter(({ special }) => !special).length, bits: meanBits(explanation) } : undefined;
  }

  #tooltip(): string {
    const { t } = vscode.l10n;
    switch (this.#state.kind) {
      case 'ready':
        return t('Model: {0}. Click to explain the selection.', this.#state.info.name);
      case 'loading':
        return t('Model: {0}', this.#state.name);
      case 'failed':
        return this.#state.message;
      case 'idle':
        return t('Click to explain the selection.');
    }
  }

  #createItem(): vscode.StatusBarItem {
    const item = this.register(vscode.window.createStatusBarItem('explainTokens.tokens', vscode.StatusBarAlignment.Right, 100));
    item.name = vscode.l10n.t('Explain Tokens');
    item.command = 'explainTokens.explain';
    return item;
  }
}
