import { vscode } from './vscode.ts';
import { Disposable } from './disposable.ts';
import { PAUSE_MS } from './later.ts';

/** Knows when the user types, so that work that nobody waits for leaves the processor to the editor between two keys. */
export class Typing extends Disposable {
  readonly #waiting: (() => void)[] = [];
  /** Runs while the user types. */
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    this.register(
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        // A log that goes on writing is no typing.
        if (contentChanges.length === 0 || document.uri.scheme === 'output') return;
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#end(), PAUSE_MS);
      }),
    );
  }

  /** Resolves in the next pause of the typing: at once where there is one. */
  readonly pause = (): Promise<void> =>
    this.#timer === undefined ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));

  override dispose(): void {
    super.dispose();
    this.#end();
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
