import { vscode } from '../vscode.ts';
import { Disposable } from '../disposable.ts';
import type { AttentionMarks } from './attentionMarks.ts';
import type { WhyMarks } from './whyMarks.ts';

/** What is painted onto the explained text in place of surprisal: how much words count for a token, or its attention. */
export class Overlays extends Disposable {
  readonly #changed = this.register(new vscode.EventEmitter<void>());
  readonly #isAnyOn: () => boolean;
  #isOn = false;

  /** Fires when something is painted in place of surprisal, or nothing any more. */
  readonly onDidChange = this.#changed.event;

  constructor(why: WhyMarks, attention: AttentionMarks) {
    super();
    this.#isAnyOn = () => why.words !== null || attention.isOn;
    this.register(why.onDidChange(() => this.#look()));
    this.register(attention.onDidChange(() => this.#look()));
  }

  /** Whether something is painted in place of surprisal. */
  get isOn(): boolean {
    return this.#isOn;
  }

  #look(): void {
    const isOn = this.#isAnyOn();
    if (isOn === this.#isOn) return;
    this.#isOn = isOn;
    this.#changed.fire();
  }
}
