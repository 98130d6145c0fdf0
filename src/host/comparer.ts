import { vscode } from './vscode.ts';
import { alignTokens } from '../core/alignment.ts';
import { distributionPairs, divergenceOf, type Divergence } from '../core/comparison.ts';
import { CancelledError, UserError } from '../core/errors.ts';
import type { Progress, WorkerApi } from '../worker/api.ts';
import type { Connection } from '../worker/rpc.ts';
import type { ComparedState, ComparisonWork, ShownComparison } from '../protocol/messages.ts';
import type { Current, CurrentExplanation } from './currentExplanation.ts';
import { Disposable } from './disposable.ts';
import { fractionOf, noticesOf, stageText } from './explainer.ts';
import { type Log, sentenceOf } from './log.ts';
import type { WantedModel } from './liveWorker.ts';
import { ModelClient } from './modelClient.ts';
import { readSettings } from './settings.ts';
import { type Target, targetOfState } from './target.ts';

/** Pairs of distributions compared in one call: what crosses between two models stays small. */
const PAIRS_AT_ONCE = 32;

/** A second side, and the model that made it. */
export interface Comparison {
  readonly shown: ShownComparison;
  readonly client: ModelClient;
  readonly modelKey: string;
  readonly ids: Int32Array;
}

/** What the explained text is compared with. */
export type Second = { readonly kind: 'text'; readonly target: Target } | { readonly kind: 'model'; readonly model: string };

export interface ComparerOptions {
  readonly client: ModelClient;
  readonly current: CurrentExplanation;
  readonly log: Log;
  /** Starts a worker. */
  readonly connect: () => Promise<Connection<WorkerApi>>;
  /** A model by its folder as the settings name it. */
  readonly wanted: (model: string) => WantedModel;
}

/** Makes the second side of a comparison and keeps it for as long as the first side stands. */
export class Comparer extends Disposable {
  readonly #options: ComparerOptions;
  readonly #changed = this.register(new vscode.EventEmitter<void>());
  #value: Comparison | undefined;
  #work: ComparisonWork = { kind: 'idle' };
  #running: AbortController | undefined;
  #last: Second | undefined;
  #other: { readonly model: string; readonly client: ModelClient } | undefined;
  #serial = 0;

  /** Another comparison, none, or another state of the work. */
  readonly onDidChange = this.#changed.event;

