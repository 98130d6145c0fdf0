import { vscode } from '../vscode.ts';
import type { CurrentExplanation } from '../explain/currentExplanation.ts';
import { Disposable } from '../disposable.ts';
import { Later } from '../later.ts';
import { createDecoration, levelRanges, ownColor, REPAINT_AFTER_MS } from './levelRanges.ts';
import { tokenLevels, WHY_LEVELS } from './whyLevels.ts';
import type { WhyMarks } from './whyMarks.ts';

interface Types {
  /** One for each level of `whyLevels`. */
  readonly levels: readonly vscode.TextEditorDecorationType[];
  /** Of the tokens asked about. */
  readonly asked: vscode.TextEditorDecorationType;
}

/** Paints how much each word counts for a token onto the explained text in every visible editor. */
export class WhyDecorations extends Disposable {
  readonly #current: CurrentExplanation;
  readonly #why: WhyMarks;
  #types: Types | undefined;

  constructor(current: CurrentExplanation, why: WhyMarks) {
    super();
    this.#current = current;
    this.#why = why;
    this.register(why.onDidChange(() => this.#paint()));
    const { ask, askInPause } = this.register(new Later(REPAINT_AFTER_MS, () => this.#paint()));
    this.register(current.onDidEdit(askInPause));
    this.register(vscode.window.onDidChangeVisibleTextEditors(ask));
  }

  #paint(): void {
    const { words } = this.#why;
    if (this.disposed || (words === null && !this.#types)) return;
    const types = (this.#types ??= this.#createTypes());
    for (const editor of vscode.window.visibleTextEditors) {
      const { document } = editor;
      const isShown = words !== null && this.#current.isAbout(document);
      const levels = isShown ? levelRanges(this.#current, document, tokenLevels(words), WHY_LEVELS) : [];
      types.levels.forEach((type, level) => editor.setDecorations(type, levels[level] ?? []));
      const asked = isShown
        ? Array.from({ length: (words.end ?? words.position) - words.position + 1 }, (_, i) => words.position + 1 + i)
        : [];
      const places = asked.flatMap((token) => this.#current.rangeOf(document, token) ?? []);
      editor.setDecorations(
        types.asked,
        places.flatMap(({ range, stale }) => (stale ? [] : [range])),
      );
    }
  }

  #createTypes(): Types {
    const create = (options: vscode.DecorationRenderOptions): vscode.TextEditorDecorationType => this.register(createDecoration(options));
    return {
      // The line under a word tells the sides apart without colour, and its width the strongest.
      levels: Array.from({ length: WHY_LEVELS }, (_, level) => {
        const [side, strength] = [level % 2 === 0 ? 'Against' : 'For', Math.floor(level / 2) + 1];
        return create({
          backgroundColor: ownColor(`why${side}${strength}`),
          borderStyle: side === 'For' ? 'solid' : 'dashed',
          borderWidth: level >= WHY_LEVELS - 2 ? '0 0 2px 0' : '0 0 1px 0',
          borderColor: ownColor('surprisalMark'),
        });
      }),
      asked: create({ borderStyle: 'double', borderWidth: '3px', borderColor: ownColor('selectedToken'), borderRadius: '2px' }),
    };
  }
}
