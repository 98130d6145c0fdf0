import { vscode } from './vscode.ts';
import type { Continuation } from '../core/generation.ts';
import type { PersistedState, TextSource } from '../protocol/messages.ts';
import { paragraphAround, wholeCharacters } from './paragraph.ts';

/** UTF-16 units read at most: far more than any model's context holds, far less than would block. */
export const MAX_TEXT = 200_000;

/** A text to be explained, where it is from, and what has to be said about it. */
export interface Target {
  readonly source: TextSource;
  readonly text: string;
  /** UTF-16 units of the selection beyond `text`. */
  readonly unread: number;
  readonly notices: readonly string[];
  /** What was generated after the text is explained too. */
  readonly continuation?: Continuation;
}

/** The primary selection of an editor, or the paragraph around its cursor; null where there is no text. */
export function targetOfEditor(editor: vscode.TextEditor): Target | null {
  const { document, selection } = editor;
  if (!selection.isEmpty) return targetOfRange(document, selection, []);
  const lines = { count: document.lineCount, isBlank: (line: number) => document.lineAt(line).isEmptyOrWhitespace };
  const found = paragraphAround(lines, selection.active.line);
  if (found === null) return null;
  const [first, last] = found;
  const range = new vscode.Range(document.lineAt(first).range.start, document.lineAt(last).range.end);
  return targetOfRange(document, range, [vscode.l10n.t('Nothing was selected: this is the paragraph around the cursor.')]);
}

/** The text of a range, as much of it as can matter. */
export function targetOfRange(document: vscode.TextDocument, range: vscode.Range, notices: readonly string[]): Target | null {
  const start = document.offsetAt(range.start);
  const end = document.offsetAt(range.end);
  if (end <= start) return null;
  const text = readDocument(document, start, Math.min(end, start + MAX_TEXT + 1));
  const kept = text.slice(0, text.length > MAX_TEXT ? wholeCharacters(text, MAX_TEXT) : text.length);
  return { source: { uri: document.uri.toString(), start, end, label: labelOf(document) }, text: kept, unread: end - start - kept.length, notices };
}

/** The text that a restored panel showed, found again in its document where that is open and still has it. */
export function targetOfState(state: Pick<PersistedState, 'source' | 'text' | 'continuation'>): Target {
  const continuation = state.continuation === undefined ? {} : { continuation: state.continuation };
  const document = findDocument(state.source.uri);
  if (document) {
    const { start, end } = state.source;
    const whole = targetOfRange(document, new vscode.Range(document.positionAt(start), document.positionAt(end)), []);
    if (whole?.text.startsWith(state.text)) return { ...whole, ...(whole.text === state.text ? continuation : {}) };
  }
  return { source: state.source, text: state.text, unread: 0, notices: [], ...continuation };
}

export function findDocument(uri: string): vscode.TextDocument | undefined {
  return vscode.workspace.textDocuments.find((document) => !document.isClosed && document.uri.toString() === uri);
}

/** [start, end) of a document, in UTF-16 units; line ends as the document has them. */
export function readDocument(document: vscode.TextDocument, start: number, end: number): string {
  return document.getText(new vscode.Range(document.positionAt(start), document.positionAt(end)));
}

function labelOf(document: vscode.TextDocument): string {
  const name = document.uri.path.split('/').findLast((part) => part !== '') ?? document.uri.path;
  if (document.uri.scheme !== 'vscode-notebook-cell') return name;
  const notebook = vscode.workspace.notebookDocuments.find((candidate) => candidate.uri.path === document.uri.path);
  const cell = notebook?.getCells().findIndex((candidate) => candidate.document === document) ?? -1;
  return cell < 0 ? name : vscode.l10n.t('{0}, cell {1}', name, cell + 1);
}
