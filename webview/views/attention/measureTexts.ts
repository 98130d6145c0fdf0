import type { HeadMeasure } from '../../../src/core/headMeasures.ts';
import { signedSignificant, significant } from '../../parts/format.ts';
import { t } from '../../strings.ts';

/** Name of a measure of a head's attention, and a sentence of what it is and is not. */
export interface MeasureTexts {
  readonly name: string;
  readonly meaning: string;
}

/** Names and plain definitions of the measures. */
export function measureTexts(): Readonly<Record<HeadMeasure, MeasureTexts>> {
  return {
    weights: {
      name: t('Weights'),
      meaning: t(
        'The attention after the softmax: how much of each key’s value a query takes. It says neither how large that value is nor ' +
          'whether any prediction uses it.',
      ),
    },
    'value-weighted': {
      name: t('Value-weighted'),
      meaning: t(
        'The length of what a query takes from a key: the weight times the value, through the head’s gate where it has one and ' +
          'through the output projection (Kobayashi et al. 2020). It says how much is added to the residual stream, not in which ' +
          'direction, nor whether any prediction uses it.',
      ),
    },
    'gradient-x-weight': {
      name: t('Gradient × weight'),
      meaning: t(
        'Each weight times the target’s gradient by it: to first order, what the target would lose without this weight, all others ' +
          'staying as they are. It is not what happens when the edge is cut: then the row’s other weights grow, and what follows is no ' +
          'straight line.',
      ),
    },
    cut: {
      name: t('Effect when cut'),
      meaning: t(
        'How the target changes when a query does not see a key in this head: the model is run again for each key, so the change is ' +
          'exact. It is of one query’s row, and the map still shows the weights. Changes of several cuts do not add up to that of all.',
      ),
    },
  };
}

/** A length in the residual stream, as such: length 0.532. */
export function lengthText(value: number): string {
  return t('length {0}', significant(value, 4));
}

/** Logits with their sign and four digits, however small: −0.00123 logits. */
export function logitsText(value: number): string {
  return t('{0} logits', signedSignificant(value, 4));
}
