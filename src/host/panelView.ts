import { vscode } from './vscode.ts';
import { CancelledError } from '../core/errors.ts';
import type { HostMessage, PanelMessage } from '../protocol/messages.ts';
import type { Comparer, Comparison } from './comparer.ts';
import type { CurrentExplanation } from './currentExplanation.ts';
import { Disposable } from './disposable.ts';
import { ExplainPanel } from './explainPanel.ts';
import { canInsert, type Generated } from './generatedText.ts';
import { type Log, sentenceOf } from './log.ts';
import type { ModelClient } from './modelClient.ts';
import { withOwnedArrays } from './ownedArrays.ts';
import type { TokenFocus } from './tokenFocus.ts';

type PanelQuery = Extract<PanelMessage, { readonly type: 'query' }>;
/** What the panel is told about work going on; the last of it is told again when the panel is shown again. */
export type WorkMessage = Extract<HostMessage, { readonly type: 'progress' | 'failure' | 'cancelled' }>;

/** What the panel asks of others. */
export interface PanelActions {
  cancel(): void;
  runAgain(): void;
  chat(on: boolean): void;
  compareWith(): void;
  compareModel(): void;
  insertGenerated(generated: Generated): void;
  explainGenerated(generated: Generated): void;
  chooseModel(): void;
  showLog(): void;
}

export interface PanelContext {
  readonly extensionUri: vscode.Uri;
  readonly client: ModelClient;
  readonly current: CurrentExplanation;
  readonly comparer: Comparer;
  readonly focus: TokenFocus;
  readonly log: Log;
}

/** The owner of the panel: keeps it supplied with the current explanation, and answers its questions. */
export class PanelView extends Disposable {
  readonly #context: PanelContext;
  readonly #actions: PanelActions;
  readonly #queries = new Map<number, AbortController>();
  #panel: ExplainPanel | undefined;
  #work: WorkMessage | undefined;
  /** The comparison that the page has. */
  #compared: Comparison | undefined;

