import type { BlockParts, MixerPart, MlpPart, ParameterGroup } from '../../../src/core/architecture.ts';
import type { ModelInfo } from '../../../src/core/trace.ts';
import { compact, integer } from '../../parts/format.ts';
import { recurrenceName } from '../../parts/layerNotes.ts';
import { t } from '../../strings.ts';
import { activationName } from '../forward/stageTexts.ts';

/** Names of the groups whose parameters are counted together. */
export function groupNames(): Readonly<Record<ParameterGroup, string>> {
  return {
    embedding: t('Embedding'),
    attention: t('Attention'),
    mlp: t('MLP'),
    norms: t('Norms'),
    unembedding: t('Unembedding'),
  };
}

/** The number of a part's parameters in a few characters: 1.23M parameters. */
export function parametersText(count: number): string {
  return t('{0} parameters', compact(count));
}

/** What positions are made of, in one sentence. */
export function positionText(model: ModelInfo, parameters: number): string {
  switch (model.positions) {
    case 'learned':
      return t('A learned vector of its place is added ({0}).', parametersText(parameters));
    case 'sinusoidal':
      return t('Sines and cosines of its place are added.');
    case 'rotary':
      return t('Its place is told inside the layers, which rotate queries and keys by it.');
    case 'alibi':
      return t('Its place is told inside the layers: scores fall with the distance.');
    default:
      model.positions satisfies 'none';
      return t('Nothing tells its place but the mask.');
  }
}

/** What a layer's attention is, or what it has in its place. */
export function mixerTitle(mixer: MixerPart): string {
  if (mixer.kind === 'attention') return t('Attention');
  return mixer.kind === 'deltaNet' ? t('Delta net') : t('Short convolution');
}

/** Sizes of a layer's attention, a sentence each. */
export function mixerFacts(mixer: MixerPart): readonly string[] {
  if (mixer.kind !== 'attention')
    return [
      t('This layer has {0} in place of attention: no attention weights.', recurrenceName(mixer.kind)),
      mixer.kind === 'deltaNet'
        ? t('It keeps {0} numbers of all tokens before.', integer(mixer.kept))
        : t('It reads {0} tokens, its own among them.', integer(mixer.reach)),
    ];
  const { heads, kvHeads, headDim, valueDim, latentRank, window, chunk, keysOf, gated } = mixer;
  return [
    t('{0} heads × {1} = {2} numbers', integer(heads), integer(headDim), integer(heads * headDim)),
    ...(valueDim === headDim ? [] : [t('values of {0} numbers a head', integer(valueDim))]),
    ...(latentRank === null
      ? kvHeads === heads
        ? []
        : [t('{0} query heads share {1} keys and values', integer(heads), integer(kvHeads))]
      : [t('keys and values of all heads are made from {0} numbers', integer(latentRank))]),
    ...(window === null ? [] : [t('sees the last {0} tokens', integer(window))]),
    ...(chunk === null ? [] : [t('sees its own chunk of {0} tokens', integer(chunk))]),
    ...(keysOf === null ? [] : [t('reads the keys and values of layer {0}', keysOf)]),
    ...(gated ? [t('a gate behind each head')] : []),
  ];
}

/** What happens to queries and keys before they meet. */
export function queryFacts(mixer: MixerPart): readonly string[] {
  if (mixer.kind !== 'attention') return [];
  return [...(mixer.normedQueries ? [t('queries and keys are normed')] : []), ...(mixer.rotary ? [t('rotated by their place')] : [])];
}

/** Sizes of a layer's MLP or experts, a sentence each. */
export function mlpFacts({ hidden, gated, activation, experts, parameters, active }: MlpPart, dim: number): readonly string[] {
  const inside = t('{0} → {1} neurons → {2}', integer(dim), integer(hidden), integer(dim));
  const kind = activation === 'xielu' ? 'xIELU' : activationName(activation);
  return [
    ...(experts === null
      ? []
      : [
          experts.shared
            ? t('{0} of {1} experts for each token, and one that all share', integer(experts.chosen), integer(experts.count))
            : t('{0} of {1} experts for each token', integer(experts.chosen), integer(experts.count)),
        ]),
    experts === null ? inside : t('each {0}', inside),
    gated ? t('{0}, with a gate', kind) : kind,
    ...(experts === null ? [] : [t('a token passes {0} of {1}', compact(active), parametersText(parameters))]),
  ];
}

/** What sets a layer apart from a plain one, for its name: the window, the state, the experts. */
export function blockKind({ mixer, mlp }: BlockParts): string {
  const parts = [
    ...(mixer.kind === 'attention' ? [] : [mixerTitle(mixer)]),
    ...(mixer.kind === 'attention' && mixer.window !== null ? [t('window {0}', integer(mixer.window))] : []),
    ...(mixer.kind === 'attention' && mixer.chunk !== null ? [t('chunks of {0}', integer(mixer.chunk))] : []),
    ...(mlp.experts === null ? [] : [t('{0} experts', integer(mlp.experts.count))]),
  ];
  return parts.join(', ');
}
