import { vscode } from '../vscode.ts';
import { messageOf, UserError } from '../../core/errors.ts';
import { parseNotes, type Note } from '../../report/notes.ts';
import type { Report, ReportHead } from '../../report/report.ts';
import { checkReportSize, headIn, readReport, withNotes } from '../../report/reportFile.ts';
import { Disposable } from '../disposable.ts';
import { fileName } from '../fileName.ts';
import { sentenceOf } from '../log.ts';
import { writeOpenFile, writeWhole } from '../panel/savedFiles.ts';
import { t } from '../say.ts';

/** A change of a report's notes, as VS Code undoes and repeats it. */
export type NotesEdit = Pick<vscode.CustomDocumentEditEvent, 'label' | 'undo' | 'redo'>;

/** A report's file that is open in editors, and its notes as they are now: nothing else of it can be changed. */
export class ReportDocument extends Disposable implements vscode.CustomDocument {
  readonly uri: vscode.Uri;
  readonly report: Report;
  readonly #edited = this.register(new vscode.EventEmitter<NotesEdit>());
  readonly #changed = this.register(new vscode.EventEmitter<void>());
  #notes: readonly Note[];
  /** Those in the file, as far as is known here: it holds others where another program has written into it. */
  #saved: readonly Note[];

  /** Fires when the user has changed the notes, which the file does not hold yet. */
  readonly onDidEdit = this.#edited.event;
  /** Fires when the notes are other ones: edited, undone, or read again. */
  readonly onDidChange = this.#changed.event;

  /**
   * Reads a report's file. Of its page nothing is run: its numbers alone are read. `backup`: a file of notes that were written and not
   * saved. Throws Error in one sentence for VS Code to show.
   */
  static async open(uri: vscode.Uri, backup?: vscode.Uri): Promise<ReportDocument> {
    return inOneSentence(uri, async () => {
      const document = new ReportDocument(uri, await readReport(await textOf(uri), fileName(uri)));
      if (backup !== undefined)
        document.#notes = parseNotes(JSON.parse(new TextDecoder().decode(await vscode.workspace.fs.readFile(backup))));
      return document;
    });
  }

  private constructor(uri: vscode.Uri, report: Report) {
    super();
    this.uri = uri;
    this.report = report;
    this.#saved = report.head.notes;
    this.#notes = this.#saved;
  }

  /** The notes as they are now. */
  get notes(): readonly Note[] {
    return this.#notes;
  }

  /** Whether files can be written where this one is. */
  get isWritable(): boolean {
    return vscode.workspace.fs.isWritableFileSystem(this.uri.scheme) !== false;
  }

  /** Takes other notes from the user. */
  edit(notes: readonly Note[]): void {
    const before = this.#notes;
    this.#set(notes);
    this.#edited.fire({ label: t('Notes'), undo: () => this.#set(before), redo: () => this.#set(notes) });
  }

  /** Writes the notes into the file, whole or not at all. Throws Error in one sentence; the file is then as it was. */
  async save(): Promise<void> {
    await inOneSentence(this.uri, async () => {
      const notes = this.#notes;
      const file = await textOf(this.uri);
      if (JSON.stringify(this.#headOf(file).notes) !== JSON.stringify(this.#saved))
        throw new UserError(
          t('{0} holds notes that another program has written: save it under another name, or revert the file.', fileName(this.uri)),
        );
      await writeOpenFile(this.uri, this.#withNotes(file, notes), new TextEncoder().encode(file));
      this.#saved = notes;
    });
  }

  /** Writes the report with these notes to another file. Throws as `save` does. */
  async saveAs(target: vscode.Uri): Promise<void> {
    await inOneSentence(this.uri, async () => {
      const file = await textOf(this.uri);
      this.#headOf(file);
      await writeWhole(target, this.#withNotes(file, this.#notes));
    });
  }

  /** Takes the notes of the file again. Throws Error in one sentence. */
  async revert(): Promise<void> {
    await inOneSentence(this.uri, async () => {
      this.#saved = this.#headOf(await textOf(this.uri)).notes;
      this.#set(this.#saved);
    });
  }

  /** Keeps the notes in a file of VS Code's own, for the next window. */
  async backUp(target: vscode.Uri): Promise<vscode.CustomDocumentBackup> {
    await vscode.workspace.fs.writeFile(target, new TextEncoder().encode(JSON.stringify(this.#notes)));
    return { id: target.toString(), delete: () => void vscode.workspace.fs.delete(target).then(undefined, () => undefined) };
  }

  /** What the file says of itself now. Throws UserError where it is another report than the one on show, whose notes would mean nothing. */
  #headOf(file: string): ReportHead {
    const name = fileName(this.uri);
    const head = headIn(file, name);
    const { created, text, ids } = this.report.head;
    if (head.created !== created || head.text !== text || head.ids.join() !== ids.join())
      throw new UserError(t('{0} holds another report now: close it and open it again.', name));
    return head;
  }

  #withNotes(file: string, notes: readonly Note[]): Uint8Array {
    return new TextEncoder().encode(withNotes(file, notes, fileName(this.uri)));
  }

  #set(notes: readonly Note[]): void {
    this.#notes = notes;
    this.#changed.fire();
  }
}

async function textOf(uri: vscode.Uri): Promise<string> {
  checkReportSize((await vscode.workspace.fs.stat(uri)).size, fileName(uri));
  return new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
}

/** Does something for an editor of VS Code, which shows the message of an Error. */
async function inOneSentence<Result>(uri: vscode.Uri, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const sentence = error instanceof UserError ? sentenceOf(error) : t('{0} cannot be read: {1}', fileName(uri), messageOf(error));
    throw new Error(sentence, { cause: error });
  }
}
