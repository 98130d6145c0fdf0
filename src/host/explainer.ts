import { vscode } from './vscode.ts';
import { CancelledError } from '../core/errors.ts';
import type { Progress } from '../worker/api.ts';
import type { CurrentExplanation } from './currentExplanation.ts';
import { Disposable } from './disposable.ts';
import { type Log, reportError, sentenceOf } from './log.ts';
import type { ExplainedBy, ModelClient } from './modelClient.ts';
import type { Advice } from './modelAdvice.ts';
import type { PanelView } from './panelView.ts';
import { readSettings } from './settings.ts';
import { findDocument, type Target, targetOfRange } from './target.ts';

/** Work shorter than this shows no notification. */
const NOTIFY_AFTER_MS = 400;

/** Runs the model over a text and makes the result the current explanation. A newer request supersedes an older one. */
export class Explainer extends Disposable {
  readonly #client: ModelClient;
  readonly #current: CurrentExplanation;
  readonly #log: Log;
  #running: AbortController | undefined;
  #last: Target | undefined;
  #panel: PanelView | undefined;
  /** Texts are read as a user's message, where the model has a chat template. */
  #chat = false;
  readonly #advise: (error: unknown) => Promise<Advice>;
  readonly #willExplain = this.register(new vscode.EventEmitter<void>());

  /** Another text is about to be explained. */
  readonly onWillExplain = this.#willExplain.event;

  /** `advise` tells what can be done about an error. */
  constructor(client: ModelClient, current: CurrentExplanation, log: Log, advise: (error: unknown) => Promise<Advice>) {
    super();
    this.#advise = advise;
    this.#client = client;
    this.#current = current;
    this.#log = log;
  }

  /** Where progress and failures are shown; the panel in turn asks this to cancel and to run again. */
  attach(panel: PanelView): void {
    this.#panel = panel;
  }

  async explain(target: Target): Promise<void> {
    this.#running?.abort();
    this.#willExplain.fire();
    const controller = new AbortController();
    this.#running = controller;
    this.#last = target;
    const isNewest = (): boolean => this.#running === controller && !this.disposed;
    // A chat is the panel's: a new panel begins with the text as it is.
    if (this.#panel?.isOpen !== true) this.#chat = false;
    this.#panel?.open(target.source.label);
    this.#panel?.tell({ type: 'progress', message: stageText(), fraction: null });
    try {
      const result = await this.#run(target, controller);
      if (!isNewest()) return;
      this.#panel?.tell(undefined);
      this.#current.set({ source: target.source, explanation: result.explanation, notices: [...target.notices, ...noticesOf(target, result)] }, result.modelKey);
    } catch (error) {
      if (!isNewest()) return;
      // What did not come about leaves the reading as the panel shows it.
      this.#chat = this.#current.value?.shown.explanation.chat === true;
      if (error instanceof CancelledError) this.#panel?.tell({ type: 'cancelled' });
      else await this.#fail(target, error);
    } finally {
      if (this.#running === controller) this.#running = undefined;
    }
  }

  /** The same text once more, as it is now. */
  async runAgain(): Promise<void> {
    const target = this.#targetNow();
    if (target) await this.explain(target);
    else void vscode.window.showInformationMessage(vscode.l10n.t('There is nothing to run again: explain a text first.'));
  }

  /** Reads texts as a user's message from now on, or as they are. */
  setChat(on: boolean): void {
    this.#chat = on;
  }

  /** After a change of the settings: opens the new model, and shows the same text as it reads it. */
  async changeModel(): Promise<void> {
    try {
      const key = await this.#client.reopen();
      const shown = this.#current.value;
      if (shown && this.#panel?.isOpen && key !== shown.modelKey) await this.runAgain();
    } catch (error) {
      if (!(error instanceof CancelledError)) void reportError(this.#log, 'Opening the model', error);
    }
  }

  /** The user's Cancel: ends the model's work, whatever stage it is at. */
  cancel(): void {
    if (!this.#running) return;
    this.#running.abort();
    this.#client.stop();
  }

  override dispose(): void {
    this.#running?.abort();
    super.dispose();
  }

  async #run(target: Target, controller: AbortController): Promise<ExplainedBy> {
    let report: (progress: Progress) => void = () => undefined;
    const explained = this.#client.explain({ text: target.text, topK: readSettings().candidates, chat: this.#chat, ...(target.continuation ? { continuation: target.continuation } : {}) }, controller.signal, (progress) => {
      if (this.#running !== controller) return;
      this.#panel?.tell({ type: 'progress', message: stageText(progress), fraction: fractionOf(progress) });
      report(progress);
    });
    const timer = setTimeout(() => {
      const options = { location: vscode.ProgressLocation.Notification, cancellable: true, title: vscode.l10n.t('Explain Tokens') };
      void vscode.window.withProgress(options, (view, token) => {
        token.onCancellationRequested(() => {
          if (this.#running === controller) this.cancel();
        });
        report = (progress) => view.report({ message: stageText(progress) });
        view.report({ message: stageText() });
        return explained.then(
          () => undefined,
          () => undefined,
        );
      });
    }, NOTIFY_AFTER_MS);
    try {
      return await explained;
    } finally {
      clearTimeout(timer);
    }
  }

  async #fail(target: Target, failure: unknown): Promise<void> {
    const { error, remedies } = await this.#advise(failure);
    this.#panel?.tell({ type: 'failure', message: sentenceOf(error) });
    void reportError(this.#log, `Explaining ${target.source.uri}`, error, { ...remedies, [vscode.l10n.t('Run Again')]: () => this.explain(target) });
  }

  /** The last text asked for, as its document has it now; as it was where the document is closed. */
  #targetNow(): Target | undefined {
    const last = this.#last;
    const document = last && findDocument(last.source.uri);
    if (!document) return last;
    const isShown = this.#current.value?.shown.source === last.source;
    const { start, end } = (isShown ? this.#current.sourceRange() : undefined) ?? last.source;
    const now = targetOfRange(document, new vscode.Range(document.positionAt(start), document.positionAt(end)), []);
    return now && last.continuation && now.text === last.text ? { ...now, continuation: last.continuation } : (now ?? undefined);
  }
}

/** Sentences about what of a text the model did not read. */
export function noticesOf(target: Pick<Target, 'unread'>, { explanation }: Pick<ExplainedBy, 'explanation'>): string[] {
  const omitted = explanation.omitted + target.unread;
  if (omitted === 0) return [];
  const { contextLength, name } = explanation.model;
  return [vscode.l10n.t('{0} reads {1} tokens at once: the last {2} characters of the text were left out.', name, contextLength, omitted)];
}

/** What a stage of the work is called. */
export function stageText(progress?: Progress): string {
  switch (progress?.stage) {
    case 'load':
      return vscode.l10n.t('Loading the model…');
    case 'forward':
      return vscode.l10n.t('Running the model…');
    case 'predictions':
      return vscode.l10n.t('Reading the predictions…');
    case 'attention':
      return vscode.l10n.t('Measuring attention…');
    case undefined:
      return vscode.l10n.t('Starting the model…');
  }
}

export function fractionOf({ done, total }: Progress): number | null {
  return total > 0 ? Math.min(1, Math.max(0, done / total)) : null;
}
