import type { Activation } from '../../../src/core/activationFunctions.ts';
import { stateCell, type ForwardPath, type Stage, type StageName } from '../../../src/core/forwardPath.ts';
import { shortened, visibleText } from '../../../src/core/visibleText.ts';
import { integer } from '../../parts/format.ts';
import { t } from '../../strings.ts';
import { recurrenceTitles } from './recurrenceTexts.ts';
import { streamTitles } from './streamsTexts.ts';

/** Title of a stage. */
export function stageTitle(name: StageName): string {
  const titles: Readonly<Record<StageName, string>> = {
    ...recurrenceTitles(),
    ...streamTitles(),
    embedding: t('Row of the table'),
    scaledEmbedding: t('Scaled'),
    projectedEmbedding: t('Up-projected'),
    position: t('Vector of the position'),
    placedEmbedding: t('Sum'),
    normedEmbedding: t('Normed'),
    inputChanged: t('Residual stream, changed by the recipe'),
    input: t('Residual stream'),
    ln1Out: t('Normed'),
    queryDown: t('Query, down-projected'),
    queryDownNormed: t('Query, down-projected, normed'),
    latent: t('Compressed, with the shared key'),
    latentNormed: t('Compressed, normed'),
    plainKey: t('Key without position'),
    sharedKey: t('Shared part of the key'),
    query: t('Query'),
    key: t('Key'),
    value: t('Value'),
    queryNormed: t('Query, normed'),
    keyNormed: t('Key, normed'),
    valueNormed: t('Value, normed'),
    queryClipped: t('Query, clipped'),
    keyClipped: t('Key, clipped'),
    valueClipped: t('Value, clipped'),
    queryRotated: t('Query, rotated'),
    queryScaled: t('Query, scaled by its position'),
    keyRotated: t('Key, rotated'),
    sharedKeyRotated: t('Shared part of the key, rotated'),
    concatenatedKey: t('Whole key'),
    dots: t('Query · key'),
    scaledScores: t('Scaled'),
    cappedScores: t('Capped'),
    biasedScores: t('With distance'),
    maskedScores: t('Masked'),
    weights: t('Attention weights'),
    z: t('Result of the head'),
    headGateLogit: t('Gate, before its sigmoid'),
    headGate: t('Gate'),
    zGated: t('Result of the head, gated'),
    zScaled: t('Result of the head, changed by the recipe'),
    concatenatedHeads: t('All heads'),
    attentionOutput: t('Attention’s output'),
    attentionPostNorm: t('Normed'),
    attentionAdded: t('Residual stream'),
    attentionStreamNorm: t('Normed'),
    ln2Out: t('Normed'),
    routerNormed: t('For the router, normed'),
    routerInput: t('For the router, scaled'),
    expertsNormed: t('For the experts, normed'),
    routerLogits: t('Router’s logits'),
    routerScores: t('Router’s scores'),
    correctedScores: t('Corrected for choosing'),
    chosenScores: t('Scores of the chosen'),
    expertShares: t('Shares of the chosen'),
    expertWeights: t('Weights of the chosen'),
    sharedGateLogit: t('Logit of the shared expert'),
    sharedGate: t('Weight of the shared expert'),
    gate: t('Gate'),
    gateSparse: t('Gate, where it stands out'),
    gateClipped: t('Gate, clipped'),
    activated: t('Gate, activated'),
    up: t('Up'),
    upClipped: t('Up, clipped'),
    hidden: t('Neurons'),
    hiddenScaled: t('Neurons, changed by the recipe'),
    expertInput: t('For the expert, times its weight'),
    expertOutput: t('Output of the expert'),
    mixture: t('Chosen experts together'),
    mixtureNormed: t('Chosen experts together, normed'),
    sharedOutput: t('Output of the shared expert'),
    sharedNormed: t('Output of the shared expert, normed'),
    mlpOutput: t('MLP’s output'),
    mlpScaled: t('MLP’s output, changed by the recipe'),
    mlpPostNorm: t('Normed'),
    mlpAdded: t('Residual stream'),
    mlpStreamNorm: t('Normed'),
    recurred: t('Put out behind the state'),
    mixedOutput: t('Attention and what runs beside it'),
    perLayerInput: t('The token’s vector for this layer'),
    perLayerGate: t('Gate'),
    perLayerActivated: t('Gate, activated'),
    perLayerGated: t('The vector, gated'),
    perLayerOutput: t('Up-projected'),
    perLayerNormed: t('Normed'),
    perLayerAdded: t('Residual stream'),
    layerScaled: t('Residual stream, scaled'),
    residualChanged: t('Residual stream, changed by the recipe'),
    lengths: t('Length of the stream'),
    changes: t('Length of the change'),
    finalInput: t('Residual stream'),
    lnFinalOut: t('Normed'),
    finalProjected: t('Down-projected'),
    rawLogits: t('Products'),
    scaledLogits: t('Scaled'),
    logits: t('Logits'),
    probabilities: t('Probabilities'),
  };
  return titles[name];
}

