import { vscode } from '../vscode.ts';
import { lineSum } from '../../core/lineSum.ts';
import { onSettingChange, readSettings } from '../configuration.ts';
import { Disposable } from '../disposable.ts';
import { createDecoration, REPAINT_AFTER_MS } from '../editor/levelRanges.ts';
import { Later } from '../later.ts';
import { t } from '../say.ts';
import type { FileReader } from './fileReader.ts';
import type { ScoredDocument } from './fileReading.ts';

/** Lines above and below what is on screen that have their sums too, so that slow scrolling shows them at once. */
const LINES_AROUND = 40;

/** Writes the surprisal of each line of whole files behind its end, where the setting asks for it. */
export class LineSums extends Disposable {
  readonly #reader: FileReader;
  #type: vscode.TextEditorDecorationType | undefined;

  constructor(reader: FileReader) {
    super();
    this.#reader = reader;
    const painting = this.register(new Later(REPAINT_AFTER_MS, () => this.#paint()));
    const isWanted = (): boolean => readSettings().lineSums || this.#type !== undefined;
    const later = (): void => void (isWanted() && painting.ask());
    this.register(reader.onDidChange(later));
    this.register(reader.onDidEdit(() => void (isWanted() && painting.askInPause())));
    this.register(vscode.window.onDidChangeVisibleTextEditors(later));
    this.register(vscode.window.onDidChangeTextEditorVisibleRanges(later));
    this.register(onSettingChange(['lineSums'], later));
  }

  #paint(): void {
    const isOn = readSettings().lineSums;
    for (const editor of vscode.window.visibleTextEditors) {
      const scored = isOn ? this.#reader.scoredIn(editor.document) : null;
      if (!scored && this.#type === undefined) continue;
      this.#type ??= this.register(
        createDecoration({ after: { color: new vscode.ThemeColor('descriptionForeground'), margin: '0 0 0 2em' } }),
      );
      editor.setDecorations(this.#type, scored ? sumsOn(editor, scored) : []);
    }
  }
}

/** The sums of what is on screen and a little around it. */
function sumsOn({ document, visibleRanges }: vscode.TextEditor, scored: ScoredDocument): vscode.DecorationOptions[] {
  const sums: vscode.DecorationOptions[] = [];
  let next = 0;
  for (const { start, end } of visibleRanges) {
    const last = Math.min(document.lineCount - 1, end.line + LINES_AROUND);
    for (let line = Math.max(next, start.line - LINES_AROUND); line <= last; line++) {
      const { range, rangeIncludingLineBreak } = document.lineAt(line);
      const sum = lineSum(scored, document.offsetAt(range.start), document.offsetAt(rangeIncludingLineBreak.end));
      if (sum === null) continue;
      const bits = sum.bits.toFixed(1);
      const contentText = sum.older ? t('{0} bits, before an edit', bits) : t('{0} bits', bits);
      sums.push({ range: new vscode.Range(range.end, range.end), renderOptions: { after: { contentText } } });
    }
    next = Math.max(next, last + 1);
  }
  return sums;
}
