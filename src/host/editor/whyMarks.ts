import { vscode } from '../vscode.ts';
import type { WhyWords } from '../../protocol/messages.ts';
import type { CurrentExplanation } from '../explain/currentExplanation.ts';
import { Disposable } from '../disposable.ts';

/** How much each word counts for a token, once that was asked in the editor: as the panel shows it, whatever is chosen there. */
export class WhyMarks extends Disposable {
  readonly #current: CurrentExplanation;
  readonly #changed = this.register(new vscode.EventEmitter<void>());
  #wanted = false;
  /** What the panel showed last, wanted or not: it tells only what is new. */
  #latest: WhyWords | null = null;

  /** Fires when there are other words to paint, or none any more. */
  readonly onDidChange = this.#changed.event;

  constructor(current: CurrentExplanation) {
    super();
    this.#current = current;
    this.register(
      current.onDidChange(() => {
        this.clear();
        this.#latest = null;
      }),
    );
  }

  /** The words to paint; null: none. */
  get words(): WhyWords | null {
    return this.#wanted ? this.#latest : null;
  }

  /** From now on what the panel shows is painted, first the words of the prediction at `position`, until it is cleared. */
  want(position: number): void {
    if (this.#latest?.position !== position) this.#latest = null;
    this.#wanted = true;
    this.#changed.fire();
  }

  /** The panel shows these words of the explanation `serial`. */
  show(serial: number, words: WhyWords): void {
    if (this.#current.value?.shown.serial !== serial) return;
    this.#latest = words;
    if (this.#wanted) this.#changed.fire();
  }

  /** Paints nothing any more. */
  clear(): void {
    if (!this.#wanted) return;
    this.#wanted = false;
    this.#changed.fire();
  }
}