/** Shapes of a stage's computation: [32] = [32 × 256] · [256]. */
export function stageShape(path: ForwardPath, stage: Stage, vocab: number): string {
  const n = integer(stage.axis === 'vocabulary' ? vocab : stage.values.length);
  const { made } = stage;
  if (stage.axis === 'state') {
    const columns = path.stages.find(({ name }) => name === 'stateRead')?.values.length ?? 1;
    return `[${integer(stage.values.length / columns)} × ${integer(columns)}]`;
  }
  const source = 'of' in made ? path.stages.find(({ name }) => name === made.of) : undefined;
  const of = integer(source?.values.length ?? 0);
  switch (made.kind) {
    case 'row':
      return `[${n}] = E[${integer(made.row)}]  (E: ${integer(made.rows)} × ${n})`;
    case 'linear':
      return `[${n}] = [${n} × ${of}] · [${of}]${made.bias ? ` + [${n}]` : ''}`;
    case 'dots':
      return `[${n}] = [${n} × ${of}] · [${of}]`;
    case 'weighted':
    case 'mixture':
      return `[${n}] = [${of}] · [${of} × ${n}]`;
    case 'heads':
      return `[${n}] = ${made.heads} × [${of}]`;
    default:
      return `[${n}]`;
  }
}

/** Label of number `index` of a stage: its dimension, neuron, key, expert, layer or token. */
export function numberLabel(path: ForwardPath, stage: Stage, index: number, labels: readonly string[]): string {
  const id = stage.ids?.[index] ?? index;
  switch (stage.axis) {
    case 'state': {
      const { row, column } = stateCell(path.stages, index);
      return t('key {0}, value {1}', row, column);
    }
    case 'key':
      return `${shortened(labels[index] ?? '', 16)} (${integer(index)})`;
    case 'vocabulary':
      return pieceText(path, id);
    case 'expert':
      return stage.name.startsWith('sharedGate') ? t('Shared expert') : t('Expert {0}', id);
    case 'layer':
      return stage.name === 'changes' ? t('Layer {0}', index) : index === 0 ? t('Input') : t('After layer {0}', index - 1);
    default:
      return integer(index);
  }
}

/** Visible text of a vocabulary id. */
export function pieceText({ pieces }: ForwardPath, id: number): string {
  const text = pieces[id];
  return text === undefined || text === '' ? t('id {0}', id) : shortened(visibleText(text), 16);
}

/** Name of an activation function. */
export function activationName(activation: Activation): string {
  const names: Readonly<Record<Activation, string>> = {
    gelu: 'GELU',
    geluTanh: 'GELU (tanh)',
    geluClipped: 'GELU (±10)',
    geluQuick: 'Quick GELU',
    hardSwish: 'Hard Swish',
    laplace: 'Laplace',
    leakyRelu: 'Leaky ReLU',
    linear: 'Linear',
    mish: 'Mish',
    relu: 'ReLU',
    relu2: 'ReLU²',
    relu6: 'ReLU6',
    sigmoid: 'Sigmoid',
    silu: 'SiLU',
    sqrtSoftplus: '√Softplus',
    tanh: 'tanh',
  };
  return names[activation];
}
