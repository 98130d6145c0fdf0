import { vscode } from './vscode.ts';
import type { CurrentExplanation } from './currentExplanation.ts';
import { Disposable } from './disposable.ts';
import { onSettingChange, readSettings } from './settings.ts';
import { LEVEL_BITS, paintedRanges, surprisalBits } from './surprisal.ts';
import type { TokenFocus } from './tokenFocus.ts';

/** One edit after another is painted once. */
const REPAINT_AFTER_MS = 30;
/** The underline that tells levels apart without colour; none for what was expected. */
const UNDERLINES = ['none', 'none', 'dotted', 'dashed', 'solid'] as const;

interface Types {
  readonly levels: readonly vscode.TextEditorDecorationType[];
  readonly stale: vscode.TextEditorDecorationType;
  readonly selected: vscode.TextEditorDecorationType;
  readonly marked: vscode.TextEditorDecorationType;
}

/** Paints surprisal, staleness, and what the panel points at onto the explained text, wherever it is visible. */
export class TokenDecorations extends Disposable {
  readonly #current: CurrentExplanation;
  readonly #focus: TokenFocus;
  #types: Types | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(current: CurrentExplanation, focus: TokenFocus) {
    super();
    this.#current = current;
    this.#focus = focus;
    const later = (): void => this.#later();
    this.register(current.onDidChange(later));
    this.register(current.onDidEdit(later));
    this.register(focus.onDidChange(() => this.#paintFocus()));
    this.register(vscode.window.onDidChangeVisibleTextEditors(later));
    this.register(onSettingChange(['colors'], later));
  }

  override dispose(): void {
    super.dispose();
    clearTimeout(this.#timer);
  }

  #later(): void {
    if (!this.#current.value && !this.#types) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#paint(), REPAINT_AFTER_MS);
  }

  #paint(): void {
    if (this.disposed) return;
    const types = (this.#types ??= this.#createTypes());
    for (const editor of vscode.window.visibleTextEditors) {
      const { document } = editor;
      const isShown = this.#current.isAbout(document);
      const levels = isShown && readSettings().colors ? this.#levels(document) : [];
      types.levels.forEach((type, level) => editor.setDecorations(type, levels[level] ?? []));
      editor.setDecorations(types.stale, isShown ? this.#staleRanges(document) : []);
    }
    this.#paintFocus();
  }

  #paintFocus(): void {
    const types = this.#types;
    if (!types || this.disposed) return;
    const { selected, marked } = this.#focus;
    for (const editor of vscode.window.visibleTextEditors) {
      const ranges = (tokens: readonly number[]): vscode.Range[] => (this.#current.isAbout(editor.document) ? this.#freshRanges(editor.document, tokens) : []);
      editor.setDecorations(types.selected, ranges(selected === null ? [] : [selected]));
      editor.setDecorations(types.marked, ranges(marked));
    }
  }

  #levels(document: vscode.TextDocument): vscode.Range[][] {
    const explanation = this.#current.value?.shown.explanation;
    if (!explanation) return [];
    const placed = explanation.tokens.flatMap(({ index }) => {
      const place = this.#current.rangeOf(document, index);
      if (!place || place.stale) return [];
      return [{ start: document.offsetAt(place.range.start), end: document.offsetAt(place.range.end), bits: surprisalBits(explanation, index) }];
    });
    return paintedRanges(placed).map((level) => level.map(({ start, end }) => new vscode.Range(document.positionAt(start), document.positionAt(end))));
  }

  #freshRanges(document: vscode.TextDocument, tokens: readonly number[]): vscode.Range[] {
    return tokens.flatMap((token) => {
      const place = this.#current.rangeOf(document, token);
      return place && !place.stale ? [place.range] : [];
    });
  }

  #staleRanges(document: vscode.TextDocument): vscode.Range[] {
    return this.#current.staleTokens().flatMap((token) => this.#current.rangeOf(document, token)?.range ?? []);
  }

  #createTypes(): Types {
    const color = (name: string): vscode.ThemeColor => new vscode.ThemeColor(`explainTokens.${name}`);
    const create = (options: vscode.DecorationRenderOptions): vscode.TextEditorDecorationType =>
      this.register(vscode.window.createTextEditorDecorationType({ rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed, ...options }));
    const levels = LEVEL_BITS.map((_, level) => {
      const highest = level === LEVEL_BITS.length - 1;
      const style = UNDERLINES[level] ?? 'none';
      return create({
        backgroundColor: color(`surprisal${level + 1}`),
        ...(style === 'none' ? {} : { borderStyle: style, borderWidth: highest ? '0 0 2px 0' : '0 0 1px 0', borderColor: color('surprisalMark') }),
        ...(highest ? { overviewRulerColor: color('surprisal5'), overviewRulerLane: vscode.OverviewRulerLane.Right } : {}),
      });
    });
    return {
      levels,
      stale: create({ color: color('staleToken'), textDecoration: 'underline wavy' }),
      selected: create({ borderStyle: 'solid', borderWidth: '1px', borderColor: color('selectedToken'), borderRadius: '2px' }),
      marked: create({ backgroundColor: color('markedToken') }),
    };
  }
}
