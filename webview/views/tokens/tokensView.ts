import type { Explanation } from '../../../src/core/trace.ts';
import type { PanelContext, View } from '../../context.ts';
import { summarise } from '../../figures/summary.ts';
import { chosenItems, tableItems } from '../../figures/tokenTable.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { decimal, displayLanguage, integer } from '../../parts/format.ts';
import { countsTemplate, drawInto } from '../../parts/templates.ts';
import { t } from '../../strings.ts';
import { createHistogram } from './histogram.ts';
import { createTableCopy } from './tableCopy.ts';
import { createTableFilter } from './tableFilter.ts';
import { createTokenGrid } from './tokenGrid.ts';

/** The Tokens tab: a table of all tokens or words, sorted and filtered, with a histogram of their surprisal. */
export function createTokens(context: PanelContext): View {
  const counts = el('dl', { class: 'facts' });
  const filter = createTableFilter(context);
  const copy = createTableCopy(context, filter.all);
  const histogram = createHistogram(context);
  const grid = createTokenGrid(context, () => copy.copy('tsv'));
  const root = el('div', { class: 'tokens-view' }, counts, filter.root, histogram.root, copy.root, grid.root);
  const built = changeDetector();
  const itemsChanged = changeDetector();
  const orderChanged = changeDetector();
  const rowsChanged = changeDetector();
  let items: ReturnType<typeof tableItems> | undefined;
  let order: Int32Array = new Int32Array();

  return {
    root,
    update: (state) => {
      const { shown, settings, picked } = state;
      if (shown === null) return;
      const { explanation } = shown;
      if (built(shown, settings.tableDetails)) drawInto(counts, countsTemplate(factsOf(explanation, settings.tableDetails)));
      root.classList.toggle('detailed', settings.tableDetails);
      filter.set(settings);
      const { tableUnit, tableSort, tableText: text, tableId: id, tableBits: bits } = settings;
      if (itemsChanged(explanation, tableUnit) || items === undefined) items = tableItems(explanation, tableUnit);
      if (orderChanged(items, tableSort, text, id, bits))
        order = chosenItems(items, { sort: tableSort, text, id, bits }, displayLanguage());
      const { runs } = items;
      if (rowsChanged(items, order, picked))
        copy.set({ items, order, picked: order.filter((item) => picked.has(runs[item]?.first ?? -1)) });
      histogram.update(state, items, order);
      grid.update(state, items, order);
    },
  };
}

function factsOf(explanation: Explanation, isDetailed: boolean): readonly (readonly [string, string])[] {
  const summary = summarise(explanation, displayLanguage());
  return [
    [integer(summary.own), summary.own === 1 ? t('token') : t('tokens')],
    ...(summary.added > 0 ? [[integer(summary.added), summary.added === 1 ? t('added token') : t('added tokens')] as const] : []),
    [integer(summary.words), summary.words === 1 ? t('word') : t('words')],
    ...(Number.isFinite(summary.tokensPerWord) ? [[decimal(summary.tokensPerWord, 2), t('tokens per word')] as const] : []),
    ...(isDetailed
      ? [
          [integer(summary.distinct), summary.distinct === 1 ? t('distinct id') : t('distinct ids')] as const,
          [integer(summary.bytes), summary.bytes === 1 ? t('byte') : t('bytes')] as const,
        ]
      : []),
  ];
}
