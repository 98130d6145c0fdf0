import { html, nothing, type TemplateResult } from 'lit-html';
import { stageOf, type Stage } from '../../../src/core/forwardPath.ts';
import type { Arithmetic, Term } from '../../figures/numberArithmetic.ts';
import { integer, significant } from '../../parts/format.ts';
import { explained } from '../../parts/terms.ts';
import { t } from '../../strings.ts';
import { NUMBER_DIGITS, numberLink, type NumberCardView } from './numberLinks.ts';
import { axisName } from './stageView.ts';
import { numberLabel, stageTitle } from './stageTexts.ts';

/** A number that is a sum of products. */
export type Sum = Extract<Arithmetic, { readonly kind: 'sum' }>;

/** The products as rows of a table, the largest first, what is not shown together, and their sum. */
export function sumTemplate({ terms, rest, bias, extra, total }: Sum, stage: Stage, view: NumberCardView): TemplateResult {
  const { path, labels, goTo } = view;
  const { made } = stage;
  const of = 'of' in made ? stageOf(path.stages, made.of) : null;
  const largest = Math.max(1e-12, ...terms.map(({ product }) => Math.abs(product)), Math.abs(rest.sum));
  const row = (name: TemplateResult | string, left: string, right: string, product: number): TemplateResult =>
    html`<tr>
      <th scope="row">${name}</th>
      <td class="number">${left}</td>
      <td class="number">${right}</td>
      <td class="bar-cell">
        <span
          class="stage-bar ${product < 0 ? 'negative' : ''}"
          aria-hidden="true"
          style="--size: ${(Math.abs(product) / largest).toFixed(4)}"
        ></span>
      </td>
      <td class="number strong">${significant(product, 4)}</td>
    </tr>`;
  const termName = ({ index, place }: Term): TemplateResult | string => {
    if (of === null) return integer(index);
    if (made.kind === 'convolved') return tokenName(view, index, made.kernel.length / stage.values.length);
    const label = numberLabel(path, of, index, labels);
    return place === null ? label : numberLink(label, () => goTo(place));
  };
  const [left, right] = headings(stage, of);
  return html`<caption class="visually-hidden">
      ${sumTitle()}
    </caption>
    <thead>
      <tr>
        <th scope="col">${made.kind === 'convolved' ? t('Token') : of === null ? '' : axisName(of)}</th>
        <th scope="col" class="number">${explained(left)}</th>
        <th scope="col" class="number">${explained(right)}</th>
        <td class="bar-cell"></td>
        <th scope="col" class="number">${t('Product')}</th>
      </tr>
    </thead>
    <tbody>
      ${terms.map((term) => row(termName(term), significant(term.left, 4), significant(term.right, 4), term.product))}
      ${rest.count === 0 ? nothing : row(rest.count === 1 ? t('1 other') : t('{0} others', integer(rest.count)), '', '', rest.sum)}
      ${
        extra === null
          ? nothing
          : row(t('Shared expert'), significant(extra.left, 4), significant(extra.right, 4), extra.left * extra.right)
      }
      ${bias === null ? nothing : row(t('Bias'), '', '', bias)}
    </tbody>
    <tfoot>
      <tr>
        <th scope="row">${t('Sum')}</th>
        <td></td>
        <td></td>
        <td class="bar-cell"></td>
        <td class="number strong">${significant(total, NUMBER_DIGITS)}</td>
      </tr>
    </tfoot>`;
}

/** What the table of products is called. */
export function sumTitle(): string {
  return t('The products that the number is the sum of');
}

/** The row or column of a matrix that the number is made with. */
export function weightsText({ sum }: NumberCardView): string {
  if (sum === null) return '';
  return sum.column
    ? t('Weights: column {0} of {1}.', integer(sum.row), sum.tensor)
    : t('Weights: row {0} of {1}.', integer(sum.row), sum.tensor);
}

/** The token of term `index` of a convolution over `size` tokens, of which the path's own is the last. */
function tokenName({ path, labels }: NumberCardView, index: number, size: number): string {
  const token = path.token - (size - 1 - index);
  return token < 0 ? t('before the text') : `${labels[token] ?? ''} (${integer(token)})`;
}

/** Column headings of a sum's terms: what the two factors are. */
function headings(stage: Stage, of: Stage | null): readonly [string, string] {
  const left = of === null ? '' : stageTitle(of.name);
  switch (stage.made.kind) {
    case 'dots':
      return [left, t('Key')];
    case 'weighted':
      return [left, stage.name === 'z' ? t('Value') : ['mixedStreams', 'merged'].includes(stage.name) ? t('Stream') : t('State')];
    case 'mixture':
      return [left, t('Output of the expert')];
    default:
      return [left, t('Weight')];
  }
}
