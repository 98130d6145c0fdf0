import { CancelledError, UserError } from '../../core/errors.ts';
import { visibleControls } from '../../core/visibleText.ts';
import type { Explanation } from '../../core/trace.ts';
import type { ShownSizes, SizedModel } from '../../protocol/messages.ts';
import type { WantedModel } from '../client/liveWorker.ts';
import type { ModelClient } from '../client/modelClient.ts';
import { Disposable } from '../disposable.ts';
import { sentenceOf, type Log } from '../log.ts';
import { t } from '../say.ts';
import { shareTeller, withProgress } from '../surfaces.ts';
import { vscode } from '../vscode.ts';
import type { Current, CurrentExplanation } from './currentExplanation.ts';
import { listedAloneText, stageText } from './progressTexts.ts';

/** Parts of the extension that a `Sizer` uses. */
export interface SizerOptions {
  readonly current: CurrentExplanation;
  readonly log: Log;
  /** A client of the model for a value of the setting `explainTokens.model`. Whoever asks for one disposes it. */
  readonly aside: (model: string) => ModelClient;
  /** The model for a value of the setting `explainTokens.model`. */
  readonly wanted: (model: string) => WantedModel;
}

/** Reads the text on show with other models too, one after another, and keeps what each gave it until another text is shown. */
export class Sizer extends Disposable {
  readonly #options: SizerOptions;
  readonly #changed = this.register(new vscode.EventEmitter<void>());
  #value: ShownSizes | null = null;
  #running: AbortController | undefined;

  /** Fires when there are other sizes, or none any more. */
  readonly onDidChange = this.#changed.event;

  constructor(options: SizerOptions) {
    super();
    this.#options = options;
    this.register(
      options.current.onDidChange(() => {
        this.#running?.abort();
        this.#set(null);
      }),
    );
  }

  /** What is on show; null: nothing. */
  get value(): ShownSizes | null {
    return this.#value;
  }

  /** Removes what is on show. */
  close(): void {
    this.#set(null);
  }

  /**
   * Reads the text on show with the models of these settings too, with a notification that can be cancelled. A model that fails is named
   * with the reason, and the others go on. Throws UserError where none is left to compare with.
   */
  async compare(models: readonly string[]): Promise<void> {
    const first = this.#options.current.value;
    if (!first) return;
    this.#running?.abort();
    const controller = new AbortController();
    this.#running = controller;
    const { explanation, serial } = first.shown;
    const read: Explanation[] = [explanation];
    const failed: string[] = [];
    await withProgress(t('One text through many sizes'), async (view, cancelled) => {
      const { signal } = controller;
      const stop = (): void => controller.abort();
      cancelled.addEventListener('abort', stop, { once: true });
      const tell = shareTeller(view);
      for (const [index, setting] of models.entries()) {
        if (signal.aborted) return;
        const model = this.#options.wanted(setting);
        tell(t('{0}: {1} of {2}', model.name, index + 1, models.length), index / models.length);
        try {
          read.push(await this.#readBy(setting, first, signal));
        } catch (error) {
          if (error instanceof CancelledError) {
            if (signal.aborted) return;
            continue;
          }
          if (!(error instanceof UserError)) throw error;
          this.#options.log.error(`Reading with ${model.name}`, error);
          failed.push(t('{0} is left out: {1}', model.name, sentenceOf(error)));
        }
      }
    });
    if (this.#running !== controller) return;
    this.#running = undefined;
    if (controller.signal.aborted || this.disposed) return;
    const sizes = sizesOf(serial, read, failed);
    if (sizes.models.length < 2) throw new UserError(sizes.notices[0] ?? t('There is no second model to compare with.'));
    this.#set(sizes);
  }

  override dispose(): void {
    this.#running?.abort();
    super.dispose();
  }

  /** The text on show as another model reads it; the model is gone afterwards, so that the next has its room. */
  async #readBy(model: string, { shown }: Current, signal: AbortSignal): Promise<Explanation> {
    const client = this.#options.aside(model);
    try {
      const { explanation } = await client.explain({ text: shown.explanation.text, topK: 1 }, signal, (progress) => stageText(progress));
      return explanation;
    } finally {
      client.dispose();
    }
  }

  #set(value: ShownSizes | null): void {
    if (value === this.#value) return;
    this.#value = value;
    this.#changed.fire();
  }
}

/** The readings of one text in the order of the models' sizes, as far as all of them read it. */
export function sizesOf(serial: number, read: readonly Explanation[], failed: readonly string[]): ShownSizes {
  const listed = read.filter(({ model }) => model.served?.listedAlone === true);
  const sized = read.filter((one) => one.model.parameters > 0 && !listed.includes(one));
  const unknown = read.filter((one) => one.model.parameters <= 0 && !listed.includes(one));
  const length = sized.reduce((least, { text }) => Math.min(least, text.length), Infinity);
  const text = sized[0]?.text.slice(0, length) ?? '';
  const models = sized
    .map(({ model, tokens, logprob, rank }): SizedModel => {
      // A token that goes on beyond what all have read is left out.
      const count = tokens.findLastIndex(({ end }) => end <= length) + 1;
      return {
        name: visibleControls(model.name),
        family: model.family,
        parameters: model.parameters,
        tokens: tokens.slice(0, count),
        logprob: logprob.slice(0, count),
        rank: rank.slice(0, count),
      };
    })
    .toSorted((a, b) => a.parameters - b.parameters);
  return {
    with: serial,
    text,
    models,
    notices: [
      ...failed,
      ...listed.map(({ model }) => t('{0} is left out: {1}', model.name, listedAloneText(model.name))),
      ...unknown.map(({ model }) => t('{0} is left out: the engine does not tell how many parameters it has.', model.name)),
      ...(read[0] !== undefined && length < read[0].text.length
        ? [t('Compared is the beginning that all of them read: {0} of {1} characters.', length, read[0].text.length)]
        : []),
    ],
  };
}
