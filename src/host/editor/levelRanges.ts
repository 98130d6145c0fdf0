import { vscode } from '../vscode.ts';
import type { CurrentExplanation } from '../explain/currentExplanation.ts';
import { paintedRanges } from './surprisal.ts';

/** Delay of a repaint, so that a series of edits is painted once. */
export const REPAINT_AFTER_MS = 30;
/**
 * Milliseconds after which the editor shows a new explanation. The panel, which is what was asked for, is drawn first: in a browser one
 * thread draws both.
 */
export const AFTER_PANEL_MS = 200;

/**
 * The ranges of a document to paint for each of `count` levels; see `paintedRanges`. `levels`: of each token of the explained text from its
 * start, -1: none. Edited tokens have none.
 */
export function levelRanges(
  current: CurrentExplanation,
  document: vscode.TextDocument,
  levels: readonly number[],
  count: number,
): vscode.Range[][] {
  const placed = levels.flatMap((level, token) => {
    // Most words of a long text are too little to be painted: their places are not looked for.
    const place = level < 0 ? undefined : current.rangeOf(document, token);
    if (!place || place.stale) return [];
    return [{ start: document.offsetAt(place.range.start), end: document.offsetAt(place.range.end), level }];
  });
  return paintedRanges(placed, count).map((ranges) =>
    ranges.map(({ start, end }) => new vscode.Range(document.positionAt(start), document.positionAt(end))),
  );
}

/** One of the extension's own colours. */
export function ownColor(name: string): vscode.ThemeColor {
  return new vscode.ThemeColor(`explainTokens.${name}`);
}

/** A type of decorations that do not grow with what is typed at their edges. */
export function createDecoration(options: vscode.DecorationRenderOptions): vscode.TextEditorDecorationType {
  return vscode.window.createTextEditorDecorationType({ rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed, ...options });
}
