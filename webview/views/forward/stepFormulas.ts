import type { Stage } from '../../../src/core/forwardPath.ts';
import { significant } from '../../parts/format.ts';
import { t } from '../../strings.ts';
import type { StepText } from './stepOfPath.ts';

/** Texts of a step that is a norm: what it divides by, and what it has learned. */
export function normText(title: string, stage: Stage | undefined): StepText {
  const made = stage?.made;
  if (made?.kind !== 'norm') return { title, sentence: '', formula: '' };
  const weight = made.weight === null ? '' : ' ⊙ w';
  const bias = made.bias === null ? '' : ' + b';
  const learned = made.weight === null ? '' : ` ${learnedSentence(made.bias !== null)}`;
  return made.form === 'rms'
    ? {
        title,
        sentence: `${t('The vector is divided by its root mean square, so that its size no longer matters.')}${learned}`,
        formula: `y = x / √(mean x² + ε)${weight}${bias}`,
      }
    : {
        title,
        sentence: [
          t('The mean is taken off and the vector divided by its standard deviation, so that its size no longer matters.'),
          learned,
        ].join(''),
        formula: `y = (x − mean x) / √(var x + ε)${weight}${bias}`,
      };
}

function learnedSentence(withBias: boolean): string {
  return withBias
    ? t('Then each number is multiplied by a learned weight, and a learned bias is added.')
    : t('Then each number is multiplied by a learned weight.');
}

/** A formula with its bias, where the step adds one. */
export function biased(formula: string, stages: readonly Stage[]): string {
  return stages.some(({ made }) => made.kind === 'linear' && made.bias) ? `${formula} + b` : formula;
}

/** A formula of an addition with its factor, where that is not 1. */
export function addFormula(formula: string, stages: readonly Stage[]): string {
  const made = stages.find((stage) => stage.made.kind === 'sum')?.made;
  return made?.kind !== 'sum' || made.factor === 1 ? formula : formula.replace('+ ', `+ ${significant(made.factor, 4)} · `);
}
