import { vscode } from '../vscode.ts';
import type { CurrentExplanation } from '../explain/currentExplanation.ts';
import { Disposable } from '../disposable.ts';
import { onSettingChange, readSettings } from '../configuration.ts';
import { PAUSE_MS } from '../later.ts';
import { AFTER_PANEL_MS, createDecoration, levelRanges, ownColor, REPAINT_AFTER_MS } from './levelRanges.ts';
import { SURPRISAL_LEVELS, surprisalLevel, surprisalMeasure, surprisalSteps } from '../../core/surprisalScale.ts';
import { surprisalTypes, type SurprisalTypes } from './surprisalTypes.ts';
import type { TokenFocus } from './tokenFocus.ts';
import type { Overlays } from './overlays.ts';

/** Delay before colours fade, so that short work does not make them flash. */
const FADE_AFTER_MS = 250;

interface Types extends SurprisalTypes {
  readonly selected: vscode.TextEditorDecorationType;
  readonly marked: vscode.TextEditorDecorationType;
}

/** Paints surprisal, edited tokens, and the panel's selected and marked tokens onto the explained text in every visible editor. */
export class TokenDecorations extends Disposable {
  readonly #current: CurrentExplanation;
  readonly #focus: TokenFocus;
  readonly #overlays: Overlays;
  #types: Types | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** While `overlays` are on, surprisal is not painted. */
  constructor(current: CurrentExplanation, focus: TokenFocus, overlays: Overlays) {
    super();
    this.#current = current;
    this.#focus = focus;
    this.#overlays = overlays;
    const later = (): void => this.#later();
    this.register(current.onDidChange(() => this.#later(current.value ? AFTER_PANEL_MS : REPAINT_AFTER_MS)));
    // Between two keys nothing is painted: the editor moves what is.
    this.register(current.onDidEdit(() => this.#later(PAUSE_MS)));
    this.register(current.onDidAge(() => this.#later(current.outdated === 'working' ? FADE_AFTER_MS : REPAINT_AFTER_MS)));
    this.register(overlays.onDidChange(later));
    this.register(focus.onDidChange(() => this.#paintFocus()));
    this.register(vscode.window.onDidChangeVisibleTextEditors(later));
    this.register(onSettingChange(['colors', 'surprisalScale'], later));
  }

  override dispose(): void {
    super.dispose();
    clearTimeout(this.#timer);
  }

  #later(afterMs = REPAINT_AFTER_MS): void {
    if (!this.#current.value && !this.#types) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#paint(), afterMs);
  }

  #paint(): void {
    if (this.disposed) return;
    const types = (this.#types ??= this.#createTypes());
    for (const editor of vscode.window.visibleTextEditors) {
      const { document } = editor;
      const isShown = this.#current.isAbout(document);
      const levels = isShown && readSettings().colors && !this.#overlays.isOn ? this.#levels(document) : [];
      const [full, none] = this.#current.outdated === null ? [types.levels, types.faded] : [types.faded, types.levels];
      full.forEach((type, level) => editor.setDecorations(type, levels[level] ?? []));
      for (const type of none) editor.setDecorations(type, []);
      editor.setDecorations(types.stale, isShown ? this.#staleRanges(document) : []);
    }
    this.#paintFocus();
  }

  #paintFocus(): void {
    const types = this.#types;
    if (!types || this.disposed) return;
    const { selected, marked, picked } = this.#focus;
    const both = picked.length === 0 ? marked : [...new Set([...picked, ...marked])].toSorted((a, b) => a - b);
    for (const editor of vscode.window.visibleTextEditors) {
      const ranges = (tokens: readonly number[]): vscode.Range[] =>
        this.#current.isAbout(editor.document) ? this.#freshRanges(editor.document, tokens) : [];
      editor.setDecorations(types.selected, ranges(selected === null ? [] : [selected]));
      editor.setDecorations(types.marked, ranges(both));
    }
  }

  #levels(document: vscode.TextDocument): vscode.Range[][] {
    const explanation = this.#current.value?.shown.explanation;
    if (!explanation) return [];
    const scale = readSettings().surprisalScale;
    const steps = surprisalSteps(explanation, scale);
    const levels = explanation.tokens.map(({ index }) => surprisalLevel(surprisalMeasure(explanation, index, scale), steps));
    return levelRanges(this.#current, document, levels, SURPRISAL_LEVELS);
  }

  #freshRanges(document: vscode.TextDocument, tokens: readonly number[]): vscode.Range[] {
    const ranges: vscode.Range[] = [];
    for (const token of tokens) {
      const place = this.#current.rangeOf(document, token);
      if (!place || place.stale) continue;
      const last = ranges.at(-1);
      // What follows one another is one range: of many tokens the editor is told little.
      if (last?.end.isEqual(place.range.start) === true) ranges[ranges.length - 1] = new vscode.Range(last.start, place.range.end);
      else ranges.push(place.range);
    }
    return ranges;
  }

  #staleRanges(document: vscode.TextDocument): vscode.Range[] {
    return this.#current.staleTokens().flatMap((token) => this.#current.rangeOf(document, token)?.range ?? []);
  }

  #createTypes(): Types {
    const create = (options: vscode.DecorationRenderOptions): vscode.TextEditorDecorationType => this.register(createDecoration(options));
    return {
      ...surprisalTypes((type) => this.register(type), true),
      selected: create({ borderStyle: 'solid', borderWidth: '1px', borderColor: ownColor('selectedToken'), borderRadius: '2px' }),
      marked: create({ backgroundColor: ownColor('markedToken') }),
    };
  }
}
