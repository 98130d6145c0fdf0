import { vscode } from '../vscode.ts';
import type { LinkedPlace } from '../../protocol/messages.ts';
import { notebookCode } from '../../report/notebookCode.ts';
import { frozenPanel } from '../../report/frozenPanel.ts';
import { notesOf } from '../../report/notes.ts';
import { linkQuery, parseLink } from '../../report/stateLink.ts';
import { EXTENSION_ID, REPORT_EDITOR } from '../commandIds.ts';
import type { ModelClient } from '../client/modelClient.ts';
import { type Log, reportError } from '../log.ts';
import { ExplainPanel } from '../panel/explainPanel.ts';
import { t } from '../say.ts';
import { inform } from '../surfaces.ts';
import { fileName } from '../fileName.ts';
import { readAgain } from './reportReading.ts';
import type { ReportDocument } from './reportDocument.ts';

/** Parts of the extension that editors of reports use. */
export interface ReportEditorContext {
  readonly extensionUri: vscode.Uri;
  readonly client: ModelClient;
  /** A client of the model of this name, at an engine or here, which is disposed by whoever asks; undefined: the list has none. */
  readonly named: (name: string, isServed: boolean) => Promise<ModelClient | undefined>;
  readonly log: Log;
  /** Has the user save a file that the page made. */
  readonly saveFile: (name: string, content: string | Uint8Array) => void;
}

/** An editor of a report that is open. */
interface OpenEditor {
  readonly document: ReportDocument;
  readonly webview: vscode.WebviewPanel;
  readonly panel: ExplainPanel;
}

/** Editors of saved reports: each shows its file with the extension's own page. */
export class ReportEditors {
  readonly #context: ReportEditorContext;
  readonly #open = new Set<OpenEditor>();
  /** Where the page of a report goes that a link is about to open, by the report's address. */
  readonly #wanted = new Map<string, LinkedPlace>();

  constructor(context: ReportEditorContext) {
    this.#context = context;
  }

  /** Shows a report in the panel of its editor. */
  show(document: ReportDocument, webview: vscode.WebviewPanel): void {
    const { extensionUri, log, saveFile } = this.#context;
    const { uri, report } = document;
    const address = uri.toString();
    const panel = ExplainPanel.inEditor(webview, extensionUri, t('Opening {0}…', fileName(uri)));
    const strings = vscode.l10n.bundle ?? {};
    const frozen = frozenPanel(
      report,
      { language: vscode.env.language, strings, translate: t },
      { readsAgain: true, keepsNotes: document.isWritable },
    );
    const tellNotes = (): void => void panel.post({ type: 'notes', notes: document.notes });
    const editor: OpenEditor = { document, webview, panel };
    let reading = false;
    this.#open.add(editor);
    const changed = document.onDidChange(tellNotes);
    panel.onDidEnd(() => {
      this.#open.delete(editor);
      changed.dispose();
    });
    panel.onDidReceive((message) => {
      switch (message.type) {
        case 'saveFile':
          return saveFile(message.name, message.content);
        case 'copy':
          return void vscode.env.clipboard.writeText(message.text);
        case 'command':
          if (message.name === 'showLog') return log.show();
          break;
        case 'notes': {
          const notes = notesOf(message.notes);
          // What cannot be kept is not shown either.
          return notes === undefined || !document.isWritable ? tellNotes() : document.edit(notes);
        }
        case 'readAgain':
          if (reading) return;
          reading = true;
          return void readAgain(this.#context, report, fileName(uri), panel)
            .catch((error: unknown) => void reportError(log, `Reading ${uri.toString(true)} again`, error))
            .finally(() => {
              reading = false;
            });
        default:
      }
      for (const reply of frozen.receive(message)) panel.post(reply);
      if (message.type !== 'ready') return;
      // A page that was hidden has kept those of its time.
      tellNotes();
      const place = this.#wanted.get(address);
      if (place === undefined) return;
      this.#wanted.delete(address);
      panel.post({ type: 'goTo', place });
    });
  }

  /** Command "Copy Link to This View": a link that opens the report on show at its tab, layer, head and token. */
  async copyLink(): Promise<void> {
    const editor = [...this.#open].find(({ webview }) => webview.active);
    if (editor === undefined) return void inform(t('Open a saved report first: a link leads to what it shows.'));
    const query = linkQuery(editor.document.uri.toString(), await editor.panel.askView());
    await vscode.env.clipboard.writeText(`${vscode.env.uriScheme}://${EXTENSION_ID}/report?${query}`);
    void inform(t('Copied a link to this view of {0}.', fileName(editor.document.uri)));
  }

  /** Command "Copy for a Notebook": Python that reads the numbers of the report on show. */
  async copyForNotebook(): Promise<void> {
    const document = [...this.#open].find(({ webview }) => webview.active)?.document;
    if (document === undefined) return void inform(t('Open a saved report first: the code reads its numbers.'));
    const { uri, report } = document;
    const path = uri.scheme === 'file' || uri.scheme === 'vscode-remote' ? uri.fsPath : uri.path;
    await vscode.env.clipboard.writeText(notebookCode(path, report.head.version));
    void inform(t('Copied Python that reads the numbers of {0}.', fileName(uri)));
  }

  /** Opens the report that a link leads to, at its place. */
  async follow(link: vscode.Uri): Promise<void> {
    const found = parseLink(link.query);
    if (found === undefined) return void inform(t('This link leads to no saved report.'));
    const uri = vscode.Uri.parse(found.report);
    const address = uri.toString();
    const open = [...this.#open].find(({ document }) => document.uri.toString() === address);
    // A page that is not ready yet is told when it is.
    if (open?.panel.post({ type: 'goTo', place: found.place }) !== true) this.#wanted.set(address, found.place);
    await vscode.commands.executeCommand('vscode.openWith', uri, REPORT_EDITOR);
  }
}