  constructor(options: ComparerOptions) {
    super();
    this.#options = options;
    this.register(options.current.onDidChange(() => this.#dropForeign()));
  }

  get value(): Comparison | undefined {
    return this.#value;
  }

  get work(): ComparisonWork {
    return this.#work;
  }

  /** What was compared last, where it is not on show: a name to offer it by. */
  get again(): string | null {
    if (!this.#last || this.#value) return null;
    return this.#last.kind === 'text' ? this.#last.target.source.label : modelName(this.#last.model);
  }

  /** Compares the current explanation with a second side. Failures are told by `work`. */
  async compare(second: Second, open = true): Promise<void> {
    const first = this.#options.current.value;
    if (!first) return;
    this.#running?.abort();
    const controller = new AbortController();
    this.#running = controller;
    this.#last = second;
    const isNewest = (): boolean => this.#running === controller && !this.disposed;
    const tell = (message: string, fraction: number | null): void => {
      if (isNewest()) this.#set({ kind: 'working', message, fraction, open });
    };
    tell(stageText(), null);
    try {
      const made = await this.#make(first, second, controller.signal, tell);
      if (!isNewest()) return;
      this.#value = made;
      this.#set({ kind: 'idle' });
    } catch (error) {
      if (!isNewest()) return;
      if (!(error instanceof CancelledError)) this.#options.log.error('Comparing', error);
      this.#set(error instanceof CancelledError ? { kind: 'cancelled' } : { kind: 'failed', message: sentenceOf(error) });
    } finally {
      if (this.#running === controller) this.#running = undefined;
    }
  }

  /** The last comparison once more, with what is explained now. */
  async compareAgain(): Promise<void> {
    if (this.#last) await this.compare(this.#last);
  }

  /** Makes a comparison that a page left behind. */
  async restore(state: ComparedState): Promise<void> {
    await this.compare(state.kind === 'model' ? state : { kind: 'text', target: targetOfState(state) }, false);
  }

  /** The user's Cancel: ends the work, the model's included. */
  cancel(): void {
    this.#running?.abort();
  }

  /** Takes the comparison away; what was compared can be again. */
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

  async #make(first: Current, second: Second, signal: AbortSignal, tell: (message: string, fraction: number | null) => void): Promise<Comparison> {
    const { source, explanation: own } = first.shown;
    const target: Target = second.kind === 'text' ? second.target : { source, text: own.text, unread: 0, notices: [] };
    const client = second.kind === 'text' ? this.#options.client : this.#otherClient(second.model);
    const onProgress = (progress: Progress): void => tell(stageText(progress), fractionOf(progress));
    const explained = await client.explain({ text: target.text, topK: readSettings().candidates, chat: own.chat === true }, signal, onProgress);
    if (second.kind === 'text' && explained.modelKey !== first.modelKey) throw new UserError(vscode.l10n.t('The model was changed since this text was explained: run again.'));
    const { explanation, modelKey } = explained;
    const ids = Int32Array.from(explanation.tokens, (token) => token.id);
    const made = { client, modelKey, ids };
    const sameVocabulary = second.kind === 'text' || (await vocabularyKey(this.#options.client, first.modelKey, signal)) === (await vocabularyKey(client, modelKey, signal));
    const divergence = sameVocabulary ? await this.#divergence(first, { ...made, tokens: explanation.tokens }, signal, tell) : null;
    return {
      ...made,
      shown: {
        serial: ++this.#serial, with: first.shown.serial, kind: second.kind, source: target.source, model: second.kind === 'model' ? second.model : null,
        explanation, notices: [...target.notices, ...noticesOf(target, explained)], sameVocabulary, divergence,
      },
    };
  }

  /** KL of all pairs of distributions, a few at a time: a model's own call, or the other model's logits carried over to the first. */
  async #divergence(first: Current, second: Pick<Comparison, 'client' | 'modelKey' | 'ids'> & Pick<Current['shown']['explanation'], 'tokens'>, signal: AbortSignal, tell: (message: string, fraction: number | null) => void): Promise<Divergence> {
    const { client } = this.#options;
    const spans = alignTokens(first.shown.explanation.tokens, second.tokens, true);
    const pairs = distributionPairs(spans, first.shown.explanation.tokens, second.tokens);
    const bits = new Float32Array(pairs.a.length);
    for (let from = 0; from < bits.length; from += PAIRS_AT_ONCE) {
      tell(vscode.l10n.t('Comparing the predictions…'), from / bits.length);
      const positions = pairs.a.slice(from, from + PAIRS_AT_ONCE);
      const others = pairs.b.slice(from, from + PAIRS_AT_ONCE);
      const theirs = second.client === client ? null : await second.client.call(second.modelKey, signal, (remote) => remote.logits(second.ids, others));
      const found = await client.call(first.modelKey, signal, (remote) =>
        remote.divergence(first.ids, positions, theirs === null ? { kind: 'ids', ids: second.ids, positions: others } : { kind: 'logits', logits: theirs.logits }));
      bits.set(found.bits, from);
    }
    return divergenceOf(bits, pairs, spans.length);
  }

  /** One other model at a time. */
  #otherClient(model: string): ModelClient {
    if (this.#other?.model === model) return this.#other.client;
    this.#other?.client.dispose();
    const { log, connect, wanted } = this.#options;
    const silent = (): void => undefined;
    const client = new ModelClient({ connect, wanted: () => wanted(model), onState: silent, onRefused: silent, onIdleFailure: (error) => log.error('Idle worker', error), t: vscode.l10n.t });
    this.#other = { model, client };
    return client;
  }

  /** A comparison belongs to one explanation. */
  #dropForeign(): void {
    if (this.#value && this.#value.shown.with !== this.#options.current.value?.shown.serial) this.close();
  }

  #set(work: ComparisonWork): void {
    this.#work = work;
    this.#changed.fire();
  }
}

function vocabularyKey(client: ModelClient, modelKey: string, signal: AbortSignal): Promise<string> {
  return client.call(modelKey, signal, (remote) => remote.vocabularyKey());
}

function modelName(folder: string): string {
  return folder === '' ? vscode.l10n.t('Bundled model') : (folder.split(/[/\\]/).findLast((part) => part !== '') ?? folder);
}
