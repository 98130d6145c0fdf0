import type { ForwardPath } from '../../../src/core/forwardPath.ts';
import type { ModelInfo } from '../../../src/core/trace.ts';
import { stagesOf, type WalkPart, type WalkStep } from '../../figures/pathSteps.ts';
import { significant } from '../../parts/format.ts';
import { t } from '../../strings.ts';
import { ATTENTION_TEXTS } from './attentionTexts.ts';
import { END_TEXTS } from './endTexts.ts';
import { MLP_TEXTS } from './mlpTexts.ts';
import { RECURRENCE_TEXTS } from './recurrenceTexts.ts';
import { addFormula, normText } from './stepFormulas.ts';
import { hasStreams, STREAMS_TEXTS } from './streamsTexts.ts';
import type { StepOfPath, StepText } from './stepOfPath.ts';

/** Texts of a step for this model and layer. */
export function stepText(step: WalkStep, path: ForwardPath, model: ModelInfo): StepText {
  const stages = stagesOf(path, step);
  return STEP_TEXTS[step]({ path, model, stages, find: (kind) => stages.find(({ made }) => made.kind === kind) });
}

const STEP_TEXTS: Readonly<Record<WalkStep, (step: StepOfPath) => StepText>> = {
  ...END_TEXTS,
  ...ATTENTION_TEXTS,
  ...RECURRENCE_TEXTS,
  ...STREAMS_TEXTS,
  ...MLP_TEXTS,
  attentionNorm: ({ model, find }) =>
    find('norm') === undefined
      ? {
          title: t('Into the layer'),
          sentence: t('Attention reads the residual stream as it is: this layer has no norm before attention.'),
          formula: 'x',
        }
      : normText(t('{0} before attention', model.norm), find('norm')),
  attentionPostNorm: ({ model, find }) => normText(t('{0} of attention’s output', model.norm), find('norm')),
  attentionAdd: ({ stages }) => ({
    title: t('Residual: attention added'),
    sentence: t('What attention found is added to the stream; what was there stays.'),
    formula: addFormula('x ← x + o', stages),
  }),
  attentionStreamNorm: ({ model, find }) => normText(t('{0} after the addition', model.norm), find('norm')),
  mlpNorm: ({ model, find }) => normText(t('{0} before the MLP', model.norm), find('norm')),
  mlpPostNorm: ({ model, find }) => normText(t('{0} of the MLP’s output', model.norm), find('norm')),
  mlpAdd: ({ path, stages }) => ({
    title: t('Residual: MLP added'),
    sentence: path.parallel
      ? t('What the MLP found in the layer’s input is added to the stream, beside what attention found.')
      : t('What the MLP found is added to the stream: this is what the next layer reads.'),
    formula: addFormula('x ← x + m', stages),
  }),
  mlpStreamNorm: ({ model, find }) => normText(t('{0} after the addition', model.norm), find('norm')),
  perLayer: ({ path }) => ({
    title: t('Per-layer embedding'),
    sentence: t(
      'The token has a vector of its own for this layer, made before the first one from its row in a second table and its embedding: the ' +
        'stream opens a gate for it, and what passes is added.',
    ),
    formula: hasStreams(path) ? 'xᵢ ← xᵢ + norm(W_out (act(W_gate x) ⊙ e))' : 'x ← x + norm(W_out (act(W_gate x) ⊙ e))',
  }),
  layerScale: ({ find }) => {
    const made = find('scaled')?.made;
    return {
      title: t('Stream scaled'),
      sentence: t('The layer multiplies the whole stream by a learned number.'),
      formula: `x ← x · ${significant(made?.kind === 'scaled' ? made.factor : 1, 4)}`,
    };
  },
};

/** Name of a part of the walkthrough. */
export function partName(part: WalkPart, layer: number): string {
  switch (part) {
    case 'input':
      return t('Input');
    case 'attention':
      return t('Layer {0}: attention', layer);
    case 'mlp':
      return t('Layer {0}: MLP', layer);
    default:
      part satisfies 'output';
      return t('Output');
  }
}
