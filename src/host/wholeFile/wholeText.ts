import { vscode } from '../vscode.ts';
import { prosePieces } from '../../core/markdownProse.ts';
import { firstTokenBeyond } from '../../core/packedTokens.ts';
import { applyEdits, heal, originalNear, trackText, type TextEdit } from '../../core/textEdits.ts';
import { wholeCharacters } from '../../core/textSpans.ts';
import { findDocument, readDocument } from '../editor/target.ts';
import type { DocumentText, FileReading, Scored } from './fileReading.ts';

/** Most UTF-16 units read of a file: some 300,000 tokens, which take a quarter of an hour. */
export const MAX_FILE = 1_000_000;
/** What stands between the cells of a notebook, as between paragraphs. */
const BETWEEN_CELLS = '\n\n';

/** The text of a file as it is read, and of which documents it is. */
export interface WholeText {
  readonly text: string;
  readonly documents: readonly DocumentText[];
  /** UTF-16 units of code blocks that are left out, and of what is beyond `MAX_FILE`. */
  readonly left: number;
  readonly beyond: number;
}

/** The notebook that a document is a cell of, if it is one. */
export function notebookOf(document: vscode.TextDocument): vscode.NotebookDocument | undefined {
  if (document.uri.scheme !== 'vscode-notebook-cell') return undefined;
  return vscode.workspace.notebookDocuments.find((notebook) => notebook.getCells().some((cell) => cell.document === document));
}

/** The open documents that a file consists of: itself, or a notebook's cells; empty where it is not open. */
export function documentsOf({ uri, isNotebook }: Pick<FileReading, 'uri' | 'isNotebook'>): readonly vscode.TextDocument[] {
  if (isNotebook) {
    const notebook = vscode.workspace.notebookDocuments.find((one) => !one.isClosed && one.uri.toString() === uri);
    return notebook?.getCells().map(({ document }) => document) ?? [];
  }
  const document = findDocument(uri);
  return document ? [document] : [];
}

/**
 * The text of documents, with an empty line between two that hold any. `proseOnly`: of Markdown without its code blocks. Of what is longer
 * than `MAX_FILE` the beginning.
 */
export function wholeText(documents: readonly vscode.TextDocument[], proseOnly: boolean): WholeText {
  let [text, room, left, beyond] = ['', MAX_FILE, 0, 0];
  const read = documents.map((document): DocumentText => {
    const length = document.offsetAt(document.lineAt(document.lineCount - 1).range.end);
    const all = readDocument(document, 0, Math.min(length, room + 1));
    const whole = all.slice(0, all.length > room ? wholeCharacters(all, room) : all.length);
    const parts = document.languageId === 'markdown' && proseOnly ? prosePieces(whole) : trackText(0, whole.length).pieces;
    const own = parts.map(({ from, to, at }) => whole.slice(at, at + to - from)).join('');
    room -= whole.length;
    beyond += length - whole.length;
    left += whole.length - own.length;
    if (own !== '' && text !== '') text += BETWEEN_CELLS;
    const from = text.length;
    text += own;
    return {
      uri: document.uri.toString(),
      from,
      tracked: { length: own.length, start: 0, end: whole.length, pieces: parts },
      parts,
      grown: own.length === length ? 0 : null,
    };
  });
  return { text, documents: read, left, beyond };
}

/** Follows edits of a document that has a part of `text`. */
export function followEdits(own: DocumentText, text: string, edits: readonly TextEdit[], document: vscode.TextDocument): void {
  const moved = applyEdits(own.tracked, edits);
  const read = (start: number, end: number): string => readDocument(document, start, end);
  own.tracked = heal(moved, text.slice(own.from, own.from + moved.length), read);
  if (own.grown !== null) own.grown += edits.reduce((sum, { removed, inserted }) => sum + inserted - removed, 0);
}

/** Whether a notebook has other cells than those that were read, or in another order. */
export function isRearranged(file: FileReading, read: readonly DocumentText[]): boolean {
  const now = documentsOf(file);
  return file.isNotebook && (now.length !== read.length || now.some(({ uri }, index) => uri.toString() !== read[index]?.uri));
}

/** The token at the top of what is on screen, as `nearOffset` has it. */
export function nearToken({ documents, scores }: Pick<Scored, 'documents' | 'scores'>): number {
  const near = nearOffset(documents);
  return near === 0 ? 0 : firstTokenBeyond(scores.tokens, near);
}

/** UTF-16 offset in the whole text of the top of what is on screen, in the active editor before others; of a file that is not, 0. */
export function nearOffset(documents: readonly DocumentText[]): number {
  const showing = documents.flatMap((own) =>
    vscode.window.visibleTextEditors.filter(({ document }) => document.uri.toString() === own.uri).map((editor) => ({ own, editor })),
  );
  const { own, editor } = showing.find((one) => one.editor === vscode.window.activeTextEditor) ?? showing[0] ?? {};
  const top = editor?.visibleRanges[0]?.start;
  if (own === undefined || editor === undefined || top === undefined) return 0;
  return own.from + originalNear(own.tracked, editor.document.offsetAt(top));
}
