import { html, nothing, type TemplateResult } from 'lit-html';
import { stageOf, type Stage } from '../../../src/core/forwardPath.ts';
import { at } from '../../../src/core/tensor.ts';
import type { Arithmetic } from '../../figures/numberArithmetic.ts';
import { sumNumbers } from '../../figures/tableNumbers.ts';
import { el } from '../../parts/dom.ts';
import { significant } from '../../parts/format.ts';
import { withTableMenu } from '../../parts/tableMenu.ts';
import { explained } from '../../parts/terms.ts';
import { chipTemplate, drawInto } from '../../parts/templates.ts';
import { t } from '../../strings.ts';
import { formulaTemplate } from './numberFormula.ts';
import { numberLink, placeLink, type NumberCardView } from './numberLinks.ts';
import { originTemplate } from './numberOrigin.ts';
import { sumTemplate, sumTitle, weightsText, type Sum } from './numberSum.ts';
import { axisName, numberText } from './stageView.ts';
import { numberLabel, stageTitle } from './stageTexts.ts';

/** What is said of one number first: its vector, its place in it, and its value. */
export function numberTitle({ path, place, labels }: Pick<NumberCardView, 'path' | 'place' | 'labels'>): TemplateResult {
  const stage = stageOf(path.stages, place.stage);
  return html`<span>${stageTitle(stage.name)}</span>
    ${saysItself(stage) ? nothing : html`<span class="muted">${axisName(stage)}</span>`}
    ${chipTemplate(numberLabel(path, stage, place.index, labels))}
    <strong class="number-value">${numberText(stage, at(stage.values, place.index))}</strong>`;
}

/** Whether the label of a number already says what it is, as those of experts and layers do. */
function saysItself({ axis }: Stage): boolean {
  return axis === 'expert' || axis === 'layer';
}

/** Computation of one number from its operands; each operand is a link to its own computation. */
export function numberCard(arithmetic: Arithmetic, view: NumberCardView): TemplateResult {
  const stage = stageOf(view.path.stages, view.place.stage);
  const value = at(stage.values, view.place.index);
  switch (arithmetic.kind) {
    case 'origin':
      return originTemplate(arithmetic.made, stage, view);
    case 'masked':
      return html`<p class="muted">${maskedText(arithmetic.why)}</p>`;
    case 'same':
      return arithmetic.place === null
        ? ofHead(arithmetic.head ?? 0, stage, view)
        : html`<p>${t('The same number as')} ${placeLink(arithmetic.place, view)}</p>`;
    case 'formula':
      return html`${formulaTemplate(arithmetic, view)} ${precision(arithmetic.total, value)}`;
    default:
      arithmetic.kind satisfies 'sum';
      return html`${sumTable(arithmetic, stage, view)} ${view.sum === null ? nothing : html`<p class="caption">${weightsText(view)}</p>`}
      ${precision(arithmetic.total, value)}`;
  }
}

function maskedText(why: Extract<Arithmetic, { readonly kind: 'masked' }>['why']): string {
  return {
    after: t('This token comes after the one that looks: it is not seen.'),
    window: t('This token lies before the window: it is not seen.'),
    cut: t('The recipe hides this token from the one that looks: it is not seen.'),
  }[why];
}

function ofHead(head: number, { name }: Stage, { canFollow, goToHead }: NumberCardView): TemplateResult {
  const link = canFollow(head) ? numberLink(t('Follow head {0}', head), () => goToHead(head, name)) : nothing;
  return html`<p>${t('This number is of head {0}.', head)} ${link}</p>`;
}

function sumTable(sum: Sum, stage: Stage, view: NumberCardView): HTMLElement {
  const table = el('table', { class: 'sum-table' });
  drawInto(table, sumTemplate(sum, stage, view));
  return withTableMenu(sumTitle(), table, { file: () => `${stage.name}-${view.place.index}-sum`, numbers: () => sumNumbers(sum) });
}

/** Sentence on the difference between the exact sum here and the model's number, which is rounded at every addition. */
function precision(total: number, value: number): TemplateResult {
  const off = Math.abs(total - value);
  const text =
    off === 0
      ? t('The model’s own number is exactly this.')
      : t('The model, which computes in float32, has {0}: {1} apart.', significant(value, 8), significant(off, 2));
  return html`<p class="caption">${explained(text)}</p>`;
}
