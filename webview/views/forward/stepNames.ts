import type { WalkStep } from '../../figures/pathSteps.ts';
import { t } from '../../strings.ts';

const norm = (): string => t('Norm');
const added = (): string => t('Residual');

/** A word or two for each step, where its title has no room. The group it stands in says of what it is. */
const STEP_NAMES: Readonly<Record<WalkStep, () => string>> = {
  embedding: () => t('Embedding'),
  position: () => t('Position'),
  embeddingNorm: norm,
  streams: () => t('Streams'),
  attentionNorm: norm,
  convolution: () => t('Convolution'),
  strength: () => t('Strength'),
  decay: () => t('Decay'),
  stateUpdate: () => t('Update'),
  stateRead: () => t('Read-out'),
  readGate: () => t('Gate'),
  recurrence: () => t('State'),
  heads: () => t('Q, K, V'),
  headNorm: norm,
  clip: () => t('Clipping'),
  rotary: () => t('Rotary'),
  queryScale: () => t('Query scale'),
  scores: () => t('Scores'),
  scale: () => t('Scaling'),
  mask: () => t('Mask'),
  softmax: () => t('Softmax'),
  z: () => t('Weighted sum'),
  headGate: () => t('Gate'),
  concatenate: () => t('Heads'),
  attentionOutput: () => t('Projection'),
  mixed: () => t('Both paths'),
  attentionPostNorm: norm,
  attentionAdd: added,
  laurel: () => t('LAuReL'),
  attentionStreamNorm: norm,
  mlpNorm: norm,
  router: () => t('Router'),
  mlp: () => t('Neurons'),
  mlpOutput: () => t('Down'),
  mixture: () => t('Experts'),
  mlpPostNorm: norm,
  mlpAdd: added,
  mlpStreamNorm: norm,
  correction: () => t('Correction'),
  perLayer: () => t('Per layer'),
  layerScale: () => t('Scaling'),
  streamBehind: () => t('Streams'),
  layers: () => t('All layers'),
  mergedStreams: () => t('Streams'),
  finalNorm: norm,
  logits: () => t('Logits'),
  probabilities: () => t('Probabilities'),
  draw: () => t('Draw'),
};

/** The short name of a step in the display language. */
export function stepName(step: WalkStep): string {
  return STEP_NAMES[step]();
}
