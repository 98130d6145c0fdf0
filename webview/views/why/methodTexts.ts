import type { AttributionMethod } from '../../../src/core/attribution.ts';
import { t } from '../../strings.ts';

/** What a reader is told of a method. */
export interface MethodTexts {
  readonly name: string;
  /** What its numbers are, and what they are not. */
  readonly meaning: string;
}

/** Texts of a method, in the display language. */
export function methodTexts(method: AttributionMethod): MethodTexts {
  const texts = {
    'gradient-x-input': {
      name: t('Gradient × input'),
      meaning: t(
        'How much the logit would change with a small change of a token’s vector, in the direction of that vector. Quick, and true of ' +
          'small changes only: what a word does as a whole may be something else, and the numbers need not sum to the logit.',
      ),
    },
    'integrated-gradients': {
      name: t('Integrated gradients'),
      meaning: t(
        'The gradient’s mean on the straight way from the average token to this one, times that way. The numbers sum to what the text ' +
          'adds to the logit over a text of average tokens. Texts on that way are none that anybody writes.',
      ),
    },
    hidden: {
      name: t('Leave one out: hidden'),
      meaning: t(
        'What the logit loses when no later token can attend to this one, in any layer: the model is run again for each. Places stay as ' +
          'they are, but words that say the same stand in for each other, and the numbers need not sum to anything.',
      ),
    },
    replaced: {
      name: t('Leave one out: replaced'),
      meaning: t(
        'What the logit loses when the token is replaced by the average of all tokens: the model is run again for each. True as an ' +
          'experiment, but words that say the same stand in for each other, and the numbers need not sum to anything.',
      ),
    },
    removed: {
      name: t('Leave one out: removed'),
      meaning: t(
        'What the logit loses when the text lacks the token: the model is run again for each. What follows moves up by one, and words ' +
          'that say the same stand in for each other; the numbers need not sum to anything.',
      ),
    },
    'alti-logit': {
      name: t('ALTI-Logit'),
      meaning: t(
        'What all heads say directly about the logit, taken back from the places that they read to the words that attention ' +
          'mixed into them in the layers below. The numbers sum to the heads’ parts. What the embedding, the MLPs and biases say ' +
          'is in none of them, and how much of each word is in a place is judged by how near it comes to what is there, not by ' +
          'an experiment.',
      ),
    },
    'value-weighted': {
      name: t('Attention, value-weighted'),
      meaning: t(
        'How much attention brings from a token to this position: weights times the length of the values that they carry, as a share of ' +
          'each layer, averaged. It says where the model reads, not what for: it is the same for every token that could follow.',
      ),
    },
    rollout: {
      name: t('Attention rollout'),
      meaning: t(
        'All heads’ attention, averaged, half and half with the residual stream and multiplied through the layers. A rough picture of ' +
          'where information may flow from, the same for every token that could follow.',
      ),
    },
  } satisfies Readonly<Record<string, MethodTexts>>;
  return texts[method];
}
