import { vscode } from '../vscode.ts';
import { percentOf } from '../../core/contextBudget.ts';
import { CancelledError } from '../../core/errors.ts';
import { inert, inertSentence, joined, withIcon, type Inert } from '../../core/inertText.ts';
import type { ModelInfo } from '../../core/trace.ts';
import type { TokenCount } from '../../worker/workerApi.ts';
import type { CurrentExplanation } from '../explain/currentExplanation.ts';
import { Disposable } from '../disposable.ts';
import { interventionsSentence, outdatedSentence } from './hoverText.ts';
import { type Log, sentenceOf } from '../log.ts';
import type { ModelClient, ModelState } from '../client/modelClient.ts';
import type { Outdated } from '../explain/outdated.ts';
import { readSettings } from '../configuration.ts';
import { t, tokensText } from '../say.ts';
import { computedBy } from '../explain/progressTexts.ts';
import { createStatusItem, type StatusItem } from '../surfaces.ts';
import { meanBits } from './surprisal.ts';
import { MAX_TEXT, readDocument } from './target.ts';

/** Time without a change after which the tokens of a selection are counted. */
const COUNT_AFTER_MS = 200;
/** Most characters shown of a model's name: the status bar has little room. */
const MAX_NAME = 24;

/** The item in the status bar: token count of the selection, its mean surprisal if known, and the state of the model. */
export class StatusBar extends Disposable {
  readonly #client: ModelClient;
  readonly #current: CurrentExplanation;
  readonly #log: Log;
  #item: StatusItem | undefined;
  /** What the item was last told to say. */
  #said = '';
  #timer: ReturnType<typeof setTimeout> | undefined;
  #counting: AbortController | undefined;
  #count: TokenCount | undefined;
  /** Why the selection's tokens could not be counted. */
  #uncounted: Inert | undefined;
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
    this.register(current.onDidAge(() => this.#render()));
    this.#countLater(vscode.window.activeTextEditor);
  }

  /** Shows another state of the model. */
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
    this.#uncounted = undefined;
    // A model that could not be opened is not opened again for each selection, and nothing that is only selected is sent to an engine.
    if (editor && !this.#client.isElsewhere && !editor.selection.isEmpty && this.#state.kind !== 'failed')
      this.#timer = setTimeout(() => void this.#countTokens(editor), COUNT_AFTER_MS);
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
      if (controller.signal.aborted || this.disposed || error instanceof CancelledError) return;
      this.#log.error('Counting tokens', error);
      this.#uncounted = sentenceOf(error);
      this.#render();
    }
  }

  #render(): void {
    if (this.disposed) return;
    const text = this.#text();
    const tooltip = text === undefined ? undefined : this.#tooltip();
    // With most moves of the cursor nothing changes, and the editor draws an item again whatever it is told of it.
    const said = JSON.stringify([text, tooltip]);
    if (said === this.#said) return;
    this.#said = said;
    if (text === undefined || tooltip === undefined) return this.#item?.hide();
    this.#item ??= this.#createItem();
    this.#item.text = text;
    this.#item.tooltip = tooltip;
    this.#item.show();
  }

  #text(): Inert | undefined {
    if (this.#state.kind === 'loading') return withIcon('loading~spin', t('Loading the model…'));
    if (this.#state.kind === 'failed' || this.#uncounted !== undefined) return withIcon('warning', t('Explain Tokens'));
    const explained = this.#explainedHere();
    const count = this.#count ?? (explained && { count: explained.tokens, atLeast: false });
    if (!count) return undefined;
    const tokens = tokensText(count.count, count.atLeast);
    const bits = explained?.bits ?? null;
    const icon = this.#outdated() === null ? 'symbol-numeric' : 'history';
    return withIcon(icon, joined([tokens, ...(bits === null ? [] : [t('{0} bits/token', bits.toFixed(1))]), ...this.#modelName()], ' · '));
  }

  /** Why the explanation behind the item is outdated; null if it is not, or if the item shows none. */
  #outdated(): Outdated | null {
    return this.#explainedHere() ? this.#current.outdated : null;
  }

  /** Name of the open model; empty if none is open. */
  #modelName(): readonly Inert[] {
    if (this.#state.kind !== 'ready') return [];
    return [inert(this.#state.info.name, MAX_NAME)];
  }

  /** Figures of the explanation, if its text is unchanged and the selection is that text or the cursor is in it. */
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

  #tooltip(): Inert {
    const outdated = this.#outdated();
    const explanation = this.#explainedHere() && this.#current.value?.shown.explanation;
    const sentences = [
      ...(outdated === null ? [] : [inertSentence(outdatedSentence(outdated, t))]),
      ...(explanation === undefined ? [] : interventionsSentence(explanation, t)),
    ];
    return joined([...sentences, this.#modelTooltip()], ' ');
  }

  #modelTooltip(): Inert {
    if (this.#uncounted !== undefined) return this.#uncounted;
    switch (this.#state.kind) {
      case 'ready':
        return joined(
          [
            ...this.#countAgainst(this.#state.info),
            t('Model: {0}. Click to explain the selection.', this.#state.info.name),
            computedBy(this.#state.info),
          ],
          ' ',
        );
      case 'loading':
        return t('Model: {0}', this.#state.name);
      case 'failed': {
        const { model } = readSettings();
        const { message } = this.#state;
        return model === '' || message.includes(model) ? inertSentence(message) : t('{0}: {1}', model, message);
      }
      case 'idle':
        return t('Click to explain the selection.');
    }
  }

  /** How the selection's tokens compare with what the model reads at once; empty where nothing is selected. */
  #countAgainst({ contextLength }: ModelInfo): readonly Inert[] {
    if (this.#count === undefined) return [];
    const [selected, context] = [this.#count.count, contextLength].map((count) => count.toLocaleString(vscode.env.language));
    return [
      t(
        'Selected: {0} tokens, {1} % of the {2} that the model reads at once.',
        `${this.#count.atLeast ? '≥ ' : ''}${selected}`,
        percentOf(this.#count.count, contextLength, vscode.env.language),
        context ?? '',
      ),
    ];
  }

  #createItem(): StatusItem {
    const item = this.register(createStatusItem('explainTokens.tokens', 100));
    item.name = t('Explain Tokens');
    item.command = 'explainTokens.explain';
    return item;
  }
}
