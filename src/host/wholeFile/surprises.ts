import { vscode } from '../vscode.ts';
import { changedLines } from '../../core/changedLines.ts';
import { UserError } from '../../core/errors.ts';
import { inert, joined, type Inert } from '../../core/inertText.ts';
import {
  surpriseList,
  surpriseTable,
  type Surprise,
  type SurpriseChoice,
  type SurpriseUnit,
  type TextSymbol,
} from '../../core/surpriseList.ts';
import { originalNear } from '../../core/textEdits.ts';
import { bitsPerByte } from '../../core/textScores.ts';
import { shortened, visibleText } from '../../core/visibleText.ts';
import { SURPRISES_VIEW } from '../commandIds.ts';
import { Disposable } from '../disposable.ts';
import { findDocument } from '../editor/target.ts';
import { fileName } from '../fileName.ts';
import { committedDocument } from '../git/gitApi.ts';
import { Later } from '../later.ts';
import { sentenceOf } from '../log.ts';
import { t, tokensText } from '../say.ts';
import { createTree, treeItem, type Tree, type TreeItem } from '../surfaces.ts';
import { documentSymbols } from './documentSymbols.ts';
import type { FileReader } from './fileReader.ts';
import { documentAt, placeIn, scoredDocument, type FileReading, type Scored } from './fileReading.ts';
import { documentsOf } from './wholeText.ts';

/** Most entries: a list is for what stands out. */
const MOST = 500;
/** Most characters shown of a part. */
const MAX_NAME = 60;
/** Time between two lists while a file is read. */
const REFRESH_AFTER_MS = 800;
/** Of a long file a list takes a while: the time between two is so many times that of the last. */
const REST = 10;

/** An entry of the view: a part of the file that `scored` is of. */
export interface SurpriseNode {
  readonly file: FileReading;
  readonly scored: Scored;
  readonly part: Surprise;
}

/** The view "Surprises": what surprised the model most in the file that was read as a whole, of the active editor or else the last. */
export class Surprises extends Disposable implements vscode.TreeDataProvider<SurpriseNode> {
  readonly #reader: FileReader;
  readonly #changed = this.register(new vscode.EventEmitter<undefined>());
  readonly #view: Tree;
  #choice: SurpriseChoice = { unit: 'token', order: 'total', filter: '' };
  #file: FileReading | undefined;
  /** Milliseconds that the last list took. */
  #took = 0;

  readonly onDidChangeTreeData = this.#changed.event;

