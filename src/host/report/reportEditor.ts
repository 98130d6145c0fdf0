import { vscode } from '../vscode.ts';
import { CancelledError, messageOf, UserError } from '../../core/errors.ts';
import type { PanelMessage } from '../../protocol/messages.ts';
import { frozenPanel } from '../../report/frozenPanel.ts';
import { checkSameTokens, differencesOf, requestOf } from '../../report/readAgain.ts';
import type { Report } from '../../report/report.ts';
import { checkReportSize, readReport } from '../../report/reportFile.ts';
import type { ModelClient } from '../client/modelClient.ts';
import { type Log, reportError, sentenceOf } from '../log.ts';
import { ExplainPanel } from '../panel/explainPanel.ts';
import { t } from '../say.ts';
import { withProgress } from '../surfaces.ts';

/** A report's file that is open in an editor. */
export interface ReportDocument extends vscode.CustomDocument {
  readonly report: Report;
}

/** Parts of the extension that editors of reports use. */
export interface ReportEditorContext {
  readonly extensionUri: vscode.Uri;
  readonly client: Pick<ModelClient, 'ask' | 'explain'>;
  readonly log: Log;
  /** Has the user save a file that the page made. */
  readonly saveFile: (name: string, content: string | Uint8Array) => void;
}

/** Reads a report's file. Of its page nothing is run: its numbers alone are read. Throws Error in one sentence for VS Code to show. */
export async function openReport(uri: vscode.Uri): Promise<ReportDocument> {
  const name = baseName(uri);
  try {
    checkReportSize((await vscode.workspace.fs.stat(uri)).size, name);
    const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
    return { uri, report: await readReport(text, name), dispose: () => undefined };
  } catch (error) {
    const sentence = error instanceof UserError ? sentenceOf(error) : t('{0} cannot be read: {1}', name, messageOf(error));
    throw new Error(sentence, { cause: error });
  }
}

/** Shows a report in a panel, with the extension's own page. */
export function showReport(context: ReportEditorContext, { uri, report }: ReportDocument, webview: vscode.WebviewPanel): void {
  const { extensionUri, log } = context;
  const panel = ExplainPanel.inEditor(webview, extensionUri, t('Opening {0}…', baseName(uri)));
  const strings = vscode.l10n.bundle ?? {};
  const frozen = frozenPanel(report, { language: vscode.env.language, strings, translate: t }, true);
  let reading = false;
  const receive = (message: PanelMessage): void => {
    if (message.type === 'saveFile') return context.saveFile(message.name, message.content);
    if (message.type === 'copy') return void vscode.env.clipboard.writeText(message.text);
    if (message.type === 'command' && message.name === 'showLog') return log.show();
    if (message.type !== 'readAgain') {
      for (const reply of frozen.receive(message)) panel.post(reply);
      return;
    }
    if (reading) return;
    reading = true;
    void readAgain(context, report, baseName(uri), panel)
      .catch((error: unknown) => void reportError(log, `Reading ${uri.toString(true)} again`, error))
      .finally(() => {
        reading = false;
      });
  };
  panel.onDidReceive(receive);
}

/** Reads a report again with the model of the settings, and tells the page how far the numbers are apart. Cancelling tells nothing. */
async function readAgain({ client }: ReportEditorContext, report: Report, name: string, panel: ExplainPanel): Promise<void> {
  await withProgress(t('Reading {0} again', name), async (view, token) => {
    const controller = new AbortController();
    const { signal } = controller;
    token.onCancellationRequested(() => controller.abort());
    panel.onDidEnd(() => controller.abort());
    try {
      const { explanation, modelKey } = await client.explain(requestOf(report), signal, () => undefined);
      checkSameTokens(report, explanation, name);
      let told = 0;
      const differences = await differencesOf(
        report,
        explanation,
        (question, args) => client.ask(modelKey, explanation.run, question, args, signal),
        (done, total) => {
          if (signal.aborted) throw new CancelledError();
          const percent = (100 * done) / total;
          view.report({ message: t('{0} of {1} questions', done, total), increment: percent - told });
          told = percent;
        },
      );
      panel.post({ type: 'readAgain', model: explanation.model.name, differences });
    } catch (error) {
      if (!(error instanceof CancelledError)) throw error;
    }
  });
}

function baseName({ path }: vscode.Uri): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