  constructor(context: PanelContext, actions: PanelActions) {
    super();
    this.#context = context;
    this.#actions = actions;
    const { current, comparer, focus } = context;
    this.register(comparer.onDidChange(() => this.#showComparison()));
    this.register(current.onDidChange(() => this.#showExplanation()));
    this.register(current.onDidEdit(() => {
      this.#panel?.post({ type: 'stale', tokens: current.staleTokens() });
      this.#tellInsertable();
    }));
    this.register(vscode.workspace.onDidCloseTextDocument(() => this.#tellInsertable()));
    this.register(vscode.workspace.onDidOpenTextDocument(() => this.#tellInsertable()));
    this.register(focus.onDidMoveCursor((token) => this.#panel?.post({ type: 'select', token })));
  }

  get isOpen(): boolean {
    return this.#panel !== undefined;
  }

  /** Shows the panel, beside the editor where it is new. */
  open(label: string): void {
    if (!this.#panel) this.#adopt(ExplainPanel.create(this.#context.extensionUri, vscode.l10n.t('Explain Tokens')));
    this.#panel?.reveal();
    this.#name(label);
  }

  /** Takes over a panel restored after a reload; one that is there already goes. */
  revive(panel: vscode.WebviewPanel): void {
    this.#panel?.dispose();
    this.#adopt(ExplainPanel.revive(panel, this.#context.extensionUri));
  }

  close(): void {
    this.#panel?.dispose();
  }

  /** Tells the panel how the work goes; undefined: there is none. */
  tell(work: WorkMessage | undefined): void {
    this.#work = work;
    if (work) this.#panel?.post(work);
  }

  override dispose(): void {
    super.dispose();
    this.#dropAll();
    this.#panel?.dispose();
  }

  #adopt(panel: ExplainPanel): void {
    this.#panel = panel;
    panel.onDidReceive((message) => this.#receive(panel, message));
    panel.onDidEnd(() => {
      if (this.#panel !== panel) return;
      this.#panel = undefined;
      this.#work = undefined;
      this.#dropAll();
      if (this.disposed) return;
      this.#context.focus.mark([]);
      this.#actions.cancel();
      this.#context.comparer.close();
    });
  }

  #name(label: string): void {
    if (this.#panel) this.#panel.title = vscode.l10n.t('Tokens: {0}', label);
  }

  #receive(panel: ExplainPanel, message: PanelMessage): void {
    switch (message.type) {
      case 'ready':
        return this.#greet(panel);
      case 'query':
        return void this.#answer(panel, message);
      case 'dropQuery':
        return this.#queries.get(message.id)?.abort();
      case 'select':
        return this.#context.focus.select(message.token);
      case 'mark':
        return this.#context.focus.mark(message.tokens);
      case 'cancel':
        return this.#actions.cancel();
      case 'runAgain':
        return this.#actions.runAgain();
      case 'chat':
        return this.#actions.chat(message.on);
      case 'compareWith':
        return this.#actions.compareWith();
      case 'compareModel':
        return this.#actions.compareModel();
      case 'compareAgain':
        return void this.#context.comparer.compareAgain();
      case 'cancelComparison':
        return this.#context.comparer.cancel();
      case 'closeComparison':
        return this.#context.comparer.close();
      case 'insertGenerated':
      case 'explainGenerated': {
        const asked = this.#context.current.value;
        return asked?.shown.serial === message.serial ? this.#actions[message.type]({ asked, ids: message.continuation }) : undefined;
      }
      case 'chooseModel':
        return this.#actions.chooseModel();
      case 'showLog':
        return this.#actions.showLog();
    }
  }

  /** A page that was hidden or reloaded has lost everything but its view: it gets the whole of it again. */
  #greet(panel: ExplainPanel): void {
    this.#dropAll();
    panel.post({ type: 'init', strings: translations(), language: vscode.env.language });
    this.#showExplanation();
    this.#compared = undefined;
    this.#showComparison();
    const { selected } = this.#context.focus;
    if (selected !== null) panel.post({ type: 'select', token: selected });
    if (this.#work) panel.post(this.#work);
  }

  #showExplanation(): void {
    const shown = this.#context.current.value?.shown;
    if (!shown || !this.#panel) return;
    this.#dropAll();
    this.#name(shown.source.label);
    this.#panel.post({ type: 'explanation', shown: { ...shown, explanation: withOwnedArrays(shown.explanation) } });
    const tokens = this.#context.current.staleTokens();
    if (tokens.length > 0) this.#panel.post({ type: 'stale', tokens });
    this.#tellInsertable();
  }

  #tellInsertable(): void {
    this.#panel?.post({ type: 'insertable', possible: canInsert(this.#context.current) });
  }

  /** The second side, and how its making goes. */
  #showComparison(): void {
    const { value, work, again } = this.#context.comparer;
    this.#panel?.post({ type: 'comparing', work, again });
    if (value === this.#compared) return;
    this.#compared = value;
    const shown = value && { ...value.shown, explanation: withOwnedArrays(value.shown.explanation), divergence: value.shown.divergence && withOwnedArrays(value.shown.divergence) };
    this.#panel?.post({ type: 'comparison', comparison: shown ?? null });
  }

  async #answer(panel: ExplainPanel, { id, serial, query, side }: PanelQuery): Promise<void> {
    const { client, current, comparer, log } = this.#context;
    const asked = current.value;
    if (!asked || asked.shown.serial !== serial) return;
    const about = side === 'second' ? comparer.value : { ...asked, client };
    if (!about) return;
    const controller = new AbortController();
    this.#queries.set(id, controller);
    try {
      const result = await about.client.query(about.modelKey, about.ids, query, controller.signal);
      if (controller.signal.aborted || current.value?.shown.serial !== serial) return;
      panel.post({ type: 'reply', id, serial, result: withOwnedArrays(result) });
    } catch (error) {
      if (controller.signal.aborted) return;
      const cancelled = error instanceof CancelledError;
      if (!cancelled) log.error(`Query ${query.name}`, error);
      panel.post({ type: 'replyError', id, message: cancelled ? vscode.l10n.t('Cancelled.') : sentenceOf(error) });
    } finally {
      if (this.#queries.get(id) === controller) this.#queries.delete(id);
    }
  }

  #dropAll(): void {
    for (const controller of this.#queries.values()) controller.abort();
    this.#queries.clear();
  }
}

/** The texts of the display language, for the page. */
function translations(): Readonly<Record<string, string>> {
  return vscode.l10n.bundle ?? {};
}
