import { html, type TemplateResult } from 'lit-html';
import { stageOf, type Stage } from '../../../src/core/forwardPath.ts';
import { at } from '../../../src/core/tensor.ts';
import { chip } from '../../parts/controls.ts';
import { el } from '../../parts/dom.ts';
import type { Arithmetic, Part } from '../../figures/numberArithmetic.ts';
import type { Place } from '../../figures/pathSteps.ts';
import { integer, significant } from '../../parts/format.ts';
import { t } from '../../strings.ts';
import { linkTemplate } from '../../parts/templates.ts';
import { DIGITS, formulaText, roleName } from './numberFormula.ts';
import type { NumberCardView } from './numberLinks.ts';
import { numberLabel, stageTitle } from './stageTexts.ts';
import { axisName, numberText } from './stageView.ts';
import { sumTemplate } from './sumTable.ts';

/** What is said of one number first: its vector, its place in it, and its value. */
export function numberTitle({ path, place, labels }: Pick<NumberCardView, 'path' | 'place' | 'labels'>): readonly HTMLElement[] {
  const stage = stageOf(path.stages, place.stage);
  return [
    el('span', {}, stageTitle(stage.name)),
    ...(saysItself(stage) ? [] : [el('span', { class: 'muted' }, axisName(stage))]),
    chip(numberLabel(path, stage, place.index, labels)),
    el('strong', { class: 'number-value' }, numberText(stage, at(stage.values, place.index))),
  ];
}

/** Computation of one number from its operands; each operand is a link to its own computation. */
export function numberTemplate(arithmetic: Arithmetic, view: NumberCardView): TemplateResult {
  const stage = stageOf(view.path.stages, view.place.stage);
  const value = at(stage.values, view.place.index);
  switch (arithmetic.kind) {
    case 'origin':
      return originTemplate(arithmetic.made, stage, view);
    case 'masked':
      return html`<p class="muted">${maskText(arithmetic.why)}</p>`;
    case 'same':
      return sameTemplate(arithmetic, stage, view);
    case 'formula':
      return html`<p class="number-formula">${formulaText(arithmetic)} = <strong>${significant(arithmetic.total, DIGITS)}</strong></p>
        <dl class="number-parts">${arithmetic.parts.map((part) => partTemplate(part, view))}</dl>
        ${precisionTemplate(arithmetic.total, value)}`;
    default:
      arithmetic.kind satisfies 'sum';
      return html`${sumTemplate(arithmetic, stage, view)} ${precisionTemplate(arithmetic.total, value)}`;
  }
}

function maskText(why: Extract<Arithmetic, { readonly kind: 'masked' }>['why']): string {
  return {
    after: t('This token comes after the one that looks: it is not seen.'),
    window: t('This token lies before the window: it is not seen.'),
    cut: t('The recipe hides this token from the one that looks: it is not seen.'),
  }[why];
}

function sameTemplate(
  { place, head }: Extract<Arithmetic, { readonly kind: 'same' }>,
  { name }: Stage,
  view: NumberCardView,
): TemplateResult {
  if (place !== null) return html`<p>${t('The same number as')} ${linkTemplate(placeText(place, view), () => view.goTo(place))}</p>`;
  const other = head ?? 0;
  return html`<p>
    ${t('This number is of head {0}.', other)}
    ${view.canFollow(other) ? linkTemplate(t('Follow head {0}', other), () => view.goToHead(other, name)) : ''}
  </p>`;
}

function originTemplate(
  made: Extract<Arithmetic, { readonly kind: 'origin' }>['made'],
  stage: Stage,
  view: NumberCardView,
): TemplateResult {
  const { goBefore, goToLayer, path, place } = view;
  const lookInto = (layer: number): TemplateResult => linkTemplate(t('Look into layer {0}', layer), () => goToLayer(layer));
  switch (made.kind) {
    case 'lengths': {
      const layer = stage.name === 'changes' ? place.index : place.index - 1;
      const text =
        stage.name === 'changes'
          ? t('Euclidean length of what this layer changed in the stream.')
          : t('Euclidean length of the stream: the root of the sum of its squares.');
      return html`<p>${text} ${layer < 0 ? '' : lookInto(layer)}</p>`;
    }
    case 'ofLayer':
      return html`<p>${t('Made by layer {0}, whose keys and values this layer reads too.', made.layer)} ${lookInto(made.layer)}</p>`;
    case 'given':
      return html`<p>${streamText(stage, path.layer)} ${linkTemplate(t('Follow it back'), goBefore)}</p>`;
    default:
      return html`<p>${originText(made, place.index)}</p>`;
  }
}

type Origin = Extract<Arithmetic, { readonly kind: 'origin' }>['made'];

/** Where a number that is not computed here comes from, if nothing leads there. */
function originText(made: Exclude<Origin, { readonly kind: 'lengths' | 'ofLayer' | 'given' }>, index: number): string {
  switch (made.kind) {
    case 'row':
      return t('Row {0}, column {1} of the stored tensor {2}: learned in training.', integer(made.row), integer(index), made.tensor);
    case 'sinusoid':
      return t('Computed by a formula from position {0}.', integer(made.position));
    case 'perLayer':
      return t('Made before the first layer, from the token’s row in a table of all layers and from its embedding.');
    case 'shareOfStreams':
      return t('Of the mean of all streams: behind its matrix each is brought to the size of the first one, and counts as much.');
    case 'state':
      return t('Kept by this layer of all tokens before: each of them wrote into it in the same way.');
    default:
      made.kind satisfies 'sharedExpert';
      return t('The shared expert runs beside those chosen: choose it above to see how it computes.');
  }
}

/** Sentence that says which residual stream is given. */
function streamText({ name }: Stage, layer: number): string {
  if (name === 'finalInput') return t('The stream after the last layer.');
  return layer === 0 ? t('The stream as the first layer reads it.') : t('The stream as layer {0} left it.', layer - 1);
}

/** Whether the label of a number already says what it is, as those of experts and layers do. */
function saysItself({ axis }: Stage): boolean {
  return axis === 'expert' || axis === 'layer';
}

function partTemplate({ role, value, place }: Part, view: NumberCardView): TemplateResult {
  return html`<div>
    <dt>${place === null ? roleName(role) : linkTemplate(placeText(place, view), () => view.goTo(place))}</dt>
    <dd>${significant(value, DIGITS)}</dd>
  </div>`;
}

function placeText({ stage, index }: Place, { path, labels }: NumberCardView): string {
  const found = stageOf(path.stages, stage);
  return `${stageTitle(stage)} · ${numberLabel(path, found, index, labels)}`;
}

/** Sentence on the difference between the exact sum here and the model's number, which is rounded at every addition. */
function precisionTemplate(total: number, value: number): TemplateResult {
  const off = Math.abs(total - value);
  return html`<p class="caption">
    ${
      off === 0
        ? t('The model’s own number is exactly this.')
        : t('The model, which computes in float32, has {0}: {1} apart.', significant(value, 8), significant(off, 2))
    }
  </p>`;
}
