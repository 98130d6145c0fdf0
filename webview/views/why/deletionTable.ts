import { html, type TemplateResult } from 'lit-html';
import type { AttributionMethod } from '../../../src/core/attribution.ts';
import { meanLogprob } from '../../../src/core/deletion.ts';
import { at } from '../../../src/core/tensor.ts';
import type { TextUnit } from '../../../src/core/textUnits.ts';
import { CURVE_LOOKS, spreadAt, type DeletionCurves } from '../../figures/deletionCurves.ts';
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
export function deletionTemplate({ methods, random }: DeletionCurves, { method: own, point, unit }: Shown): TemplateResult {
  const row = (kind: string, look: TemplateResult, name: string, mean: number, now: number) => ({
    mean,
    row: html`<tr class=${kind}>
      <th scope="row">${look}${name}</th>
      <td class="number strong">${written(mean)}</td>
      <td class="number">${written(now)}</td>
    </tr>`,
  });
  const look = (character: string, warm: boolean): TemplateResult =>
    html`<span class="deletion-look ${warm ? 'warm' : ''}" aria-hidden="true">${character}</span>`;
  const rows = methods.map(({ method, curve, mean }) => {
    const { warm, character } = CURVE_LOOKS[method];
    return row(method === own ? 'own' : '', look(character, warm), methodTexts(method).name, mean, at(curve.logprob, point));
  });
  if (random.length > 0) {
    const means = random.map(meanLogprob);
    const mean = means.reduce((sum, value) => sum + value, 0) / means.length;
    const name =
      random.length === 1
        ? t('Random order')
        : t('Mean of {0} random orders ({1} to {2})', integer(random.length), written(Math.min(...means)), written(Math.max(...means)));
    rows.push(row('random', look('┄', false), name, mean, spreadAt(random, point).mean));
  }
  const count = at((methods[0]?.curve ?? random[0])?.counts ?? [0], point);
  return html`<caption class="visually-hidden">
      ${t('Which method to believe here')}
    </caption>
    <thead>
      <tr>
        <th scope="col">${t('Order by')}</th>
        <th scope="col" class="number" title=${t('The area under the curve, by its width')}>${t('Mean (area)')}</th>
        <th scope="col" class="number">${hiddenText(unit, count)}</th>
      </tr>
    </thead>
    <tbody>
      ${rows.toSorted((a, b) => a.mean - b.mean).map((one) => one.row)}
    </tbody>`;
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
