import type { AttributionMethod } from '../../../src/core/attribution.ts';
import { meanLogprob } from '../../../src/core/deletion.ts';
import { at } from '../../../src/core/tensor.ts';
import type { TextUnit } from '../../../src/core/textUnits.ts';
import { CURVE_LOOKS, spreadAt, type DeletionCurves } from '../../figures/deletionCurves.ts';
import { numberCell } from '../../parts/controls.ts';
import { el } from '../../parts/dom.ts';
import { integer, signedDecimal } from '../../parts/format.ts';
import { LOGIT_DIGITS } from '../../parts/signedStrip.ts';
import { t } from '../../strings.ts';
import { methodTexts } from './methodTexts.ts';

/** What of the curves the table shows: the method in question, and the point at which they are read. */
interface Shown {
  readonly method: AttributionMethod;
  readonly point: number;
  readonly unit: TextUnit;
}

const written = (value: number): string => signedDecimal(value, LOGIT_DIGITS);

/** The curves as rows, the lowest on average first: its mean, which is its area by its width, and where it is at one point. */
export function deletionRows({ methods, random }: DeletionCurves, { method: own, point, unit }: Shown): readonly HTMLElement[] {
  const means = random.map(meanLogprob);
  const rows = methods.map(({ method, curve, mean }) => ({
    mean,
    row: el(
      'tr',
      method === own ? { class: 'own' } : {},
      el(
        'th',
        { scope: 'row' },
        el(
          'span',
          { class: `deletion-look${CURVE_LOOKS[method].warm ? ' warm' : ''}`, 'aria-hidden': 'true' },
          CURVE_LOOKS[method].character,
        ),
        methodTexts(method).name,
      ),
      numberCell(written(mean), true),
      numberCell(written(at(curve.logprob, point))),
    ),
  }));
  if (random.length > 0) {
    const mean = means.reduce((sum, value) => sum + value, 0) / means.length;
    rows.push({
      mean,
      row: el(
        'tr',
        { class: 'random' },
        el(
          'th',
          { scope: 'row' },
          el('span', { class: 'deletion-look', 'aria-hidden': 'true' }, '┄'),
          random.length === 1
            ? t('Random order')
            : t('Mean of {0} random orders ({1} to {2})', integer(random.length), written(Math.min(...means)), written(Math.max(...means))),
        ),
        numberCell(written(mean), true),
        numberCell(written(spreadAt(random, point).mean)),
      ),
    });
  }
  const count = at((methods[0]?.curve ?? random[0])?.counts ?? [0], point);
  return [
    el('caption', { class: 'visually-hidden' }, t('Which method to believe here')),
    el(
      'thead',
      {},
      el(
        'tr',
        {},
        el('th', { scope: 'col' }, t('Order by')),
        el('th', { scope: 'col', class: 'number', title: t('The area under the curve, by its width') }, t('Mean (area)')),
        el('th', { scope: 'col', class: 'number' }, hiddenText(unit, count)),
      ),
    ),
    el('tbody', {}, ...rows.toSorted((a, b) => a.mean - b.mean).map(({ row }) => row)),
  ];
}

/** The curves at a point, in words: how many are hidden, and the log-probability by each order. */
export function saidAt(
  { methods, random }: DeletionCurves,
  point: number,
): { readonly hidden: string; readonly values: readonly (readonly [string, string])[] } {
  return {
    hidden: t('{0} hidden', integer(at((methods[0]?.curve ?? random[0])?.counts ?? [0], point))),
    values: [
      ...methods.map(({ method, curve }) => [methodTexts(method).name, written(at(curve.logprob, point))] as const),
      ...(random.length === 0 ? [] : [[t('Random order'), written(spreadAt(random, point).mean)] as const]),
    ],
  };
}

function hiddenText(unit: TextUnit, count: number): string {
  const texts = {
    token: () => t('Tokens hidden: {0}', integer(count)),
    word: () => t('Words hidden: {0}', integer(count)),
    line: () => t('Lines hidden: {0}', integer(count)),
    sentence: () => t('Sentences hidden: {0}', integer(count)),
  } satisfies Readonly<Record<TextUnit, () => string>>;
  return texts[unit]();
}
