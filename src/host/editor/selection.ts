import { vscode } from '../vscode.ts';
import type { CurrentExplanation } from '../explain/currentExplanation.ts';
import { readSettings } from '../configuration.ts';

/**
 * Clears the selection of the text that was just explained if its tokens are coloured, since the selection's colour would mix with theirs.
 * The cursor stays, and the editor's Cursor Undo selects the text again. Returns whether a selection was cleared.
 */
export function dropSelection(current: CurrentExplanation): boolean {
  const range = current.sourceRange();
  if (!range || !readSettings().colors) return false;
  const { start, end } = range;
  const selected = vscode.window.visibleTextEditors.filter(
    ({ document, selection }) =>
      !selection.isEmpty &&
      current.isAbout(document) &&
      document.offsetAt(selection.start) === start &&
      document.offsetAt(selection.end) === end,
  );
  for (const editor of selected) editor.selection = new vscode.Selection(editor.selection.active, editor.selection.active);
  return selected.length > 0;
}
