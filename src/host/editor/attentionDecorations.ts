import { vscode } from '../vscode.ts';
import type { CurrentExplanation } from '../explain/currentExplanation.ts';
import { Disposable } from '../disposable.ts';
import { Later } from '../later.ts';
import type { AttentionMarks } from './attentionMarks.ts';
import { createDecoration, levelRanges, ownColor, REPAINT_AFTER_MS } from './levelRanges.ts';
import { ATTENTION_LEVELS, attentionLevels } from './whyLevels.ts';

interface Types {
  /** One for each level of `attentionLevels`. */
  readonly levels: readonly vscode.TextEditorDecorationType[];
  /** Of the token whose attention it is. */
  readonly query: vscode.TextEditorDecorationType;
}

/** Lines under a word that tell the levels apart without colour. */
const UNDERLINES = [
  { borderStyle: 'dotted', borderWidth: '0 0 1px 0' },
  { borderStyle: 'solid', borderWidth: '0 0 1px 0' },
  { borderStyle: 'solid', borderWidth: '0 0 2px 0' },
] as const;

/** Paints the attention of the token at the cursor onto the explained text in every visible editor, with every move of the cursor. */
export class AttentionDecorations extends Disposable {
  readonly #current: CurrentExplanation;
  readonly #attention: AttentionMarks;
  #types: Types | undefined;

  constructor(current: CurrentExplanation, attention: AttentionMarks) {
    super();
    this.#current = current;
    this.#attention = attention;
    this.register(attention.onDidChange(() => this.#paint()));
    const { ask, askInPause } = this.register(new Later(REPAINT_AFTER_MS, () => this.#paint()));
    this.register(current.onDidEdit(askInPause));
    this.register(vscode.window.onDidChangeVisibleTextEditors(ask));
  }

  #paint(): void {
    const { words } = this.#attention;
    if (this.disposed || (words === null && !this.#types)) return;
    const types = (this.#types ??= this.#createTypes());
    for (const editor of vscode.window.visibleTextEditors) {
      const { document } = editor;
      const isShown = words !== null && this.#current.isAbout(document);
      const levels = isShown ? attentionLevels(words.weights, words.choice.hideFirst) : [];
      const ranges = isShown ? levelRanges(this.#current, document, levels, ATTENTION_LEVELS) : [];
      types.levels.forEach((type, level) => editor.setDecorations(type, ranges[level] ?? []));
      const place = isShown ? this.#current.rangeOf(document, words.query) : undefined;
      editor.setDecorations(types.query, place && !place.stale ? [place.range] : []);
    }
  }

  #createTypes(): Types {
    const create = (options: vscode.DecorationRenderOptions): vscode.TextEditorDecorationType => this.register(createDecoration(options));
    return {
      levels: UNDERLINES.map((line, level) =>
        create({ ...line, backgroundColor: ownColor(`attention${level + 1}`), borderColor: ownColor('surprisalMark') }),
      ),
      query: create({ borderStyle: 'double', borderWidth: '3px', borderColor: ownColor('selectedToken'), borderRadius: '2px' }),
    };
  }
}
