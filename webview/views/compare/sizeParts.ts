import { type SizeComparison, type SizedSpan } from '../../../src/core/modelSizes.ts';
import { at } from '../../../src/core/tensor.ts';
import { visibleText } from '../../../src/core/visibleText.ts';
import type { ShownSizes } from '../../../src/protocol/messages.ts';
import { css } from '../../colour.ts';
import { chip, numberCell } from '../../parts/controls.ts';
import { el } from '../../parts/dom.ts';
import { bits, decimal, integer, signedDecimal } from '../../parts/format.ts';
import { spanNumbers } from '../../figures/tableNumbers.ts';
import { withTableMenu } from '../../parts/tableMenu.ts';
import { legendItem, swatch } from '../../parts/legend.ts';
import { t } from '../../strings.ts';
import { colourAt, textOn, type Theme } from '../../theme.ts';

const MOST_WORSE = 40;

/** Bits by which the largest model has to be worse to be listed: less is noise of a hundredth of a probability. */
const LEAST_WORSE = 0.05;

/** Heading of a column; all but the first have numbers below. */
export function heading(name: string, index: number): HTMLElement {
  return el('th', { scope: 'col', class: index === 0 ? '' : 'number' }, name);
}

/** Strength of a size's colour, 0 to 1: what only larger models get is stronger, and what none gets strongest. */
function strength(first: number, count: number): number {
  return (first === -1 ? count : first) / count;
}

function sizeMark(first: number): string {
  return first === -1 ? '–' : String(first + 1);
}

export function sizeItem({ models }: ShownSizes, { spans }: SizeComparison, first: number, theme: Theme): HTMLElement {
  const count = spans.filter((span) => span.first === first).length;
  const name = first === -1 ? t('no model') : `${sizeMark(first)} ${models[first]?.name ?? ''}`;
  return legendItem(swatch(colourAt(theme.heat, strength(first, models.length))), t('{0}: {1} parts', name, integer(count)));
}

export function spanChip({ models, text }: ShownSizes, { start, end, first, bits: own }: SizedSpan, theme: Theme): HTMLElement {
  const each = models.map(({ name }, index) => {
    const value = at(own, index);
    return t('{0}: {1}', name, Number.isNaN(value) ? t('not predicted') : bits(value));
  });
  const made = chip(visibleText(text.slice(start, end)), each.join('\n'));
  if (own.some(Number.isNaN)) {
    made.classList.add('none');
    return made;
  }
  const colour = colourAt(theme.heat, strength(first, models.length));
  made.style.backgroundColor = css(colour);
  made.style.color = css(textOn(theme, colour));
  made.append(el('sub', {}, sizeMark(first)));
  return made;
}

/** Where the largest model gives the text more bits than the smallest: the parts with most of it. */
export function worseParts(sizes: ShownSizes, { spans }: SizeComparison): readonly HTMLElement[] {
  const { models, text } = sizes;
  const last = models.length - 1;
  const by = (span: SizedSpan): number => at(span.bits, last) - at(span.bits, 0);
  const all = spans.filter((span) => by(span) > LEAST_WORSE).toSorted((a, b) => by(b) - by(a));
  const title = el('h3', {}, t('Where the largest is worse than the smallest'));
  if (all.length === 0) return [title, el('p', { class: 'caption' }, t('Nowhere in this text.'))];
  const more =
    all.length > MOST_WORSE ? [el('p', { class: 'caption' }, t('The {0} largest of {1}.', MOST_WORSE, integer(all.length)))] : [];
  const row = (span: SizedSpan): HTMLElement =>
    el(
      'tr',
      {},
      el('th', { scope: 'row' }, chip(visibleText(text.slice(span.start, span.end)))),
      ...Array.from(span.bits, (value) => numberCell(decimal(value, 2))),
      numberCell(signedDecimal(by(span), 2), true),
    );
  const head = [t('Text'), ...models.map((_, index) => t('Bits, {0}', index + 1)), t('Worse by')];
  const table = el(
    'table',
    { class: 'table' },
    el('thead', {}, el('tr', {}, ...head.map(heading))),
    el('tbody', {}, ...all.slice(0, MOST_WORSE).map(row)),
  );
  return [
    title,
    ...more,
    withTableMenu(t('Where the largest is worse than the smallest'), el('div', { class: 'sizes-frame' }, table), {
      file: () => 'sizes-worse',
      numbers: () => spanNumbers(sizes, all),
    }),
  ];
}
