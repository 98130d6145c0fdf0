import { vscode } from '../vscode.ts';
import { EXAMPLE_TEXTS, type ExampleName } from '../../protocol/exampleTexts.ts';
import { type Target, wholeTargetOf } from '../editor/target.ts';

/**
 * Opens an example as a new document beside the panel, to be read and changed, and returns its text. An open document that still has that
 * text is shown again.
 */
export async function exampleTarget(name: ExampleName): Promise<Target | null> {
  const { text: content, mode: language } = EXAMPLE_TEXTS[name];
  const known = vscode.workspace.textDocuments.find(
    (document) => document.uri.scheme === 'untitled' && !document.isClosed && document.getText() === content,
  );
  const document = known ?? (await vscode.workspace.openTextDocument({ language, content }));
  // The panel may have the only group of editors.
  const viewColumn = vscode.window.visibleTextEditors.find((editor) => editor.viewColumn !== undefined)?.viewColumn;
  await vscode.window.showTextDocument(document, {
    viewColumn: viewColumn ?? vscode.ViewColumn.Beside,
    preview: false,
    preserveFocus: true,
  });
  return wholeTargetOf(document);
}
