import { pickTokens, selectToken, type PanelContext } from '../../context.ts';
import type { TableItems } from '../../figures/tokenTable.ts';
import { stepKey } from '../../parts/dom.ts';

/** Rows of the table, by their places in the order in which they are shown. */
export interface PlacedRows {
  readonly items: TableItems;
  readonly order: Int32Array;
  /** [items] place of each item among the rows; -1: it is not shown. */
  readonly placeOf: Int32Array;
}

/** Ways to come to a row: it alone, all from the last one to it, it added to the others or taken from them, or these left alone. */
export type Reach = 'alone' | 'range' | 'toggle' | 'move';

/** Selects rows as lists of files do: a click or an arrow one of them, with Shift a range, with Ctrl or ⌘ one more. */
export interface RowPicks {
  /** Comes to the row at a place. */
  go(place: number, reach: Reach): void;
  /** Place that a key leads to; undefined: the key is none of these. The key is then dealt with. */
  key(event: KeyboardEvent): number | undefined;
}

/** Creates the selection. `rows`: those shown now. */
export function createRowPicks(context: PanelContext, rows: () => PlacedRows | undefined): RowPicks {
  /** Item from which a range goes; -1: the selected one. */
  let anchor = -1;
  let anchored: TableItems | undefined;
  const currentItem = ({ items }: PlacedRows): number => items.itemOf[context.store.state().settings.selected] ?? 0;

  function go(place: number, reach: Reach): void {
    const shown = rows();
    const item = shown?.order[place];
    if (shown === undefined || item === undefined) return;
    const { items, order, placeOf } = shown;
    const before = currentItem(shown);
    if (anchored !== items || anchor < 0 || (placeOf[anchor] ?? -1) < 0) [anchored, anchor] = [items, before];
    const { picked } = context.store.state();
    const beside = picked.size > 0 || (placeOf[before] ?? -1) < 0 ? picked : tokensOf(items, [before]);
    switch (reach) {
      case 'alone':
        pickTokens(context, new Set());
        anchor = item;
        break;
      case 'range': {
        const from = Math.max(0, placeOf[anchor] ?? 0);
        pickTokens(context, tokensOf(items, order.slice(Math.min(from, place), Math.max(from, place) + 1)));
        break;
      }
      case 'toggle': {
        pickTokens(context, toggled(beside, tokensOf(items, [item]), picked.has(items.runs[item]?.first ?? -1)));
        anchor = item;
        break;
      }
      case 'move':
        pickTokens(context, beside);
        anchor = item;
    }
    selectToken(context, items.runs[item]?.first ?? 0);
  }

  return {
    go,
    key: (event) => {
      const shown = rows();
      if (shown === undefined || event.altKey || event.isComposing) return undefined;
      const { items, order, placeOf } = shown;
      const place = placeOf[currentItem(shown)] ?? -1;
      const withCtrl = event.ctrlKey || event.metaKey;
      const vertical = event.key !== 'ArrowLeft' && event.key !== 'ArrowRight';
      const next = vertical ? stepKey(event.key, place, order.length) : undefined;
      if (next !== undefined) go(next, event.shiftKey ? 'range' : withCtrl ? 'move' : 'alone');
      else if (event.key === ' ') toggleHere(context, shown);
      else if (withCtrl && event.key.toLowerCase() === 'a') pickTokens(context, tokensOf(items, order));
      else if (event.key === 'Escape' && context.store.state().picked.size > 0) pickTokens(context, new Set());
      else return undefined;
      event.preventDefault();
      event.stopPropagation();
      return next ?? place;
    },
  };
}

/** Adds the row that has the focus to the selected ones, or takes it away. */
function toggleHere(context: PanelContext, { items }: PlacedRows): void {
  const { picked, settings } = context.store.state();
  const item = items.itemOf[settings.selected] ?? 0;
  pickTokens(context, toggled(picked, tokensOf(items, [item]), picked.has(items.runs[item]?.first ?? -1)));
}

/** Tokens with or, where they are among them, without others. */
function toggled(tokens: ReadonlySet<number>, others: ReadonlySet<number>, areAmong: boolean): ReadonlySet<number> {
  return new Set(areAmong ? [...tokens].filter((token) => !others.has(token)) : [...tokens, ...others]);
}

/** The tokens of items. */
export function tokensOf({ runs }: TableItems, items: Iterable<number>): Set<number> {
  const tokens = new Set<number>();
  for (const item of items) for (let token = runs[item]?.first ?? 0; token < (runs[item]?.end ?? 0); token++) tokens.add(token);
  return tokens;
}
