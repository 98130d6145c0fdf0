import type { PanelContext } from '../../context.ts';
import { itemsAsJson, itemsAsTable } from '../../figures/tokenTableCopy.ts';
import type { TableItems } from '../../figures/tokenTable.ts';
import { button } from '../../parts/controls.ts';
import { el } from '../../parts/dom.ts';
import { copyText } from '../../parts/fileSaving.ts';
import { integer } from '../../parts/format.ts';
import { createTableMenu, type TableWriter } from '../../parts/tableMenu.ts';
import { t } from '../../strings.ts';

/** The rows of a table in their order, and those that are selected, by item. */
export interface TableRows {
  readonly items: TableItems;
  readonly order: Int32Array;
  readonly picked: Int32Array;
}

/** A line that says how many rows are shown or selected, with buttons that copy these and a menu that saves them. */
export interface TableCopy {
  readonly root: HTMLElement;
  set(rows: TableRows): void;
  /** Copies the selected rows, or all that are shown. */
  copy(as: 'tsv' | 'json'): void;
}

/** Creates the line. `all`: a button about which rows there are, which stands behind their number. */
export function createTableCopy({ announce }: PanelContext, all: HTMLElement): TableCopy {
  const count = el('span', { class: 'caption' });
  const copied = el('span', { class: 'caption copied' });
  let rows: TableRows | undefined;
  const wanted = (): Int32Array => (rows === undefined ? new Int32Array() : rows.picked.length > 0 ? rows.picked : rows.order);
  const writer = (): TableWriter | null => {
    const [chosen, items] = [wanted(), rows?.items];
    if (items === undefined || chosen.length === 0) return null;
    return (format) => (format === 'json' ? itemsAsJson(items, chosen) : itemsAsTable(items, chosen, format));
  };
  const copy = (as: 'tsv' | 'json'): void => {
    const write = writer();
    if (write === null) return;
    copyText(write(as));
    const { length } = wanted();
    const said = length === 1 ? t('1 row copied') : t('{0} rows copied', integer(length));
    copied.textContent = said;
    announce(said);
  };
  const buttons = [button(t('Copy as TSV'), 'link', () => copy('tsv')), button(t('Copy as JSON'), 'link', () => copy('json'))];
  const menu = createTableMenu(t('Tokens of the text'), {
    file: () => (rows?.items.unit === 'word' ? 'words' : 'tokens'),
    numbers: writer,
  });
  return {
    root: el('div', { class: 'toolbar table-copy' }, count, all, ...buttons, menu, copied),
    copy,
    set: (next) => {
      rows = next;
      const { items, order, picked } = next;
      copied.textContent = '';
      const every = items.runs.length;
      count.textContent =
        picked.length === 1
          ? t('1 row selected, marked in the editor')
          : picked.length > 0
            ? t('{0} rows selected, marked in the editor', integer(picked.length))
            : order.length === every
              ? t('{0} rows; Ctrl, ⌘ or Shift and a click select several', integer(every))
              : t('{0} of {1} rows', integer(order.length), integer(every));
      for (const one of buttons) one.disabled = order.length === 0;
      menu.hidden = order.length === 0;
    },
  };
}
