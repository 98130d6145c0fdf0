import { vscode } from './vscode.ts';
import { pickModel } from './chooseModel.ts';
import type { Comparer } from './comparer.ts';
import type { CurrentExplanation } from './currentExplanation.ts';
import type { Explainer } from './explainer.ts';
import type { ModelLibrary } from './modelLibrary.ts';
import { baseName } from './modelLocation.ts';
import { readSettings } from './settings.ts';
import { type Target, targetOfRange } from './target.ts';

export interface CompareContext {
  readonly explainer: Explainer;
  readonly comparer: Comparer;
  readonly current: CurrentExplanation;
}

interface Choice extends vscode.QuickPickItem {
  /** What to explain first; undefined: what is explained stays the first side. */
  readonly first?: () => Thenable<Target | null>;
  readonly second: () => Thenable<Target | null>;
}

/**
 * "Compare With…": the explained text with the selection, where there is one elsewhere; else with a text picked among the open
 * ones. Two editors side by side, or the two sides of a diff, are offered as a pair.
 */
export async function compareWith({ explainer, comparer, current }: CompareContext): Promise<void> {
  const selected = selectionElsewhere(current);
  if (selected) return comparer.compare({ kind: 'text', target: selected });
  const choices = [...pairs(), ...(current.value ? openTexts(current) : [])];
  if (choices.length === 0) return inform(current.value ? vscode.l10n.t('Select the second text, or open it in another editor, and run this again.') : vscode.l10n.t('Explain a text first, or open two texts side by side: then they can be compared.'));
  const only = choices.length === 1 ? choices[0] : undefined;
  const chosen = only ?? (await vscode.window.showQuickPick(choices, { title: vscode.l10n.t('Compare With'), placeHolder: vscode.l10n.t('Which text is the second side?'), matchOnDescription: true }));
  if (!chosen) return;
  const second = await chosen.second();
  const first = chosen.first && (await chosen.first());
  if (!second || first === null) return inform(vscode.l10n.t('One of the two texts is empty: there is nothing to compare.'));
  if (first) await explainer.explain(first);
  // Explaining may have failed or been cancelled: then there is no first side.
  if (first && current.value?.shown.source !== first.source) return;
  await comparer.compare({ kind: 'text', target: second });
}

/** "Compare With Another Model…": the explained text as another model reads it. */
export async function compareModel({ comparer, current, library }: CompareContext & { readonly library: ModelLibrary }): Promise<void> {
  const { t } = vscode.l10n;
  if (!current.value) return inform(t('Explain a text first: then another model can read it, too.'));
  const chosen = await pickModel(library, { title: t('Compare With Another Model'), placeHolder: t('Which model should read the text, too?'), without: [readSettings().model] });
  if (chosen) await comparer.compare({ kind: 'model', model: chosen.setting });
}

/** The active editor's selection, unless it is what is explained. */
function selectionElsewhere(current: CurrentExplanation): Target | null {
  const editor = vscode.window.activeTextEditor;
  if (!editor || !current.value || editor.selection.isEmpty) return null;
  const target = targetOfRange(editor.document, editor.selection, []);
  const explained = current.isAbout(editor.document) ? current.sourceRange() : undefined;
  return target && explained?.start === target.source.start && explained.end === target.source.end ? null : target;
}

/** Every text in an editor's tab but the explained one. */
function openTexts(current: CurrentExplanation): readonly Choice[] {
  const uris = new Map<string, vscode.Uri>();
  for (const { input } of vscode.window.tabGroups.all.flatMap((group) => group.tabs)) {
    if (input instanceof vscode.TabInputText && input.uri.toString() !== current.value?.shown.source.uri) uris.set(input.uri.toString(), input.uri);
  }
  return [...uris.values()].map((uri) => {
    const path = vscode.workspace.asRelativePath(uri);
    return { label: `$(file) ${baseName(uri)}`, description: path === baseName(uri) ? '' : path, second: () => wholeOrSelected(uri) };
  });
}

/** The two sides of the diff in front, or two editors side by side. */
function pairs(): readonly Choice[] {
  const { t } = vscode.l10n;
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  if (input instanceof vscode.TabInputTextDiff) {
    return [{ label: `$(diff) ${t('Both sides of the diff')}`, description: baseName(input.modified), first: () => wholeOrSelected(input.original), second: () => wholeOrSelected(input.modified) }];
  }
  const [one, other, ...more] = vscode.window.visibleTextEditors.filter(({ document }) => document.uri.scheme !== 'output');
  if (!one || !other || more.length > 0 || one.document === other.document) return [];
  const [a, b] = [one.document.uri, other.document.uri];
  return [{ label: `$(split-horizontal) ${t('{0} and {1}', baseName(a), baseName(b))}`, description: t('the two visible editors'), first: () => wholeOrSelected(a), second: () => wholeOrSelected(b) }];
}

/** The selection in the editor that shows a document, or the whole document. Null where there is no text. */
async function wholeOrSelected(uri: vscode.Uri): Promise<Target | null> {
  const document = await vscode.workspace.openTextDocument(uri);
  const editor = vscode.window.visibleTextEditors.find((visible) => visible.document === document && !visible.selection.isEmpty);
  const whole = new vscode.Range(document.positionAt(0), document.lineAt(document.lineCount - 1).range.end);
  return targetOfRange(document, editor?.selection ?? whole, []);
}

function inform(message: string): void {
  void vscode.window.showInformationMessage(message);
}
