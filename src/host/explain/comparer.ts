import { vscode } from '../vscode.ts';
import { alignTokens } from '../../core/alignment.ts';
import { divergenceInParts, type Divergence } from '../../core/comparison.ts';
import { CancelledError, UserError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { Recipe } from '../../core/run.ts';
import type { Explanation, ModelInfo } from '../../core/trace.ts';
import type { ComparedState, ComparisonWork, ShownComparison } from '../../protocol/messages.ts';
import type { Current, CurrentExplanation } from './currentExplanation.ts';
import { Disposable } from '../disposable.ts';
import { Paced } from '../paced.ts';
import { fractionOf, listedAloneText, noticesOf, stageText } from './progressTexts.ts';
import { sideDivergence } from './sideDivergence.ts';
import { type Log, sentenceOf } from '../log.ts';
import type { ModelClient } from '../client/modelClient.ts';
import { t } from '../say.ts';
import { readSettings } from '../configuration.ts';
import { type Target, targetOfState } from '../editor/target.ts';

/** The second side of a comparison, with the model that read it. */
export interface Comparison {
  readonly shown: ShownComparison;
  readonly client: ModelClient;
  /** Key of the model, as the client's questions name it. */
  readonly modelKey: string;
}

/** A second side to compare with: another text, or another model as written in the settings. */
export type Second =
  | {
      readonly kind: 'text';
      readonly target: Target;
      /** Sentences about both sides, the first before the second. */
      readonly describe?: (first: Explanation, second: Explanation, divergence: Divergence | null) => readonly string[];
    }
  | { readonly kind: 'model'; readonly model: string };

/** Parts of the extension that a `Comparer` uses. */
export interface ComparerOptions {
  readonly client: ModelClient;
  readonly current: CurrentExplanation;
  readonly log: Log;
  /** A client of the model for a value of the setting `explainTokens.model`. Whoever asks for one disposes it. */
  readonly aside: (model: string) => ModelClient;
}

/** Computes the second side of a comparison and keeps it until the explanation that is its first side changes. */
export class Comparer extends Disposable {
  readonly #options: ComparerOptions;
  readonly #changed = this.register(new vscode.EventEmitter<void>());
  #value: Comparison | undefined;
  #work: ComparisonWork = { kind: 'idle' };
  #running: AbortController | undefined;
  #last: Second | undefined;
  #other: { readonly model: string; readonly client: ModelClient } | undefined;
  #serial = 0;

  /** Fires when the comparison or the state of the work changes. */
  readonly onDidChange = this.#changed.event;

  constructor(options: ComparerOptions) {
    super();
    this.#options = options;
    this.register(options.current.onDidChange(() => this.#dropForeign()));
  }

  /** The comparison on show, if any. */
  get value(): Comparison | undefined {
    return this.#value;
  }

  /** State of the work on a comparison. */
  get work(): ComparisonWork {
    return this.#work;
  }

  /** Name of the last second side, if it is not on show; null otherwise. */
  get again(): string | null {
    if (!this.#last || this.#value) return null;
    return this.#last.kind === 'text' ? this.#last.target.source.label : modelName(this.#last.model);
  }

  /** Compares the current explanation with a second side. `work` reports failures. `open`: whether the page opens the comparison's tab. */
  async compare(second: Second, open = true): Promise<void> {
    const first = this.#options.current.value;
    if (!first) return;
    this.#running?.abort();
    const controller = new AbortController();
    this.#running = controller;
    this.#last = second;
    const isNewest = (): boolean => this.#running === controller && !this.disposed;
    const told = new Paced<{ readonly message: string; readonly fraction: number | null }>((how) => {
      if (isNewest()) this.#set({ kind: 'working', ...how, open });
    });
    const tell = (message: string, fraction: number | null): void => told.tell({ message, fraction });
    tell(stageText(), null);
    try {
      const made = await this.#make(first, second, controller.signal, tell).finally(() => told.dispose());
      if (!isNewest()) return;
      this.#value = made;
      this.#set({ kind: 'idle' });
    } catch (error) {
      if (!isNewest()) return;
      if (!(error instanceof CancelledError)) this.#options.log.error('Comparing', error);
      this.#set(
        error instanceof CancelledError ? { kind: 'cancelled' } : { kind: 'failed', message: sentenceOf(error), what: placeOf(second) },
      );
    } finally {
      if (this.#running === controller) this.#running = undefined;
    }
  }

  /** Compares the current explanation with the last second side again. */
  async compareAgain(): Promise<void> {
    if (this.#last) await this.compare(this.#last);
  }

  /** Makes a comparison from a restored panel's state again. */
  async restore(state: ComparedState): Promise<void> {
    await this.compare(state.kind === 'model' ? state : { kind: 'text', target: targetOfState(state) }, false);
  }

  /** Cancels the work, including the model's; without work, dismisses an earlier failure or cancellation. */
  cancel(): void {
    if (this.#running) this.#running.abort();
    else if (this.#work.kind !== 'idle') this.#set({ kind: 'idle' });
  }

  /** Removes the comparison; its second side can be compared with again. */
  close(): void {
    this.cancel();
    this.#value = undefined;
    this.#set({ kind: 'idle' });
  }

  override dispose(): void {
    this.cancel();
    this.#other?.client.dispose();
    super.dispose();
  }

  async #make(
    first: Current,
    second: Second,
    signal: AbortSignal,
    tell: (message: string, fraction: number | null) => void,
  ): Promise<Comparison> {
    const { source, explanation: own } = first.shown;
    const alone = own.window === undefined ? [] : [t('This window is read as a text of its own here, without what comes before it.')];
    const target: Target = second.kind === 'text' ? second.target : { source, text: own.text, unread: 0, notices: alone };
    const client = second.kind === 'text' ? this.#options.client : this.#otherClient(second.model);
    const onProgress = (progress: Progress): void => tell(stageText(progress), fractionOf(progress));
    refuseListedAlone(own.model);
    const { recipe } = own.run;
    const interventions = { recipe, recipeFor: { model: own.model.name, ids: own.run.ids } };
    const explained = await client.explain(
      {
        text: target.text,
        topK: readSettings().candidates,
        chat: own.chat === true,
        // Layers and heads of another model are other ones.
        ...(second.kind === 'text' && recipe.length > 0 ? interventions : {}),
      },
      signal,
      onProgress,
    );
    if (second.kind === 'text' && explained.modelKey !== first.modelKey)
      throw new UserError(t('The model was changed since this text was explained: run again.'));
    const { explanation, modelKey } = explained;
    refuseListedAlone(explanation.model);
    const made = { client, modelKey };
    const sameVocabulary =
      second.kind === 'text' ||
      (await this.#options.client.ask(first.modelKey, own.run, 'vocabularyKey', {}, signal)) ===
        (await client.ask(modelKey, explanation.run, 'vocabularyKey', {}, signal));
    // An engine returns some alternatives of each distribution, not the whole.
    const isWhole = own.model.served === undefined && explanation.model.served === undefined;
    const divergence =
      sameVocabulary && isWhole
        ? await divergenceInParts(
            alignTokens(own.tokens, explanation.tokens, true),
            own.tokens,
            explanation.tokens,
            sideDivergence({ client: this.#options.client, modelKey: first.modelKey, explanation: own }, { ...made, explanation }, signal),
            (fraction) => tell(t('Comparing the predictions…'), fraction),
          )
        : null;
    return {
      ...made,
      shown: {
        serial: ++this.#serial,
        with: first.shown.serial,
        kind: second.kind,
        source: target.source,
        model: second.kind === 'model' ? second.model : null,
        explanation,
        notices: [
          ...(second.kind === 'text' ? (second.describe?.(own, explanation, divergence) ?? []) : []),
          ...target.notices,
          ...noticesOf(target, explained),
          ...recipeNotices(second.kind, recipe, explanation.run.recipe),
        ],
        sameVocabulary,
        divergence,
      },
    };
  }

  /** The client of the other model; only one is kept. */
  #otherClient(model: string): ModelClient {
    if (this.#other?.model === model) return this.#other.client;
    this.#other?.client.dispose();
    const client = this.#options.aside(model);
    this.#other = { model, client };
    return client;
  }

  /** Removes a comparison whose first side is no longer the current explanation. */
  #dropForeign(): void {
    if (this.#value && this.#value.shown.with !== this.#options.current.value?.shown.serial) this.close();
  }

  #set(work: ComparisonWork): void {
    this.#work = work;
    this.#changed.fire();
  }
}

/** What of the first side's interventions is not made on the second. */
function recipeNotices(kind: Second['kind'], first: Recipe, second: Recipe): readonly string[] {
  if (second.length === first.length) return [];
  return [
    kind === 'model'
      ? t('Interventions are on the first model alone: layers and heads of another one are other ones.')
      : t('Interventions that name a token behind the texts’ common beginning are made on the first text alone.'),
  ];
}

/** Location of the second side, for the user to check after a failure. */
function placeOf(second: Second): string {
  if (second.kind === 'model') return second.model === '' ? modelName('') : second.model;
  const { scheme, fsPath } = vscode.Uri.parse(second.target.source.uri);
  return scheme === 'file' || scheme === 'vscode-remote' ? fsPath : second.target.source.label;
}

function modelName(folder: string): string {
  return folder === '' ? t('Bundled model') : (folder.split(/[/\\]/).findLast((part) => part !== '') ?? folder);
}

/** Throws UserError for a model of which the bits of a text are not known. */
function refuseListedAlone({ name, served }: ModelInfo): void {
  if (served?.listedAlone === true) throw new UserError(listedAloneText(name));
}
