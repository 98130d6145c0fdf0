import type { Stage } from '../../../src/core/forwardPath.ts';
import { recurrencesIn } from '../../../src/core/recurrence.ts';
import type { ModelInfo } from '../../../src/core/trace.ts';
import type { WalkStep } from '../../figures/pathSteps.ts';
import { integer, significant } from '../../parts/format.ts';
import { t } from '../../strings.ts';
import { biased, normText } from './stepFormulas.ts';
import type { StepOfPath, StepText } from './stepOfPath.ts';

/** Steps before the first layer, and from the last one to the next token. */
type EndStep = Extract<WalkStep, 'embedding' | 'position' | 'embeddingNorm' | 'layers' | 'finalNorm' | 'logits' | 'probabilities' | 'draw'>;

/** Texts of those steps. */
export const END_TEXTS: Readonly<Record<EndStep, (step: StepOfPath) => StepText>> = {
  embedding: ({ model, find }) => {
    const scaled = find('scaled');
    const factor = scaled?.made.kind === 'scaled' ? ` · ${significant(scaled.made.factor, 4)}` : '';
    return {
      title: t('Token embedding'),
      sentence: [
        t('The token’s id picks one row of the embedding table: the vector that the model begins with.'),
        placeSentence(model),
      ].join(''),
      formula: `x = E[id]${factor}`,
    };
  },
  position: ({ model }) =>
    model.positions === 'learned'
      ? {
          title: t('Position: learned'),
          sentence: t('A learned vector for the token’s position is added, so that the same word differs by its place.'),
          formula: 'x ← x + P[p]',
        }
      : {
          title: t('Position: sinusoidal'),
          sentence: t('Sines and cosines of the token’s position are added, so that the same word differs by its place.'),
          formula: 'x ← x + sin, cos(p · f)',
        },
  embeddingNorm: ({ model, find }) => normText(t('{0} of the embedding', model.norm), find('norm')),
  layers: ({ model }) => ({
    title: t('Through all layers'),
    sentence: t(
      'The stream passes all {0} layers in the same way; here are its length at each place and the length of what each layer changed.',
      model.layers,
    ),
    formula: '|x|,  |x′ − x|',
  }),
  finalNorm: ({ model, find }) =>
    find('norm') === undefined
      ? {
          title: t('Out of the layers'),
          sentence: t('The unembedding reads the residual stream as it is: this model has no final norm.'),
          formula: 'x',
        }
      : normText(t('Final {0}', model.norm), find('norm')),
  logits: ({ stages }) => ({
    title: t('Unembedding: logits'),
    sentence: t('Every token of the vocabulary has a row of its own; its product with the vector is the token’s logit.'),
    formula: logitFormula(stages),
  }),
  probabilities: ({ model }) => ({
    title: t('Probabilities'),
    sentence: t('The softmax over all {0} logits makes them probabilities of the next token.', integer(model.vocab)),
    formula: 'p = eᶻ / Σ eᶻ',
  }),
  draw: () => ({
    title: t('The draw'),
    sentence: t('The next token is drawn from the probabilities; the greedy choice takes the likeliest.'),
    formula: 'next ~ p',
  }),
};

/** Sentence on where the position enters, for a model that adds nothing to the embedding; starts with a space. */
function placeSentence(model: ModelInfo): string {
  const { positions } = model;
  if (positions === 'rotary') return ` ${t('Nothing is added for the position: queries and keys are rotated later.')}`;
  if (positions === 'alibi') return ` ${t('Nothing is added for the position: scores are lowered by distance later.')}`;
  if (positions !== 'none') return '';
  return recurrencesIn(model) === undefined
    ? ` ${t('This model has no positions but the causal mask.')}`
    : ` ${t('Attention of this model has no positions but the causal mask; its other layers take in the tokens one after another.')}`;
}

function logitFormula(stages: readonly Stage[]): string {
  const parts = [biased('z = Wᵤ x', stages)];
  for (const { made } of stages) {
    if (made.kind === 'scaled') parts.push(`z · ${significant(made.factor, 4)}`);
    if (made.kind === 'capped') parts.push(`${significant(made.limit, 4)} · tanh(z / ${significant(made.limit, 4)})`);
  }
  return parts.join(',  ');
}
