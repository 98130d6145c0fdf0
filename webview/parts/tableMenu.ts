import type { TableFormat } from '../../src/core/tableText.ts';
import { figureJson, figureTable, type FigureData } from '../figures/figureData.ts';
import { t } from '../strings.ts';
import { el } from './dom.ts';
import { copyText, saveFile } from './fileSaving.ts';
import type { MenuEntry } from './menuButton.ts';
import { createSaveMenu } from './saveMenu.ts';

/** A table as text. */
export type TableWriter = (format: TableFormat | 'json') => string;

/** A table that can be saved and copied. */
export interface SavedTable {
  /** Name of what is saved, without its ending. */
  readonly file: () => string;
  /** Its numbers, exact, and not as they are shown; null: there are none now. */
  readonly numbers: () => FigureData | TableWriter | null;
}

/** Makes a table's text when it is saved or copied, and hands it on. */
export type UseTable = (write: (table: TableWriter) => void) => void;

/** The table's text in each format. */
export function tableWriter(numbers: FigureData): TableWriter {
  return (format) => (format === 'json' ? figureJson(numbers) : figureTable(numbers, format));
}

/** Menu entries that save or copy a table. */
export function tableEntries(file: string, use: UseTable): readonly MenuEntry[] {
  const save = (format: TableFormat | 'json') => (): void => use((table) => saveFile(file, format, table(format)));
  return [
    { text: t('Table (CSV)'), chosen: save('csv') },
    { text: t('Table (TSV)'), chosen: save('tsv') },
    { text: t('Copy table'), chosen: () => use((table) => copyText(table('tsv'))) },
    { text: t('Numbers (JSON)'), chosen: save('json') },
  ];
}

/** The menu of a table, called by `label`, to stand beside it. */
export function createTableMenu(label: string, { file, numbers }: SavedTable): HTMLElement {
  return createSaveMenu(label, () => {
    const found = writerOf(numbers());
    return found === null ? [] : tableEntries(file(), (write) => write(found));
  });
}

/** Copies the table on Ctrl+C, ⌘C: not where text is selected, which the browser copies itself. */
function copiesTable({ numbers }: Pick<SavedTable, 'numbers'>): (event: KeyboardEvent) => void {
  return (event) => {
    if (!isCopy(event)) return;
    const found = writerOf(numbers());
    if (found === null) return;
    event.preventDefault();
    copyText(found('tsv'));
  };
}

/** Whether keys ask for a copy of what has the focus. */
export function isCopy(event: KeyboardEvent): boolean {
  return (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'c' && getSelection()?.isCollapsed !== false;
}

/** A table with its menu, called by `label`, below it; a press on the table lets Ctrl+C copy it. */
export function withTableMenu(label: string, table: HTMLElement, saved: SavedTable): HTMLElement {
  const tools = el('div', { class: 'table-tools' }, createTableMenu(label, saved));
  const frame = el('div', { class: 'saved-table', tabindex: -1 }, table, tools);
  frame.addEventListener('keydown', copiesTable(saved));
  return frame;
}

function writerOf(numbers: FigureData | TableWriter | null): TableWriter | null {
  return numbers === null || typeof numbers === 'function' ? numbers : tableWriter(numbers);
}
