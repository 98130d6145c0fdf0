import type { PanelContext } from '../../context.ts';
import { barsShared, highestRow, rowText, surprisalFigure } from '../../figures/comparisonRows.ts';
import { comparedNumbers } from '../../figures/savedNumbers.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { bits, signedDecimal } from '../../parts/format.ts';
import { createPlot } from '../../plot.ts';
import { t } from '../../strings.ts';
import type { Theme } from '../../theme.ts';
import type { Compared } from './compared.ts';

/** Bars of the surprisal of both sides. */
export interface CompareBars {
  readonly parts: readonly HTMLElement[];
  /** Draws them if anything has changed, the chosen row (-1: none) marked. */
  readonly draw: (compared: Compared | null, chosen: number, theme: Theme) => void;
}

/** Creates the bars. `choose` is called with a row that was clicked, `resized` when their width has changed. */
export function createCompareBars(context: PanelContext, choose: (row: number) => void, resized: () => void): CompareBars {
  const note = el('div', { class: 'axis-note', hidden: true });
  const drawn = changeDetector();
  let compared: Compared | null = null;
  /** Rows that share a bar. */
  let shared = 1;
  /** Row that a bar stands for. */
  const rowAt = (x: number): number => highestRow(compared?.rows ?? [], x, shared);
  const plot = createPlot(t('Surprisal of both sides, row by row'), 'surprisal-of-both', {
    data: () => (compared === null ? null : comparedNumbers(compared.rows)),
    hover: (point, event) => {
      const row = point === null ? undefined : compared?.rows[rowAt(point.x)];
      if (row === undefined || event === null) return context.tooltip.hide();
      context.tooltip.show(
        {
          title: rowText(row),
          rows: [
            [t('First'), bits(row.aBits)],
            [t('Second'), bits(row.bBits)],
            [t('Difference'), signedDecimal(row.difference, 2)],
            ['KL', bits(row.kl)],
          ],
        },
        event.clientX,
        event.clientY,
      );
    },
    click: (point) => choose(rowAt(point.x)),
    resized,
  });
  return {
    parts: [note, plot.root],
    draw: (now, chosen, theme) => {
      compared = now;
      const width = plot.width();
      if (now === null || width === 0 || !drawn(now, chosen, width, theme)) return;
      shared = barsShared(now.rows.length, width);
      note.hidden = shared === 1;
      note.textContent = t('A bar shows the largest of {0} rows; pointing at it names that one.', shared);
      plot.draw(surprisalFigure(now.rows, chosen, width, theme, shared));
    },
  };
}