  constructor(reader: FileReader) {
    super();
    this.#reader = reader;
    this.#view = this.register(createTree(SURPRISES_VIEW, this));
    const { ask, askInPause } = this.register(
      new Later(
        () => Math.max(REFRESH_AFTER_MS, REST * this.#took),
        () => this.#refresh(),
      ),
    );
    for (const event of [reader.onDidChange, reader.onDidActivate]) this.register(event(ask));
    this.register(reader.onDidEdit(askInPause));
  }

  /** What the list is made of now. */
  get choice(): SurpriseChoice {
    return this.#choice;
  }

  /** Makes the list in another way. */
  choose(choice: Partial<SurpriseChoice>): void {
    this.#choice = { ...this.#choice, ...choice };
    this.#refresh();
  }

  async getChildren(node?: SurpriseNode): Promise<SurpriseNode[]> {
    const file = this.#file;
    const scored = file?.scored;
    if (node !== undefined || file === undefined || !scored) return [];
    return (await this.#list(scored)).map((part) => ({ file, scored, part }));
  }

  getTreeItem({ file, scored, part }: SurpriseNode): TreeItem {
    // Of a line without end only the beginning.
    const text = (part.name.trim() === '' ? part.name : part.name.trim()).slice(0, 2 * MAX_NAME);
    const name = inert(shortened(visibleText(text), MAX_NAME));
    const item = treeItem(name, vscode.TreeItemCollapsibleState.None);
    const own = documentAt(scored, part.start);
    const place = own && { uri: own.uri, ...placeIn(scoredDocument(scored, own), part.start, part.end) };
    const cell = own && cellNumber(file, own.uri);
    const facts = [
      t('{0} bits', part.bits.toFixed(1)),
      t('{0} bits/byte', bitsPerByte(part).toFixed(2)),
      ...(cell === undefined ? [] : [t('cell {0}', cell)]),
      ...(place?.stale === true ? [t('edited since')] : []),
    ];
    item.description = joined(facts, ' · ');
    item.tooltip = joined([name, ...facts, tokensText(part.tokens)], '\n');
    item.accessibilityInformation = { label: joined([name, ...facts], ', ') };
    if (place) item.command = { command: 'explainTokens.goToSurprise', title: t('Go There'), arguments: [place] };
    return item;
  }

  /** The list as a table of tab-separated values; null: there is none. */
  async table(): Promise<string | null> {
    const file = this.#file;
    const scored = file?.scored;
    if (file === undefined || !scored || documentsOf(file).length === 0) return null;
    return surpriseTable(await this.#list(scored), file.isNotebook ? ['cell', 'line'] : ['line'], (offset) => {
      const own = documentAt(scored, offset);
      const line = own && findDocument(own.uri)?.positionAt(placeIn(scoredDocument(scored, own), offset, offset).start).line;
      return [...(own && file.isNotebook ? [cellNumber(file, own.uri) ?? ''] : []), line === undefined ? '' : line + 1];
    });
  }

  async #list(scored: Scored): Promise<readonly Surprise[]> {
    const symbols = await this.#symbolsOf(scored);
    const begun = performance.now();
    const list = surpriseList(scored.text, scored.scores, symbols, this.#choice, MOST);
    this.#took = performance.now() - begun;
    return list;
  }

  /** The symbols or changes that the list is made of; none for other units, and where there are none, which the view says then. */
  async #symbolsOf(scored: Scored): Promise<readonly TextSymbol[]> {
    const { unit } = this.#choice;
    if (unit === 'symbol') return symbolsOf(scored);
    if (unit !== 'change') return [];
    // By the time Git has answered, the list may be of something else.
    const say = (message: Inert | undefined): void => {
      if (this.#choice.unit === 'change') this.#view.message = message;
    };
    try {
      const changes = await changesOf(scored);
      say(changes.length === 0 ? t('Nothing was changed or added since the last commit.') : undefined);
      return changes;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      say(sentenceOf(error));
      return [];
    }
  }

  #refresh(): void {
    if (this.disposed) return;
    if (this.#choice.unit !== 'change') this.#view.message = undefined;
    this.#file = this.#reader.active ?? (this.#file && this.#reader.isKnown(this.#file) ? this.#file : undefined);
    const { order, filter, unit } = this.#choice;
    this.#view.description = joined(
      [
        ...(this.#file ? [inert(this.#file.label)] : []),
        unitName(unit),
        order === 'total' ? t('by bits') : t('by bits per byte'),
        ...(filter === '' ? [] : [t('with “{0}”', filter)]),
      ],
      ' · ',
    );
    this.#changed.fire(undefined);
  }
}

/** The symbols of all documents of a file, in the text that was read. */
async function symbolsOf(scored: Scored): Promise<readonly TextSymbol[]> {
  const found = scored.documents.map(async (own) => {
    const document = findDocument(own.uri);
    const symbols = document ? await documentSymbols(document) : [];
    const read = (offset: number): number => own.from + originalNear(own.tracked, offset);
    return symbols.map(({ name, start, end }) => ({ name, start: read(start), end: read(end) }));
  });
  return (await Promise.all(found)).flat();
}

/** The lines of all documents of a file that their last commit does not have. Throws UserError where there is none. */
async function changesOf({ documents, text }: Scored): Promise<readonly TextSymbol[]> {
  const found = documents.map(async ({ uri, from, tracked }) => {
    const place = vscode.Uri.parse(uri);
    const before = await committedDocument(place, fileName(place));
    const own = text.slice(from, from + tracked.length);
    return changedLines(before.getText(), own).map(({ start, end }) => ({
      name: own.slice(start, end),
      start: from + start,
      end: from + end,
    }));
  });
  return (await Promise.all(found)).flat();
}

/** Number of a cell in its notebook, counted from 1; undefined: it is none. */
function cellNumber(file: FileReading, uri: string): number | undefined {
  const index = file.isNotebook ? documentsOf(file).findIndex((document) => document.uri.toString() === uri) : -1;
  return index < 0 ? undefined : index + 1;
}

/** Name of a unit, for the user. */
export function unitName(unit: SurpriseUnit): Inert {
  switch (unit) {
    case 'token':
      return t('Tokens');
    case 'word':
      return t('Words');
    case 'line':
      return t('Lines');
    case 'paragraph':
      return t('Paragraphs');
    case 'symbol':
      return t('Symbols');
    case 'change':
      return t('Changes since the last commit');
  }
}
