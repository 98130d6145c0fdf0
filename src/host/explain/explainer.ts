import { vscode } from '../vscode.ts';
import { CancelledError } from '../../core/errors.ts';
import { visibleControls } from '../../core/visibleText.ts';
import type { ShownExplanation, TextSource, WorkSubject } from '../../protocol/messages.ts';
import type { ExplainRequest, RecipeFor } from '../../protocol/explainRequest.ts';
import type { Progress } from '../../core/progress.ts';
import type { Recipe } from '../../core/run.ts';
import type { CurrentExplanation } from './currentExplanation.ts';
import { fractionOf, noticesOf, stageText, windowNames } from './progressTexts.ts';
import { Disposable } from '../disposable.ts';
import { Later } from '../later.ts';
import { Paced } from '../paced.ts';
import { type Log, reportError, sentenceOf } from '../log.ts';
import type { ExplainedBy, ModelClient } from '../client/modelClient.ts';
import type { Advice } from '../models/modelAdvice.ts';
import type { PanelView, WorkMessage } from '../panel/panelView.ts';
import { t } from '../say.ts';
import { inform, withProgress } from '../surfaces.ts';
import { readSettings } from '../configuration.ts';
import { AFTER_PANEL_MS } from '../editor/levelRanges.ts';
import { dropSelection } from '../editor/selection.ts';
import { findDocument, type ReadEditor, type Target, targetOfRange } from '../editor/target.ts';

/** Time of work after which a notification appears, unless the panel is there to show how far it has come; so often that is looked at. */
const NOTIFY_AFTER_MS = 400;
/**
 * Time of work after which a panel that shows an explanation shows the work: what is read there does not fade for less, and drawing what
 * is known of a text takes from the model the time of half its answer.
 */
const SHOW_AFTER_MS = 500;

type ProgressMessage = Extract<WorkMessage, { readonly type: 'progress' }>;

/** Interventions with what they were made for. */
interface Interventions {
  readonly recipe: Recipe;
  readonly for: RecipeFor;
}

/** Runs the model over a text and makes the result the current explanation. A newer request replaces an older one. */
export class Explainer extends Disposable {
  readonly #client: ModelClient;
  readonly #current: CurrentExplanation;
  readonly #log: Log;
  #running: AbortController | undefined;
  #last: Target | undefined;
  /** The text whose explanation is on show. */
  #explained: Target | undefined;
  /** Whether the last text could not be explained; another model may be able to. */
  #failed = false;
  /** Whether the work in progress only looks at another window of the text on show. */
  #moving = false;
  /** The text whose selection was cleared after it was explained. */
  #unselected: TextSource | undefined;
  #panel: PanelView | undefined;
  /** Whether texts are read as a user's message, if the model has a chat template. */
  #chat = false;
  /** Interventions with which texts are read. */
  #recipe: Interventions | null = null;
  readonly #advise: (error: unknown) => Promise<Advice>;
  readonly #unselecting = this.register(new Later(AFTER_PANEL_MS, () => this.#unselect()));
  readonly #willExplain = this.register(new vscode.EventEmitter<void>());

  /** Fires before a text is explained. */
  readonly onWillExplain = this.#willExplain.event;

  /** `advise` finds remedies for an error. */
  constructor(client: ModelClient, current: CurrentExplanation, log: Log, advise: (error: unknown) => Promise<Advice>) {
    super();
    this.#advise = advise;
    this.#client = client;
    this.#current = current;
    this.#log = log;
  }

  /** Sets the panel, which shows progress and failures. Not in the constructor, since the panel's actions need this explainer. */
  attach(panel: PanelView): void {
    this.#panel = panel;
  }

