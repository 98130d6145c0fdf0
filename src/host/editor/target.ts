import { vscode } from '../vscode.ts';
import type { Continuation } from '../../core/generation.ts';
import { wholeCharacters } from '../../core/textSpans.ts';
import type { PersistedState, TextSource } from '../../protocol/messages.ts';
import { paragraphAround } from './paragraph.ts';
import { t } from '../say.ts';
import { fileName } from '../fileName.ts';

/** Most UTF-16 units read: far more than any model's context, and far less than would block the editor. */
export const MAX_TEXT = 200_000;

/** Schemes of documents that only their editors open: another one of this name would be empty. */
const UNOPENABLE: ReadonlySet<string> = new Set(['untitled', 'vscode-notebook-cell']);

/** A text to explain, with its origin and notices. */
export interface Target {
  readonly source: TextSource;
  readonly text: string;
  /** UTF-16 units of the selection after `text`, which are not read. */
  readonly unread: number;
  /** Sentences about differences between the selection and `text`. */
  readonly notices: readonly string[];
  /** Line of the document in which `text` begins, counted from 1. Absent: not known, so lines are the text's own. */
  readonly line?: number;
  /** UTF-16 offset in `text` that the window on show is to hold, where the model cannot read all of it. Absent: its beginning. */
  readonly at?: number;
  /** Tokens generated after the text, to be explained with it. */
  readonly continuation?: Continuation;
}

/** The visible texts at the moment of a command. A command may wait before it uses them, while the user goes on typing. */
export interface EditorTexts {
  /** The active editor; undefined: none is active. */
  readonly active: ReadEditor | undefined;
  /** The active editor or, where something else has the focus, as the panel may, the visible one that was active last. */
  readonly nearest: ReadEditor | undefined;
  readonly visible: readonly ReadEditor[];
  /** The notebook whose editor is active, whether or not the cursor is in a cell. */
  readonly notebook: vscode.NotebookDocument | undefined;
}

/** Content of an editor at the time of reading. */
export interface ReadEditor {
  readonly document: vscode.TextDocument;
  readonly selection: vscode.Selection;
  /** The primary selection, or the paragraph around the cursor; null: no text there. */
  readonly target: Target | null;
  /** The primary selection, or the whole document where nothing is selected; null: no text. */
  readonly selectedOrWhole: Target | null;
}

/** Reads all visible editors. A command calls this before it awaits anything. `last`: the editor that was active last, if it is known. */
export function readEditors(last: vscode.TextEditor | undefined): EditorTexts {
  const active = vscode.window.activeTextEditor;
  const shown = vscode.window.visibleTextEditors.filter(({ document }) => document.uri.scheme !== 'output');
  const nearest = active ?? shown.find((editor) => editor === last) ?? shown[0];
  return {
    active: active && readEditor(active),
    nearest: nearest && readEditor(nearest),
    visible: shown.map(readEditor),
    notebook: vscode.window.activeNotebookEditor?.notebook,
  };
}

/** Whether the active tab is a text file of which VS Code gives no editor to extensions: it does not for very large ones. */
export function isWithheld(): boolean {
  const tab = vscode.window.tabGroups.activeTabGroup.activeTab;
  return vscode.window.activeTextEditor === undefined && tab?.input instanceof vscode.TabInputText;
}

function readEditor(editor: vscode.TextEditor): ReadEditor {
  const { document, selection } = editor;
  const target = targetOfEditor(editor);
  return { document, selection, target, selectedOrWhole: selection.isEmpty ? wholeTargetOf(document) : target };
}

/** A whole document; null if it is empty. */
export function wholeTargetOf(document: vscode.TextDocument): Target | null {
  return targetOfRange(document, new vscode.Range(document.positionAt(0), document.lineAt(document.lineCount - 1).range.end), []);
}

