import { vscode } from '../vscode.ts';
import { fileBits, OLDER, tokenAt, UNREAD } from '../../core/fileScores.ts';
import { isTold } from '../../core/servedBy.ts';
import { originalOffset } from '../../core/textEdits.ts';
import type { Translate } from '../../core/translatable.ts';
import { shortened, visibleText } from '../../core/visibleText.ts';
import { Disposable } from '../disposable.ts';
import { modelMarkdown, numbersMarkdown } from '../editor/hoverText.ts';
import { codeSpan, figure, inMarkdown, joinedMarkdown, type Markdown } from '../editor/markdownCode.ts';
import type { CurrentExplanation } from '../explain/currentExplanation.ts';
import { hover } from '../surfaces.ts';
import type { FileReader } from './fileReader.ts';
import { placeOf, type ScoredDocument } from './fileReading.ts';

/** Most characters shown of a token. */
const MAX_NAME = 40;

/** The hover with the numbers of a token of a file that was read as a whole; the explained text has its own. Registered with the first. */
export class FileHover extends Disposable {
  readonly #reader: FileReader;
  readonly #current: CurrentExplanation;
  #registered = false;

  constructor(reader: FileReader, current: CurrentExplanation) {
    super();
    this.#reader = reader;
    this.#current = current;
    this.register(
      reader.onDidChange(() => {
        if (this.#registered || this.disposed) return;
        this.#registered = true;
        this.register(
          vscode.languages.registerHoverProvider('*', { provideHover: (document, position) => this.#hover(document, position) }),
        );
      }),
    );
  }

  #hover(document: vscode.TextDocument, position: vscode.Position): vscode.Hover | undefined {
    const scored = this.#reader.scoredIn(document);
    if (!scored || this.#current.placeAt(document, position).kind !== 'outside') return undefined;
    const original = originalOffset(scored.tracked, document.offsetAt(position));
    const token = original === null ? -1 : tokenAt(scored.scores, original);
    if (token < 0) return undefined;
    const { start, end, stale } = placeOf(scored, token);
    if (stale || scored.scores.known[token] === UNREAD) return undefined;
    return hover(tokenMarkdown(scored, token, vscode.l10n.t), new vscode.Range(document.positionAt(start), document.positionAt(end)));
  }
}

/** Markdown about one token of a file. */
export function tokenMarkdown({ scores, text, layout }: ScoredDocument, token: number, translate: Translate): Markdown {
  const t = inMarkdown(translate);
  const { tokens } = scores;
  const name = visibleText(text.slice(tokens.start[token], tokens.end[token]));
  const head = joinedMarkdown(
    [
      codeSpan(shortened(name, MAX_NAME)),
      t('token {0}', token),
      ...(isTold(tokens.ids[token] ?? 0) ? [figure(`id ${tokens.ids[token] ?? 0}`)] : []),
    ],
    ' · ',
  );
  const bits = fileBits(scores, token);
  const numbers = Number.isNaN(bits)
    ? t('Nothing precedes this token, so nothing predicted it.')
    : numbersMarkdown({ bits, rank: scores.rank[token] ?? 0, entropy: scores.entropy[token] ?? NaN }, t);
  return joinedMarkdown(
    [
      head,
      ...(tokens.partial[token] === 1 ? [t('This token is a part of the character.')] : []),
      numbers,
      ...(scores.known[token] === OLDER ? [t('These numbers are from before: the text ahead of them was edited since.')] : []),
      modelMarkdown(layout.model, t),
    ],
    '\n\n',
  );
}
