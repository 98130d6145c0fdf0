import type { PanelContext } from '../../context.ts';
import { itemsAsJson, itemsAsTsv } from '../../figures/tokenTableCopy.ts';
import type { TableItems } from '../../figures/tokenTable.ts';
import { button } from '../../parts/controls.ts';
import { el } from '../../parts/dom.ts';
import { integer } from '../../parts/format.ts';
import { t } from '../../strings.ts';

/** The rows of a table in their order, and those that are selected, by item. */
export interface TableRows {
  readonly items: TableItems;
  readonly order: Int32Array;
  readonly picked: Int32Array;
}

/** A line that says how many rows are shown or selected, with buttons that copy these. */
export interface TableCopy {
  readonly root: HTMLElement;
  set(rows: TableRows): void;
  /** Copies the selected rows, or all that are shown. */
  copy(as: 'tsv' | 'json'): void;
}

/** Creates the line. `all`: a button about which rows there are, which stands behind their number. */
export function createTableCopy({ host, announce }: PanelContext, all: HTMLElement): TableCopy {
  const count = el('span', { class: 'caption' });
  const copied = el('span', { class: 'caption copied' });
  let rows: TableRows | undefined;
  const copy = (as: 'tsv' | 'json'): void => {
    if (rows === undefined) return;
    const { items, order, picked } = rows;
    const wanted = picked.length > 0 ? picked : order;
    if (wanted.length === 0) return;
    host.post({ type: 'copy', text: as === 'tsv' ? itemsAsTsv(items, wanted) : itemsAsJson(items, wanted) });
    const said = wanted.length === 1 ? t('1 row copied') : t('{0} rows copied', integer(wanted.length));
    copied.textContent = said;
    announce(said);
  };
  const buttons = [button(t('Copy as TSV'), 'link', () => copy('tsv')), button(t('Copy as JSON'), 'link', () => copy('json'))];
  return {
    root: el('div', { class: 'toolbar table-copy' }, count, all, ...buttons, copied),
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
    },
  };
}
