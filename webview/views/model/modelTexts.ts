import type { Architecture, AttentionPart, BlockParts, MlpPart, ParameterGroup, RecurrencePart } from '../../../src/core/architecture.ts';
import { recurrencesIn } from '../../../src/core/recurrence.ts';
import type { ModelInfo } from '../../../src/core/trace.ts';
import { compact, integer, significant } from '../../parts/format.ts';
import { recurrenceName } from '../../parts/layerNotes.ts';
import { t } from '../../strings.ts';
import { activationName } from '../forward/stageTexts.ts';

/** Names of the groups whose parameters are counted together. */
export function groupNames(architecture: Architecture): Readonly<Record<ParameterGroup, string>> {
  return {
    embedding: t('Embedding'),
    attention: attentionName(architecture),
    mlp: t('MLP'),
    norms: t('Norms'),
    streams: t('Streams'),
    unembedding: t('Unembedding'),
  };
}

/** What a layer's mixing of tokens is called, for all layers together. */
export function attentionName({ blocks }: Architecture): string {
  if (blocks.some(({ mixer }) => mixer?.kind !== 'attention')) return t('Attention, or what stands in its place');
  return blocks.some(({ beside }) => beside !== null) ? t('Attention and what runs beside it') : t('Attention');
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
      return recurrencesIn(model) === undefined
        ? t('Nothing tells its place but the mask.')
        : t('Nothing tells its place but the mask, and the order in which layers without attention take in the tokens.');
  }
}

/** What a layer's attention is, or what it has in its place. */
export function mixerTitle({ mixer, beside }: Pick<BlockParts, 'mixer' | 'beside'>): string {
  if (mixer === null) return t('MLP');
  const title = mixer.kind === 'attention' ? t('Attention') : recurrenceTitle(mixer);
  return beside === null ? title : `${title} + ${recurrenceTitle(beside)}`;
}

/** How long what the attention of a layer adds is, or what it has in its place: Attention adds a vector of length 1.2. */
export function mixerAdds({ mixer, beside }: Pick<BlockParts, 'mixer' | 'beside'>, length: number): string {
  const name = mixerTitle({ mixer, beside: null });
  const added = significant(length, 3);
  return beside === null
    ? t('{0} adds a vector of length {1}', name, added)
    : t('{0} and {1} together add a vector of length {2}', name, recurrenceTitle(beside), added);
}

/** What a part that keeps a state is called. */
export function recurrenceTitle({ kind }: RecurrencePart): string {
  const names: Readonly<Record<RecurrencePart['kind'], string>> = {
    deltaNet: t('Delta net'),
    mamba: t('Mamba 2'),
    shortConvolution: t('Short convolution'),
  };
  return names[kind];
}

/** Sizes of a part that keeps a state, a sentence each. `isAlone`: no attention stands beside it. */
export function recurrenceFacts({ kind, reach, kept }: RecurrencePart, isAlone: boolean): readonly string[] {
  return [
    ...(isAlone ? [t('This layer has {0} in place of attention: no attention weights.', recurrenceName(kind))] : []),
    kind === 'shortConvolution'
      ? t('It reads {0} tokens, its own among them.', integer(reach))
      : t('It keeps {0} numbers of all tokens before.', integer(kept)),
  ];
}

/** Sizes of a layer's attention, a sentence each. */
export function mixerFacts(mixer: AttentionPart): readonly string[] {
  const { heads, kvHeads, headDim, valueDim, latentRank, window, chunk, keysOf, gated } = mixer;
  return [
    t('{0} heads × {1} = {2} numbers', integer(heads), integer(headDim), integer(heads * headDim)),
    ...(valueDim === headDim ? [] : [t('values of {0} numbers a head', integer(valueDim))]),
    ...(latentRank === null
      ? kvHeads === heads
        ? []
        : kvHeads === 1
          ? [t('{0} query heads share one key and value', integer(heads))]
          : [t('{0} query heads share {1} keys and values', integer(heads), integer(kvHeads))]
      : [t('keys and values of all heads are made from {0} numbers', integer(latentRank))]),
    ...(window === null ? [] : [t('sees the last {0} tokens', integer(window))]),
    ...(chunk === null ? [] : [t('sees its own chunk of {0} tokens', integer(chunk))]),
    ...(keysOf === null ? [] : [t('reads the keys and values of layer {0}', keysOf)]),
    ...(gated ? [t('a gate behind each head')] : []),
  ];
}

/** What happens to queries and keys before they meet. */
export function queryFacts(mixer: AttentionPart): readonly string[] {
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
export function blockKind({ mixer, beside, mlp }: BlockParts): string {
  const attention = mixer?.kind === 'attention' ? mixer : null;
  const parts = [
    ...(attention !== null && beside === null ? [] : [mixerTitle({ mixer, beside })]),
    ...(attention !== null && attention.window !== null ? [t('window {0}', integer(attention.window))] : []),
    ...(attention !== null && attention.chunk !== null ? [t('chunks of {0}', integer(attention.chunk))] : []),
    ...(mlp === null || mlp.experts === null ? [] : [t('{0} experts', integer(mlp.experts.count))]),
  ];
  return parts.join(', ');
}
