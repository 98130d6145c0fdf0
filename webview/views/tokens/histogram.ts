import { html, type TemplateResult } from 'lit-html';
import type { PanelContext } from '../../context.ts';
import { surprisalHistogram, surprisalHistogramFigure, type SurprisalHistogram } from '../../figures/surprisalHistogram.ts';
import type { TableItems } from '../../figures/tokenTable.ts';
import { histogramNumbers } from '../../figures/savedNumbers.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { decimal, integer } from '../../parts/format.ts';
import { foldout } from '../../parts/foldout.ts';
import { drawInto, headingTemplate } from '../../parts/templates.ts';
import { createPlot } from '../../plot.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { chooseRows } from './tableFilter.ts';

/** The histogram of the rows' surprisal: a figure that opens, and its numbers as a table for screen readers. */
export interface Histogram {
  readonly root: HTMLElement;
  update(state: ViewState, items: TableItems, order: Int32Array): void;
}

/** Creates the histogram. A click on a bar leaves the rows of at least so many bits. */
export function createHistogram(context: PanelContext): Histogram {
  const { store, tooltip } = context;
  let counts: SurprisalHistogram | undefined;
  const plot = createPlot(t('How many rows have how many bits of surprisal'), 'surprisal-histogram', {
    data: () => (counts === undefined ? null : histogramNumbers(counts)),
    resized: () => draw(),
    hover: (point, event) => {
      const place = point?.custom;
      if (counts === undefined || place === undefined || event === null) return tooltip.hide();
      tooltip.show(
        {
          title: stepText(counts, place),
          rows: [
            [t('All rows'), integer(counts.all[place] ?? 0)],
            [t('Shown rows'), integer(counts.shown[place] ?? 0)],
          ],
        },
        event.clientX,
        event.clientY,
      );
    },
    click: ({ custom }) => {
      if (counts !== undefined && custom !== undefined) chooseRows(context, { tableBits: custom * counts.step });
    },
  });
  const numbers = el('table', { class: 'visually-hidden' });
  const note = el('p', { class: 'caption' });
  const fold = foldout(store, 'histogram', 'histogram', [t('Histogram of surprisal')], plot.root, numbers, note);
  const counted = changeDetector();
  const drawn = changeDetector();
  const draw = (): void => {
    const { theme } = store.state();
    const width = plot.width();
    if (counts === undefined || width === 0 || !drawn(counts, theme, width)) return;
    plot.draw(surprisalHistogramFigure(counts, width, theme));
  };
  return {
    root: fold.root,
    update: ({ settings }, items, order) => {
      if (!fold.set(settings)) return;
      if (counted(items, order)) {
        counts = surprisalHistogram(items, order);
        drawInto(numbers, tableTemplate(counts));
        note.textContent = noteOf(counts);
      }
      draw();
    },
  };
}

function noteOf({ unpredicted }: SurprisalHistogram): string {
  const clicks = t('A click on a bar leaves the rows of at least so many bits. Pale: rows that the filter leaves out.');
  return unpredicted === 0 ? clicks : `${clicks} ${t('Not counted, as nothing predicted them: {0}.', integer(unpredicted))}`;
}

/** The range of a step: 2 to 3 bits. */
function stepText({ step }: SurprisalHistogram, place: number): string {
  const digits = Number.isInteger(step) ? 0 : 1;
  return t('{0} to {1} bits', decimal(place * step, digits), decimal((place + 1) * step, digits));
}

function tableTemplate(counts: SurprisalHistogram): TemplateResult {
  return html`<caption>
      ${t('How many rows have how many bits of surprisal')}
    </caption>
    <thead>
      <tr>
        ${[t('Surprisal'), t('All rows'), t('Shown rows')].map((name) => headingTemplate(name, false))}
      </tr>
    </thead>
    <tbody>
      ${counts.all.map(
        (all, place) =>
          html`<tr>
            <th scope="row">${stepText(counts, place)}</th>
            <td>${integer(all)}</td>
            <td>${integer(counts.shown[place] ?? 0)}</td>
          </tr>`,
      )}
    </tbody>`;
}
