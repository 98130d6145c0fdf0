import { html, nothing, type TemplateResult } from 'lit-html';
import { type SizeComparison, type SizedSpan } from '../../../src/core/modelSizes.ts';
import { at } from '../../../src/core/tensor.ts';
import { visibleText } from '../../../src/core/visibleText.ts';
import type { ShownSizes } from '../../../src/protocol/messages.ts';
import { css } from '../../colour.ts';
import { el } from '../../parts/dom.ts';
import { bits, decimal, integer, signedDecimal } from '../../parts/format.ts';
import { spanNumbers } from '../../figures/tableNumbers.ts';
import { withTableMenu } from '../../parts/tableMenu.ts';
import { legendItem, swatch } from '../../parts/legend.ts';
import { chipTemplate, drawInto, headingTemplate, numberTemplate } from '../../parts/templates.ts';
import { t } from '../../strings.ts';
import { colourAt, textOn, type Theme } from '../../theme.ts';

const MOST_WORSE = 40;

/** Bits by which the largest model has to be worse to be listed: less is noise of a hundredth of a probability. */
const LEAST_WORSE = 0.05;

/** Strength of a size's colour, 0 to 1: what only larger models get is stronger, and what none gets strongest. */
function strength(first: number, count: number): number {
  return (first === -1 ? count : first) / count;
}

function sizeMark(first: number): string {
  return first === -1 ? '–' : String(first + 1);
}

/** Legend of the parts that a size is the first to get; `first`: its index, -1 for those that none gets. */
export function sizeItem({ models }: ShownSizes, { spans }: SizeComparison, first: number, theme: Theme): HTMLElement {
  const count = spans.filter((span) => span.first === first).length;
  const name = first === -1 ? t('no model') : `${sizeMark(first)} ${models[first]?.name ?? ''}`;
  return legendItem(swatch(colourAt(theme.heat, strength(first, models.length))), t('{0}: {1} parts', name, integer(count)));
}

/** A part of the text, coloured and numbered by the first size that gets it. */
export function spanTemplate({ models, text }: ShownSizes, { start, end, first, bits: own }: SizedSpan, theme: Theme): TemplateResult {
  const each = models.map(({ name }, index) => {
    const value = at(own, index);
    return t('{0}: {1}', name, Number.isNaN(value) ? t('not predicted') : bits(value));
  });
  const shown = visibleText(text.slice(start, end));
  if (own.some(Number.isNaN)) return html`<span class="token-text chip none" title=${each.join('\n')}>${shown}</span>`;
  const colour = colourAt(theme.heat, strength(first, models.length));
  const look = `background-color: ${css(colour)}; color: ${css(textOn(theme, colour))}`;
  return html`<span class="token-text chip" title=${each.join('\n')} style=${look}>${shown}<sub>${sizeMark(first)}</sub></span>`;
}

/** Where the largest model gives the text more bits than the smallest: the parts with most of it. */
export function worseTemplate(sizes: ShownSizes, { spans }: SizeComparison): TemplateResult {
  const { models, text } = sizes;
  const last = models.length - 1;
  const by = (span: SizedSpan): number => at(span.bits, last) - at(span.bits, 0);
  const all = spans.filter((span) => by(span) > LEAST_WORSE).toSorted((a, b) => by(b) - by(a));
  const title = t('Where the largest is worse than the smallest');
  if (all.length === 0)
    return html`<h3>${title}</h3>
      <p class="caption">${t('Nowhere in this text.')}</p>`;
  const table = el('table', { class: 'table' });
  drawInto(
    table,
    html`<thead>
        <tr>
          ${headingTemplate(t('Text'), false)} ${models.map((_, index) => headingTemplate(t('Bits, {0}', index + 1), true))}
          ${headingTemplate(t('Worse by'), true)}
        </tr>
      </thead>
      <tbody>
        ${all.slice(0, MOST_WORSE).map(
          (span) =>
            html`<tr>
              <th scope="row">${chipTemplate(visibleText(text.slice(span.start, span.end)))}</th>
              ${Array.from(span.bits, (value) => numberTemplate(decimal(value, 2)))} ${numberTemplate(signedDecimal(by(span), 2), true)}
            </tr>`,
        )}
      </tbody>`,
  );
  const more =
    all.length > MOST_WORSE ? html`<p class="caption">${t('The {0} largest of {1}.', MOST_WORSE, integer(all.length))}</p>` : nothing;
  return html`<h3>${title}</h3>
    ${more}
    ${withTableMenu(title, el('div', { class: 'sizes-frame' }, table), {
      file: () => 'sizes-worse',
      numbers: () => spanNumbers(sizes, all),
    })}`;
}