/** Primary selection of an editor, or the paragraph around its cursor; null if there is no text. */
function targetOfEditor(editor: vscode.TextEditor): Target | null {
  const { document, selection } = editor;
  if (!selection.isEmpty) return targetOfRange(document, selection, []);
  const lines = { count: document.lineCount, isBlank: (line: number) => document.lineAt(line).isEmptyOrWhitespace };
  const found = paragraphAround(lines, selection.active.line);
  if (found === null) return null;
  const [first, last] = found;
  const range = new vscode.Range(document.lineAt(first).range.start, document.lineAt(last).range.end);
  const target = targetOfRange(document, range, [t('Nothing was selected: this is the paragraph around the cursor.')]);
  // The end of a selection that is the cursor says nothing; a cursor within a paragraph does.
  return target && { ...target, at: Math.max(0, document.offsetAt(selection.active) - target.source.start) };
}

/** The first `MAX_TEXT` UTF-16 units of a range; null if it is empty. */
export function targetOfRange(document: vscode.TextDocument, range: vscode.Range, notices: readonly string[]): Target | null {
  const start = document.offsetAt(range.start);
  const end = document.offsetAt(range.end);
  if (end <= start) return null;
  const text = readDocument(document, start, Math.min(end, start + MAX_TEXT + 1));
  const kept = text.slice(0, text.length > MAX_TEXT ? wholeCharacters(text, MAX_TEXT) : text.length);
  return {
    source: { uri: document.uri.toString(), start, end, label: labelOf(document) },
    text: kept,
    line: range.start.line + 1,
    unread: end - start - kept.length,
    notices,
  };
}

/** The text that a restored panel showed: its range in the document if that is open and still has the text, else the saved text. */
export function targetOfState(state: Pick<PersistedState, 'source' | 'text' | 'at' | 'continuation'>): Target {
  const continuation = state.continuation === undefined ? {} : { continuation: state.continuation };
  const document = findDocument(state.source.uri);
  if (document) {
    const { start, end } = state.source;
    const whole = targetOfRange(document, new vscode.Range(document.positionAt(start), document.positionAt(end)), []);
    const { at = 0 } = state;
    const stop = at + state.text.length;
    if (whole?.text.startsWith(state.text, at))
      // No window before holds a window's last character.
      return { ...whole, ...(at > 0 ? { at: stop - 1 } : {}), ...(whole.text.length === stop ? continuation : {}) };
  }
  if (state.at === undefined) return { source: state.source, text: state.text, unread: 0, notices: [], ...continuation };
  const start = state.source.start + state.at;
  return {
    source: { ...state.source, start, end: Math.max(start, Math.min(state.source.end, start + state.text.length)) },
    text: state.text,
    unread: 0,
    notices: [t('The document is not open, so this part of it is read as a text of its own.')],
    ...continuation,
  };
}

/** Opens the document of a text that is to be found again, if it is not open and can be; its editor may not have been shown yet. */
export async function reopenDocument(uri: string): Promise<void> {
  const parsed = vscode.Uri.parse(uri);
  if (findDocument(uri) || UNOPENABLE.has(parsed.scheme)) return;
  await vscode.workspace.openTextDocument(parsed).then(undefined, () => undefined);
}

/** The open document with this URI, if any. */
export function findDocument(uri: string): vscode.TextDocument | undefined {
  return vscode.workspace.textDocuments.find((document) => !document.isClosed && document.uri.toString() === uri);
}

/** Text of [start, end) of a document, in UTF-16 units; line endings are the document's. */
export function readDocument(document: vscode.TextDocument, start: number, end: number): string {
  return document.getText(new vscode.Range(document.positionAt(start), document.positionAt(end)));
}

/** Name of a document: its base name, with the number of a cell. */
export function labelOf(document: vscode.TextDocument): string {
  const name = fileName(document.uri);
  if (document.uri.scheme !== 'vscode-notebook-cell') return name;
  const notebook = vscode.workspace.notebookDocuments.find((candidate) => candidate.uri.path === document.uri.path);
  const cell = notebook?.getCells().findIndex((candidate) => candidate.document === document) ?? -1;
  return cell < 0 ? name : t('{0}, cell {1}', name, cell + 1);
}
