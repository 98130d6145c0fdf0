import type { PanelContext } from '../../context.ts';
import { columnsOf, type TableColumn, type TableUnit } from '../../figures/tokenTable.ts';
import { el } from '../../parts/dom.ts';
import { t } from '../../strings.ts';
import type { Settings } from '../../viewSettings.ts';

/** Columns of which the largest numbers come first when they are first sorted by. */
const LARGEST_FIRST: ReadonlySet<TableColumn> = new Set(['bytes', 'count', 'probability', 'bits', 'entropy', 'bitsPerByte']);

/** The table's head: a button a column, which sorts by it, and then the other way round. */
export interface TableHead {
  readonly root: HTMLElement;
  set(settings: Pick<Settings, 'tableUnit' | 'tableSort'>): void;
}

/** Creates the head, still empty. */
export function createTableHead({ store, announce }: PanelContext): TableHead {
  const row = el('tr', { 'aria-rowindex': 1 });
  let unit: TableUnit | undefined;
  const heads = new Map<TableColumn, HTMLElement>();
  const sortBy = (column: TableColumn): void => {
    const { column: before, descending } = store.state().settings.tableSort;
    const next = column === before ? !descending : LARGEST_FIRST.has(column);
    store.dispatch({ type: 'settings', change: { tableSort: { column, descending: next } } });
    announce(next ? t('Sorted by {0}, descending', columnName(column)) : t('Sorted by {0}, ascending', columnName(column)));
  };
  const headOf = (column: TableColumn): HTMLElement => {
    const button = el('button', { type: 'button', class: 'sort', title: sortTitle(column) }, columnName(column));
    button.addEventListener('click', () => sortBy(column));
    return el('th', { scope: 'col', class: `column-${column}` }, button);
  };
  return {
    root: el('thead', {}, row),
    set: ({ tableUnit, tableSort }) => {
      if (unit !== tableUnit) {
        unit = tableUnit;
        heads.clear();
        for (const column of columnsOf(tableUnit)) heads.set(column, headOf(column));
        row.replaceChildren(...heads.values());
      }
      for (const [column, head] of heads) {
        if (column === tableSort.column) head.setAttribute('aria-sort', tableSort.descending ? 'descending' : 'ascending');
        else head.removeAttribute('aria-sort');
      }
    },
  };
}

/** Name of a column, for the user. */
export function columnName(column: TableColumn): string {
  const names: Readonly<Record<TableColumn, string>> = {
    index: t('Index'),
    text: t('Text'),
    bytes: t('Bytes'),
    id: t('Id'),
    count: t('Tokens'),
    probability: t('Probability'),
    rank: t('Rank'),
    bits: t('Surprisal, bits'),
    entropy: t('Entropy, bits'),
    bitsPerByte: t('Bits per byte'),
  };
  return names[column];
}

function sortTitle(column: TableColumn): string {
  return column === 'bytes' ? t('Sort by the number of bytes') : t('Sort by {0}', columnName(column));
}
