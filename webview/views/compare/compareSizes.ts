import { html, nothing, type TemplateResult } from 'lit-html';
import { compareSizes, fitSizes, FEWEST_SIZES, type SizeComparison, type SizeFit } from '../../../src/core/modelSizes.ts';
import { at } from '../../../src/core/tensor.ts';
import type { ShownSizes } from '../../../src/protocol/messages.ts';
import type { PanelContext, View } from '../../context.ts';
import { sizesFigure } from '../../figures/sizesFigure.ts';
import { button } from '../../parts/controls.ts';
import { changeDetector, el, ICONS } from '../../parts/dom.ts';
import { compact, decimal, integer, signedDecimal, significant } from '../../parts/format.ts';
import { sizeNumbers } from '../../figures/tableNumbers.ts';
import { withTableMenu } from '../../parts/tableMenu.ts';
import { legendRow } from '../../parts/legend.ts';
import { drawInto, headingTemplate, numberTemplate, type Content } from '../../parts/templates.ts';
import { createPlot } from '../../plot.ts';
import { t } from '../../strings.ts';
import type { Theme } from '../../theme.ts';
import { sizeItem, spanTemplate, worseTemplate } from './sizeParts.ts';

/** Most parts of the text that are shown, and most rows of those that the largest model predicts worse. */
const MOST_SPANS = 4000;

/** One text through many sizes: bits per byte by parameters, and for each part of the text the first size that gets it. */
export function createCompareSizes({ host, store, tooltip }: PanelContext): View {
  let found: { readonly sizes: ShownSizes; readonly comparison: SizeComparison; readonly fit: SizeFit | null } | null = null;
  const close = button('', 'secondary', () => host.post({ type: 'closeSizes' }), ICONS.close);
  close.classList.add('icon-button');
  close.setAttribute('aria-label', t('Close the comparison of sizes'));
  close.title = t('Close the comparison of sizes');
  const notices = el('ul', { class: 'notices' });
  const plot = createPlot(t('Bits per byte by the models’ parameters'), 'sizes', {
    resized: () => draw(store.state().theme),
    hover: (point, event) => {
      const model = point?.custom === undefined ? undefined : found?.sizes.models[point.custom];
      if (model === undefined || point?.custom === undefined || event === null) return tooltip.hide();
      tooltip.show(
        {
          title: model.name,
          rows: [
            [t('Parameters'), integer(model.parameters)],
            [t('Bits per byte'), decimal(at(found?.comparison.bitsPerByte ?? [], point.custom), 3)],
          ],
        },
        event.clientX,
        event.clientY,
      );
    },
  });
  const head = el('thead');
  drawInto(head, headTemplate());
  const rows = el('tbody');
  const table = el('table', { class: 'table sizes-table' }, el('caption', { class: 'visually-hidden' }, t('Models by size')), head, rows);
  const saved = withTableMenu(t('Models by size'), el('div', { class: 'sizes-frame' }, table), {
    file: () => 'sizes',
    numbers: () => found && sizeNumbers(found.sizes, found.comparison, found.fit),
  });
  const law = el('p', { class: 'caption' });
  const text = el('div', { class: 'sizes-text', dir: 'auto' });
  const legend = legendRow();
  const worse = el('div', { class: 'sizes-worse' });
  const root = el(
    'section',
    { class: 'card compare-sizes', 'aria-label': t('One text through many sizes'), hidden: true },
    el('div', { class: 'card-head' }, el('h2', {}, t('One text through many sizes')), close),
    notices,
    plot.root,
    saved,
    law,
    el('h3', {}, t('The first size that gets it')),
    el('p', { class: 'caption' }, t('The smallest model whose first choice each part of the text is; aligned by characters.')),
    legend,
    text,
    worse,
  );
  const built = changeDetector();
  const drawn = changeDetector();

  function draw(theme: Theme): void {
    const width = plot.width();
    if (found === null || width === 0 || !drawn(found, theme, width)) return;
    const { sizes, comparison, fit } = found;
    const points = sizes.models.map(({ name, parameters }, index) => ({
      name,
      parameters,
      bitsPerByte: at(comparison.bitsPerByte, index),
    }));
    plot.draw(sizesFigure(points, fit, width, theme));
  }
  function build(sizes: ShownSizes, theme: Theme): void {
    const comparison = compareSizes(sizes.text, sizes.models);
    const fit = fitSizes(
      sizes.models.map(({ parameters }) => parameters),
      comparison.bitsPerByte,
    );
    found = { sizes, comparison, fit };
    notices.hidden = sizes.notices.length === 0;
    drawInto(
      notices,
      sizes.notices.map((notice) => html`<li>${notice}</li>`),
    );
    drawInto(
      rows,
      sizes.models.map((_, index) => modelRow(sizes, comparison, fit, index)),
    );
    law.textContent = lawText(sizes, fit);
    const colours = [...sizes.models.map((_, index) => index), -1];
    drawInto(
      legend,
      colours.map((first) => sizeItem(sizes, comparison, first, theme)),
    );
    drawInto(
      text,
      comparison.spans.slice(0, MOST_SPANS).map((span) => spanTemplate(sizes, span, theme)),
    );
    drawInto(worse, worseTemplate(sizes, comparison));
  }
  return {
    root,
    update: ({ sizes, theme, settings }) => {
      root.hidden = sizes === null;
      if (sizes === null) {
        found = null;
        return;
      }
      if (built(sizes, theme)) build(sizes, theme);
      if (settings.tab === 'compare') draw(theme);
    },
  };
}

function headTemplate(): TemplateResult {
  const names = [t('Model'), t('Parameters'), t('Tokens'), t('Bits per byte'), t('Off the line')];
  return html`<tr>
    ${names.map((name, index) => headingTemplate(name, index > 0))}
  </tr>`;
}

function modelRow({ models }: ShownSizes, { bitsPerByte }: SizeComparison, fit: SizeFit | null, index: number): Content {
  const model = models[index];
  if (model === undefined) return nothing;
  const value = at(bitsPerByte, index);
  return html`<tr>
    <th scope="row"><span class="size-number">${index + 1}</span> ${model.name}</th>
    ${numberTemplate(compact(model.parameters))} ${numberTemplate(integer(model.tokens.filter(({ special }) => !special).length))}
    ${numberTemplate(Number.isNaN(value) ? '–' : decimal(value, 3), true)}
    ${numberTemplate(fit === null ? '–' : signedDecimal(at(fit.residuals, index), 3))}
  </tr>`;
}

/** What the line through the points says, or why there is none. */
function lawText({ models }: ShownSizes, fit: SizeFit | null): string {
  if (fit === null)
    return t('A line is drawn from {0} different sizes on: fewer points say nothing of a law. Here are {1}.', FEWEST_SIZES, models.length);
  return t(
    'Dashed: bits/byte = {0} × parameters ^ {1}, by least squares of the logarithms through these models and this one text. \
Off the line: ln of the measured less ln of the fitted. Models of other families or data need not lie on one line.',
    significant(fit.factor),
    significant(fit.exponent),
  );
}
