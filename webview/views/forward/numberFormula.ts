import { html, type TemplateResult } from 'lit-html';
import type { Arithmetic, PartRole } from '../../figures/numberArithmetic.ts';
import { significant } from '../../parts/format.ts';
import type { Term } from '../../parts/glossary.ts';
import { explained } from '../../parts/terms.ts';
import { t } from '../../strings.ts';
import { NUMBER_DIGITS, placeLink, type NumberCardView } from './numberLinks.ts';
import { activationName } from './stageTexts.ts';

type Formula = Extract<Arithmetic, { readonly kind: 'formula' }>;

/** A formula with its numbers inserted, and each operand by what it is, the way to its own computation where it has one. */
export function formulaTemplate(arithmetic: Formula, view: NumberCardView): TemplateResult {
  const known = new Set<Term>();
  return html`<p class="number-formula">${expression(arithmetic)} = <strong>${significant(arithmetic.total, NUMBER_DIGITS)}</strong></p>
    <dl class="number-parts">
      ${arithmetic.parts.map(
        ({ role, value, place }) =>
          html`<div>
            <dt>${place === null ? explained(roleName(role), known) : placeLink(place, view)}</dt>
            <dd>${significant(value, NUMBER_DIGITS)}</dd>
          </div>`,
      )}
    </dl>`;
}

/** The formula with its numbers inserted. */
function expression({ formula, activation, parts }: Formula): string {
  const has = (role: PartRole): boolean => parts.some((part) => part.role === role);
  const value = (role: PartRole): string => {
    const found = parts.find((part) => part.role === role)?.value ?? 0;
    return found < 0 ? `(${significant(found, NUMBER_DIGITS)})` : significant(found, NUMBER_DIGITS);
  };
  switch (formula) {
    case 'scaled':
    case 'scaledEach':
      return `${value('x')} × ${value('factor')}`;
    case 'moved':
      return `${value('x')} × ${value('factor')} + ${value('bias')}`;
    case 'sum':
      return has('factor') ? `${value('x')} + ${value('factor')} × ${value('other')}` : `${value('x')} + ${value('other')}`;
    case 'norm':
      return [
        has('mean') ? `(${value('x')} − ${value('mean')})` : value('x'),
        ` ÷ ${value('divisor')}`,
        has('weight') ? ` × ${value('weight')}` : '',
        has('bias') ? ` + ${value('bias')}` : '',
      ].join('');
    case 'clip':
      return has('low') ? `min(max(${value('x')}, ${value('low')}), ${value('limit')})` : `min(${value('x')}, ${value('limit')})`;
    case 'rotated':
      return `${value('x')} × ${value('cos')} + ${value('other')} × ${value('sin')}`;
    case 'capped':
      return `${value('limit')} × tanh(${value('x')} ÷ ${value('limit')})`;
    case 'biased':
      return `${value('x')} + ${value('bias')}`;
    case 'softmaxEach':
    case 'softmax':
      return `exp(${value('score')} − ${value('max')}) ÷ ${value('sum')}`;
    case 'unit':
      return `${value('x')} ÷ ${value('length')}${has('factor') ? ` × ${value('factor')}` : ''}`;
    case 'above':
      return `max(0, ${value('x')} − ${value('mean')} − ${value('factor')} × ${value('deviation')})`;
    case 'softplus':
      return `ln(1 + exp(${value('x')}))`;
    case 'decay':
      return `exp(−${value('rate')} × ${value('x')})`;
    case 'xielu':
      return `xIELU(${value('x')})`;
    case 'activation':
      return `${activationName(activation ?? 'linear')}(${value('x')})`;
    case 'product':
      return has('bias') ? `${value('x')} × (${value('other')} + ${value('bias')})` : `${value('x')} × ${value('other')}`;
    default:
      formula satisfies 'shares';
      return `${value('x')} ÷ ${value('sum')}${has('factor') ? ` × ${value('factor')}` : ''}`;
  }
}

function roleName(role: PartRole): string {
  const names: Readonly<Record<PartRole, string>> = {
    x: t('Number'),
    other: t('Number'),
    factor: t('Factor'),
    mean: t('Mean of the vector'),
    divisor: t('Root of the mean square or variance, with ε'),
    weight: t('Learned weight'),
    bias: t('Added'),
    cos: t('Cosine of the angle'),
    sin: t('Sine of the angle'),
    limit: t('Limit'),
    low: t('Lower limit'),
    max: t('Largest score, taken off so that nothing overflows'),
    sum: t('Sum'),
    score: t('Score'),
    sink: t('Score of the sink'),
    length: t('Length of the vector, with ε'),
    rate: t('Learned rate'),
    deviation: t('Standard deviation of the vector'),
  };
  return names[role];
}
