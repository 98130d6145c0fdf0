import { vscode } from './vscode.ts';
import type { CurrentExplanation } from './currentExplanation.ts';
import { Disposable } from './disposable.ts';
import { hoverMarkdown, staleMarkdown, wordTokens } from './hoverText.ts';

/** Shows the numbers of the tokens under the pointer. Registered with the first explanation. */
export class TokenHover extends Disposable {
  readonly #current: CurrentExplanation;
  #registered = false;

  constructor(current: CurrentExplanation) {
    super();
    this.#current = current;
    this.register(
      current.onDidChange(() => {
        if (this.#registered || !current.value) return;
        this.#registered = true;
        this.register(vscode.languages.registerHoverProvider('*', { provideHover: (document, position) => this.#hover(document, position) }));
      }),
    );
  }

  #hover(document: vscode.TextDocument, position: vscode.Position): vscode.Hover | undefined {
    const explanation = this.#current.value?.shown.explanation;
    const place = this.#current.placeAt(document, position);
    if (!explanation || place.kind === 'outside') return undefined;
    if (place.kind === 'edited') return this.#staleHover(document, position);
    const word = wordTokens(explanation, place.token);
    const ranges = word.flatMap((token) => this.#current.rangeOf(document, token) ?? []);
    const [first] = ranges;
    const last = ranges.at(-1);
    if (!first || !last || ranges.some(({ stale }) => stale)) return this.#staleHover(document, position);
    const text = new vscode.MarkdownString(hoverMarkdown(explanation, word, vscode.l10n.t));
    text.isTrusted = false;
    text.supportHtml = false;
    return new vscode.Hover(text, new vscode.Range(first.range.start, last.range.end));
  }

  #staleHover(document: vscode.TextDocument, position: vscode.Position): vscode.Hover {
    const text = new vscode.MarkdownString(`${staleMarkdown(vscode.l10n.t)}\n\n[${vscode.l10n.t('Run Again')}](command:explainTokens.runAgain)`);
    // Nothing of the document is in this text, so its one link may run its one command.
    text.isTrusted = { enabledCommands: ['explainTokens.runAgain'] };
    const word = document.getWordRangeAtPosition(position);
    return word ? new vscode.Hover(text, word) : new vscode.Hover(text);
  }
}
