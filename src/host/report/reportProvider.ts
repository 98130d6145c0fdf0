import { vscode } from '../vscode.ts';
import type { Parts } from '../hostParts.ts';
import type { ReportDocument } from './reportDocument.ts';

/** What VS Code asks of the editor of saved reports. `parts` are loaded when the first report is opened. */
export function reportProvider(
  parts: () => Promise<Pick<Parts, 'openReport' | 'showReport'>>,
): vscode.CustomEditorProvider<ReportDocument> {
  const edited = new vscode.EventEmitter<vscode.CustomDocumentEditEvent<ReportDocument>>();
  return {
    onDidChangeCustomDocument: edited.event,
    openCustomDocument: async (uri, { backupId }) => {
      const document = await (await parts()).openReport(uri, backupId === undefined ? undefined : vscode.Uri.parse(backupId));
      document.onDidEdit((edit) => edited.fire({ document, ...edit }));
      return document;
    },
    resolveCustomEditor: async (document, panel) => (await parts()).showReport(document, panel),
    saveCustomDocument: (document) => document.save(),
    saveCustomDocumentAs: (document, target) => document.saveAs(target),
    revertCustomDocument: (document) => document.revert(),
    backupCustomDocument: (document, { destination }) => document.backUp(destination),
  };
}
