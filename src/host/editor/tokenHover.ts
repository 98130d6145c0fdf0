import { vscode } from '../vscode.ts';
import type { Explanation } from '../../core/trace.ts';
import type { CurrentExplanation } from '../explain/currentExplanation.ts';
import { Disposable } from '../disposable.ts';
import { hoverMarkdown, outdatedSentence, staleMarkdown, wordTokens } from './hoverText.ts';
import { inMarkdown, joinedMarkdown, type Markdown } from './markdownCode.ts';
import { hover } from '../surfaces.ts';
import { attentionMarkdown } from './attentionHover.ts';
import type { AttentionMarks } from './attentionMarks.ts';
import { whyMarkdown } from './whyHover.ts';
import type { WhyMarks } from './whyMarks.ts';

/** The hover with numbers of the tokens under the pointer. It is registered with the first explanation. */
export class TokenHover extends Disposable {
  readonly #current: CurrentExplanation;
  readonly #why: WhyMarks;
  readonly #attention: AttentionMarks;
  #registered = false;

  constructor(current: CurrentExplanation, why: WhyMarks, attention: AttentionMarks) {
    super();
    this.#current = current;
    this.#why = why;
    this.#attention = attention;
    this.register(
      current.onDidChange(() => {
        if (this.#registered || !current.value) return;
        this.#registered = true;
        this.register(
          vscode.languages.registerHoverProvider('*', { provideHover: (document, position) => this.#hover(document, position) }),
        );
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
    const { outdated } = this.#current;
    const { words } = this.#why;
    const why = words === null ? null : whyMarkdown(explanation, words, place.token, vscode.l10n.t);
    const attention = this.#attentionMarkdown(explanation, place.token);
    const own = hoverMarkdown(explanation, word, vscode.l10n.t);
    const numbers = joinedMarkdown([...[why, attention].filter((text) => text !== null), own], '\n\n');
    return hover(
      outdated === null
        ? numbers
        : joinedMarkdown([inMarkdown(vscode.l10n.t)(outdatedSentence(outdated, (text) => text)), numbers], '\n\n'),
      new vscode.Range(first.range.start, last.range.end),
    );
  }

  #attentionMarkdown(explanation: Explanation, token: number): Markdown | null {
    const { words } = this.#attention;
    if (words === null) return null;
    const isEdited = this.#current.staleTokens().some((stale) => stale <= words.query);
    return attentionMarkdown(explanation, words, token, isEdited, vscode.l10n.t);
  }

  #staleHover(document: vscode.TextDocument, position: vscode.Position): vscode.Hover {
    // This text has no part of the document in it, so its link may run a command.
    return hover(staleMarkdown(vscode.l10n.t), document.getWordRangeAtPosition(position), {
      id: 'explainTokens.runAgain',
      title: inMarkdown(vscode.l10n.t)('Run Again'),
    });
  }
}