  /** Explains a text. Failures are shown, not thrown. */
  async explain(target: Target): Promise<void> {
    this.#running?.abort();
    this.#moving = false;
    this.#willExplain.fire();
    const controller = new AbortController();
    this.#running = controller;
    this.#last = target;
    this.#failed = false;
    this.#current.await(target.source);
    const isNewest = (): boolean => this.#running === controller && !this.disposed;
    // Chat and interventions are state of the panel: a new panel begins with the text and the model as they are.
    if (this.#panel?.isOpen !== true) {
      this.#chat = false;
      this.#recipe = null;
    }
    this.#panel?.open(target.source.label);
    const about = subjectOf(target.source);
    const told = this.#tellerOf(controller);
    told.tell({ type: 'progress', message: stageText(), fraction: null, about, tokens: null });
    this.#current.age('working');
    try {
      const result = await this.#run(target, about, controller, told.tell).finally(() => told.dispose());
      if (!isNewest()) return;
      this.#panel?.tell(undefined);
      this.#current.set(shownOf(target, result), result.modelKey, target.text);
      this.#explained = target;
      this.#recipe = this.#shownRecipe();
      this.#unselecting.ask();
    } catch (error) {
      if (!isNewest()) return;
      // After a failure or cancellation the panel still shows the previous explanation: its reading and interventions apply again.
      this.#chat = this.#current.value?.shown.explanation.chat === true;
      this.#recipe = this.#shownRecipe();
      if (error instanceof CancelledError) {
        this.#panel?.tell({ type: 'cancelled' });
        this.#current.age('cancelled');
      } else await this.#fail(target, about, error, isNewest);
    } finally {
      if (this.#running === controller) this.#running = undefined;
    }
  }

  /**
   * Whether an editor is as it was left after its selection was explained and cleared: nothing selected, and the cursor at an end of that
   * text. The user then still means that text.
   */
  readHere({ document, selection }: ReadEditor): boolean {
    const source = this.#current.value?.shown.source;
    const range = this.#current.sourceRange();
    if (!range || source !== this.#unselected || !selection.isEmpty || !this.#current.isAbout(document)) return false;
    const cursor = document.offsetAt(selection.active);
    return cursor === range.start || cursor === range.end;
  }

  /** Explains the last text again, in its present form. */
  async runAgain(): Promise<void> {
    const target = this.#targetNow(this.#last);
    if (target && this.#last?.source === this.#unselected) this.#unselected = target.source;
    if (target) await this.explain(target);
    else void inform(t('There is nothing to run again: explain a text first.'));
  }

  /**
   * Explains the window of the text on show, in its present form, that holds offset `at` of it (UTF-16 units). Another text that is being
   * explained goes before. Resolves to whether that window is shown now.
   */
  async showWindow(at: number): Promise<boolean> {
    const now = this.#targetNow(this.#explained);
    // Its explanation may have been removed since.
    if (!now || !this.#current.value || (this.#running && !this.#moving)) return false;
    if (this.#explained?.source === this.#unselected) this.#unselected = now.source;
    const { source, text, unread, notices, line = 1 } = now;
    const target = { source, text, unread, notices, line, at };
    const explaining = this.explain(target);
    this.#moving = true;
    await explaining;
    return this.#explained === target;
  }

  /** Makes a text the last one without explaining it: the user is to say that it is to be read. */
  hold(target: Target): void {
    this.#last = target;
    this.#panel?.tell({ type: 'cancelled' });
  }

  /** Sets whether texts are read as a user's message. */
  setChat(on: boolean): void {
    this.#chat = on;
  }

  /** Sets the interventions with which texts are read: positions that they name are of the text on show, where there is one. */
  setRecipe(recipe: Recipe, model?: string): void {
    const shown = this.#shownRecipe();
    const name = model ?? shown?.for.model;
    this.#recipe = name === undefined ? null : { recipe, for: { model: name, ids: model === undefined ? (shown?.for.ids ?? null) : null } };
  }

  /** Opens the new model after a change of the settings, and explains the same text with it. */
  async changeModel(): Promise<void> {
    const interrupted = this.#running && this.#last;
    const reopened = this.#client.reopen();
    if (interrupted) {
      // The explanation below reports a failure to open the model.
      reopened.catch(() => undefined);
      return this.explain(interrupted);
    }
    try {
      const key = await reopened;
      const shown = this.#current.value;
      if (this.#panel?.isOpen && (this.#failed || (shown && key !== shown.modelKey))) await this.runAgain();
    } catch (error) {
      if (error instanceof CancelledError || this.disposed) return;
      const shown = this.#current.value?.shown;
      if (shown) {
        this.#panel?.tell({ type: 'failure', message: sentenceOf(error), about: subjectOf(shown.source) });
        this.#current.age('failed');
      }
      void reportError(this.#log, 'Opening the model', error);
    }
  }

  /** Dismisses a failure or cancellation: the explanation on show is current again. */
  dismiss(): void {
    if (this.#running) return;
    this.#panel?.tell(undefined);
    this.#current.age(null);
  }

  /** Cancels the work, whatever stage it is at. */
  cancel(): void {
    if (!this.#running) return;
    this.#running.abort();
    this.#client.stop();
  }

  override dispose(): void {
    this.#running?.abort();
    super.dispose();
  }

  /** Shows the panel how far the work has come. */
  #tellerOf(controller: AbortController): Paced<ProgressMessage> {
    const isRead = this.#panel?.isShowing === true && this.#current.value !== undefined;
    return new Paced(
      (message) => {
        if (this.#running === controller) this.#panel?.tell(message);
      },
      isRead ? SHOW_AFTER_MS : 0,
      // Tokens are told once.
      (before, { tokens = before.tokens, ...after }) => ({ ...after, ...(tokens === undefined ? {} : { tokens }) }),
    );
  }

  async #run(target: Target, about: WorkSubject, controller: AbortController, tell: Paced<ProgressMessage>['tell']): Promise<ExplainedBy> {
    let report: (progress: Progress) => void = () => undefined;
    const explained = this.#client.explain(
      {
        text: target.text,
        at: target.at ?? 0,
        topK: readSettings().candidates,
        chat: this.#chat,
        ...this.#requestedRecipe(),
        ...(target.continuation ? { continuation: target.continuation } : {}),
      },
      controller.signal,
      (progress) => {
        if (this.#running !== controller) return;
        const { tokens } = progress;
        const far = { message: stageText(progress), fraction: fractionOf(progress), about };
        tell({ type: 'progress', ...far, ...(tokens === undefined ? {} : { tokens }) }, tokens !== undefined);
        report(progress);
      },
    );
    const notify = (): Promise<void> =>
      withProgress(t('Explain Tokens'), (view, signal) => {
        signal.addEventListener('abort', () => {
          if (this.#running === controller) this.cancel();
        });
        report = (progress) => view.report({ message: stageText(progress) });
        view.report({ message: stageText() });
        return explained.then(
          () => undefined,
          () => undefined,
        );
      });
    const timer = setInterval(() => {
      if (this.#panel?.isShowing === true) return;
      clearInterval(timer);
      void notify();
    }, NOTIFY_AFTER_MS);
    try {
      return await explained;
    } finally {
      clearInterval(timer);
    }
  }

  /** Clears the selection of the explained text, so that its colours are seen. */
  #unselect(): void {
    const source = this.#current.value?.shown.source;
    if (source !== undefined && dropSelection(this.#current)) this.#unselected = source;
  }

  /** Interventions of what is on show. */
  #shownRecipe(): Interventions | null {
    const explanation = this.#current.value?.shown.explanation;
    return explanation ? { recipe: explanation.run.recipe, for: { model: explanation.model.name, ids: explanation.run.ids } } : null;
  }

  #requestedRecipe(): Pick<ExplainRequest, 'recipe' | 'recipeFor'> {
    return this.#recipe && this.#recipe.recipe.length > 0 ? { recipe: this.#recipe.recipe, recipeFor: this.#recipe.for } : {};
  }

  async #fail(target: Target, about: WorkSubject, failure: unknown, isNewest: () => boolean): Promise<void> {
    const { error, remedies } = await this.#advise(failure);
    if (!isNewest()) return;
    this.#failed = true;
    this.#panel?.tell({ type: 'failure', message: sentenceOf(error), about });
    this.#current.age('failed');
    void reportError(this.#log, `Explaining ${target.source.uri}`, error, [
      ...remedies,
      { title: t('Run Again'), run: () => this.explain(target) },
    ]);
  }

  /** A text in its present form, with the window on show; in its old form if the document is closed. */
  #targetNow(last: Target | undefined): Target | undefined {
    const document = last && findDocument(last.source.uri);
    const isShown = last !== undefined && this.#current.value?.shown.source === last.source;
    const at = (isShown ? this.#current.windowOffset() : undefined) ?? last?.at;
    const here = at === undefined ? {} : { at };
    if (!document) return last && { ...last, ...here };
    const { start, end } = (isShown ? this.#current.sourceRange() : undefined) ?? last.source;
    const now = targetOfRange(document, new vscode.Range(document.positionAt(start), document.positionAt(end)), []);
    if (!now) return undefined;
    return { ...now, ...here, ...(last.continuation && now.text === last.text ? { continuation: last.continuation } : {}) };
  }
}

/** What is shown of an explained text. */
function shownOf(target: Target, { explanation }: Pick<ExplainedBy, 'explanation'>): Omit<ShownExplanation, 'serial'> {
  const windows = windowNames(target, explanation);
  return {
    source: target.source,
    explanation,
    notices: [...target.notices, ...noticesOf(target, { explanation })],
    ...(windows === undefined ? {} : { windows }),
  };
}

/** The text and the current model, by names that the user knows. */
function subjectOf({ uri, label }: TextSource): WorkSubject {
  const { scheme, fsPath } = vscode.Uri.parse(uri);
  return {
    text: visibleControls(label),
    place: visibleControls(scheme === 'file' || scheme === 'vscode-remote' ? fsPath : uri),
    model: visibleControls(readSettings().model),
  };
}
