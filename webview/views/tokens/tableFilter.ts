import { pickTokens, type PanelContext } from '../../context.ts';
import { TABLE_UNITS, type TableUnit } from '../../figures/tokenTable.ts';
import { button, checkbox, segmented, uniqueId } from '../../parts/controls.ts';
import { el } from '../../parts/dom.ts';
import { t } from '../../strings.ts';
import { MAX_WORD, type Settings } from '../../viewSettings.ts';

/** What leaves all rows. */
export const ALL_ROWS = { tableText: '', tableId: null, tableBits: 0 } as const satisfies Partial<Settings>;

/** Makes other rows: those that were selected are not any more. */
export function chooseRows(context: PanelContext, change: Partial<Settings>): void {
  pickTokens(context, new Set());
  context.store.dispatch({ type: 'settings', change });
}

/** Controls of what the table's rows are, and which of them are shown. */
export interface TableFilter {
  readonly root: HTMLElement;
  /** Shows all rows again; hidden where all are shown. */
  readonly all: HTMLElement;
  set(settings: Settings): void;
}

/** Creates the controls. The table follows every key. */
export function createTableFilter(context: PanelContext): TableFilter {
  const change = (settings: Partial<Settings>): void => chooseRows(context, settings);
  const names: Readonly<Record<TableUnit, string>> = { token: t('Tokens'), word: t('Words') };
  const unit = segmented(
    t('Rows'),
    TABLE_UNITS.map((name) => [name, names[name]] as const),
    (tableUnit) => change({ tableUnit }),
  );
  const text = filterField(t('Text'), { type: 'text', maxlength: MAX_WORD, placeholder: t('all') }, (value) =>
    change({ tableText: value }),
  );
  const id = filterField(t('Id'), { type: 'number', min: 0, step: 1, placeholder: t('all') }, (value) =>
    change({ tableId: /^\d{1,9}$/.test(value) ? Number(value) : null }),
  );
  const bits = filterField(t('Bits, at least'), { type: 'number', min: 0, step: 'any', placeholder: '0' }, (value) => {
    const least = Number(value);
    change({ tableBits: Number.isFinite(least) ? Math.max(0, Math.min(1e6, least)) : 0 });
  });
  const details = checkbox(t('Bytes and ids'), (tableDetails) => context.store.dispatch({ type: 'settings', change: { tableDetails } }));
  const all = button(t('Show all rows'), 'link', () => change(ALL_ROWS));
  return {
    root: el(
      'div',
      { class: 'table-filter', role: 'group', 'aria-label': t('Rows of the table') },
      unit.root,
      text.root,
      id.root,
      bits.root,
      details.root,
    ),
    all,
    set: ({ tableUnit, tableText, tableId, tableBits, tableDetails }) => {
      details.set(tableDetails);
      // A filter that is on is in sight.
      id.root.hidden = !tableDetails && tableId === null;
      unit.set(tableUnit);
      text.set(tableText);
      id.set(tableId === null ? '' : String(tableId));
      bits.set(tableBits === 0 ? '' : String(tableBits));
      all.hidden = tableText === '' && tableId === null && tableBits === 0;
    },
  };
}

/** A labelled field that tells its value with every key. It keeps what is being typed. */
function filterField(
  label: string,
  attributes: Readonly<Record<string, string | number>>,
  typed: (value: string) => void,
): { readonly root: HTMLElement; set(value: string): void } {
  const id = uniqueId('filter');
  const input = el('input', { ...attributes, id, class: 'text-input', spellcheck: 'false', autocomplete: 'off' });
  input.addEventListener('input', () => typed(input.value));
  return {
    root: el('div', { class: `filter-field ${attributes['type'] ?? ''}` }, el('label', { for: id }, label), input),
    set: (value) => {
      if (document.activeElement !== input) input.value = value;
    },
  };
}
