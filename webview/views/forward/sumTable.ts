import { html, nothing, render, type TemplateResult } from 'lit-html';
import { stageOf, type Stage } from '../../../src/core/forwardPath.ts';
import type { Arithmetic, Term } from '../../figures/numberArithmetic.ts';
import { sumNumbers } from '../../figures/tableNumbers.ts';
import { el } from '../../parts/dom.ts';
import { integer, significant } from '../../parts/format.ts';
import { withTableMenu } from '../../parts/tableMenu.ts';
import { t } from '../../strings.ts';
import { linkTemplate } from '../../parts/templates.ts';
import { DIGITS } from './numberFormula.ts';
import type { NumberCardView } from './numberLinks.ts';
import { numberLabel, stageTitle } from './stageTexts.ts';
import { axisName } from './stageView.ts';

/** The products that a number is the sum of, and which weights of the model they are made with. */
export function sumTemplate(arithmetic: Extract<Arithmetic, { readonly kind: 'sum' }>, stage: Stage, view: NumberCardView): TemplateResult {
  const { terms, rest, bias, extra, total } = arithmetic;
  const { path, place, sum, labels } = view;
  const { made } = stage;
  const of = 'of' in made ? stageOf(path.stages, made.of) : null;
  const largest = Math.max(1e-12, ...terms.map(({ product }) => Math.abs(product)), Math.abs(rest.sum));
  const row = (name: TemplateResult | string, left: string, right: string, product: number): TemplateResult =>
    html`<tr>
      <th scope="row">${name}</th>
      <td class="number">${left}</td>
      <td class="number">${right}</td>
      <td class="bar-cell">${barTemplate(product / largest)}</td>
      <td class="number strong">${significant(product, 4)}</td>
    </tr>`;
  const termName = ({ index, place }: Term): TemplateResult | string => {
    if (of === null) return integer(index);
    if (made.kind === 'convolved') return tokenName(view, index, made.kernel.length / stage.values.length);
    const label = numberLabel(path, of, index, labels);
    return place === null ? label : linkTemplate(label, () => view.goTo(place));
  };
  const [left, right] = headings(stage, of);
  const table = el('table', { class: 'sum-table' });
  render(
    html`<caption class="visually-hidden">
        ${t('The products that the number is the sum of')}
      </caption>
      <thead>
        <tr>
          <th scope="col">${made.kind === 'convolved' ? t('Token') : of === null ? '' : axisName(of)}</th>
          <th scope="col" class="number">${left}</th>
          <th scope="col" class="number">${right}</th>
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
          <td class="number strong">${significant(total, DIGITS)}</td>
        </tr>
      </tfoot>`,
    table,
  );
  const saved = withTableMenu(t('The products that the number is the sum of'), table, {
    file: () => `${stage.name}-${place.index}-sum`,
    numbers: () => sumNumbers(arithmetic),
  });
  return html`${saved}
  ${
    sum === null
      ? nothing
      : html`<p class="caption">
          ${
            sum.column
              ? t('Weights: column {0} of {1}.', integer(sum.row), sum.tensor)
              : t('Weights: row {0} of {1}.', integer(sum.row), sum.tensor)
          }
        </p>`
  }`;
}

/** A product as a share of the largest one. */
function barTemplate(share: number): TemplateResult {
  return html`<span
    class=${share < 0 ? 'stage-bar negative' : 'stage-bar'}
    style="--size: ${Math.abs(share).toFixed(4)}"
    aria-hidden="true"
  ></span>`;
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
