import type { ForwardPath, PathStep, Stage } from '../../../src/core/forwardPath.ts';
import type { ModelInfo } from '../../../src/core/trace.ts';
import { integer, significant } from '../../parts/format.ts';
import { t } from '../../strings.ts';
import { biased, normText } from './stepFormulas.ts';
import type { StepOfPath, StepText } from './stepOfPath.ts';

/** Steps of attention, from what it makes of its input to what it adds. */
type AttentionStep = Extract<
  PathStep,
  | 'heads'
  | 'headNorm'
  | 'clip'
  | 'rotary'
  | 'queryScale'
  | 'scores'
  | 'scale'
  | 'mask'
  | 'softmax'
  | 'z'
  | 'headGate'
  | 'concatenate'
  | 'attentionOutput'
  | 'mixed'
>;

/** Texts of those steps. */
export const ATTENTION_TEXTS: Readonly<Record<AttentionStep, (step: StepOfPath) => StepText>> = {
  heads: ({ path, model }) => headsText(path, model),
  headNorm: ({ find, stages }) =>
    normText(
      stages.some(({ name }) => name === 'valueNormed') ? t('Norm of query, key and value') : t('Norm of query and key'),
      find('norm'),
    ),
  clip: () => ({
    title: t('Clipping'),
    sentence: t('Numbers of query, key and value beyond a limit are set to it.'),
    formula: 'x ← min(max(x, −c), c)',
  }),
  rotary: () => ({
    title: t('Position: rotary'),
    sentence: t(
      'Pairs of numbers of query and key are rotated by an angle that grows with the position: their product then depends ' +
        'on how far apart two tokens are.',
    ),
    formula: 'xᵢ ← xᵢ cos pθ − xⱼ sin pθ,  xⱼ ← xⱼ cos pθ + xᵢ sin pθ',
  }),
  queryScale: () => ({
    title: t('Query by position'),
    sentence: t(
      'Queries grow with how often their position holds the length that the model was first trained with, so that attention stays ' +
        'sharp in long texts.',
    ),
    formula: 'q ← q · (1 + β ln(1 + ⌊p / n⌋))',
  }),
  scores: () => ({
    title: t('Scores'),
    sentence: t('The query is multiplied with the key of every token: the product is large where they match.'),
    formula: 'sₖ = q · kₖ',
  }),
  scale: ({ path, stages }) => scaleText(stages, path),
  mask: ({ find }) => {
    const made = find('masked')?.made;
    const window = made?.kind === 'masked' ? made.window : null;
    const chunk = made?.kind === 'masked' ? made.chunk : undefined;
    if (chunk !== undefined)
      return {
        title: t('Causal mask and chunks'),
        sentence: t('Tokens that come later are taken out, and so are those of earlier chunks of {0} tokens.', integer(chunk)),
        formula: `sₖ = −∞  (k > p, ⌊k / ${chunk}⌋ < ⌊p / ${chunk}⌋)`,
      };
    return {
      title: window === null ? t('Causal mask') : t('Causal mask and window'),
      sentence:
        window === null
          ? t('Tokens that come later are taken out: a token sees itself and what came before.')
          : t('Tokens that come later are taken out, and so are those before the last {0}.', integer(window)),
      formula: window === null ? 'sₖ = −∞  (k > p)' : `sₖ = −∞  (k > p, p − k ≥ ${window})`,
    };
  },
  softmax: ({ find }) => {
    const made = find('softmax')?.made;
    const sink = made?.kind === 'softmax' && made.sink !== null;
    return {
      title: t('Softmax'),
      sentence: sink
        ? t('Exponentials divided by their sum make shares that, with that of the sink, sum to 1.')
        : t('Exponentials divided by their sum make the scores shares that sum to 1.'),
      formula: sink ? 'aₖ = eˢᵏ / (Σⱼ eˢʲ + eˢⁱⁿᵏ)' : 'aₖ = eˢᵏ / Σⱼ eˢʲ',
    };
  },
  z: () => ({
    title: t('Weighted sum of values'),
    sentence: t('The values of all tokens are added up, each times its share: this is what the head brings to the token.'),
    formula: 'z = Σₖ aₖ vₖ',
  }),
  headGate: () => ({
    title: t('Gate of the head'),
    sentence: t('The query matrix computes a gate for each number of the head’s result: between 0, which closes it, and 1.'),
    formula: 'z ← z ⊙ σ(W_g x)',
  }),
  concatenate: ({ model }) => ({
    title: t('Heads joined'),
    sentence: t('The results of all {0} heads are put one after another.', model.heads),
    formula: 'z = [z₀ z₁ … ]',
  }),
  attentionOutput: ({ stages }) => ({
    title: t('Output projection'),
    sentence: t('A matrix mixes what the heads found and brings it to the width of the residual stream.'),
    formula: biased('o = Wₒ z', stages),
  }),
  mixed: () => ({
    title: t('Attention and what runs beside it'),
    sentence: t('What attention found and what runs beside it are added up.'),
    formula: 'o ← o + r',
  }),
};

/** Numbers in a query of the path's head. */
function headWidth({ stages }: ForwardPath): number {
  return stages.find(({ name }) => name === 'query')?.values.length ?? 0;
}

function headsText(path: ForwardPath, model: ModelInfo): StepText {
  const { heads, dim } = model;
  const kvHeads = path.kvHeads ?? model.kvHeads;
  const headDim = headWidth(path);
  const source = path.stages.map(({ made }) => made).find(({ kind }) => kind === 'ofLayer');
  const latent = path.stages.some(({ name }) => name === 'latent');
  const title = t('Query, key and value of head {0}', path.head);
  const whole =
    heads * headDim === dim
      ? t('{0} heads × {1} numbers = {2}, the width of the stream.', heads, headDim, integer(dim))
      : t('{0} heads × {1} numbers = {2}; the stream has {3}.', heads, headDim, integer(heads * headDim), integer(dim));
  const shared =
    kvHeads === 1
      ? t('All heads share one key and value.')
      : t('{0} query heads share {1} key and value heads: head {2} reads number {3}.', heads, kvHeads, path.head, path.kvHead);
  const grouped = kvHeads === heads ? '' : ` ${shared}`;
  const sentence =
    source?.kind === 'ofLayer'
      ? t('A matrix makes of the vector what this head looks for (query). Keys and values are those that layer {0} made.', source.layer)
      : latent
        ? t(
            'The query asks; key and value of all heads are made from one compressed vector, and the part of the key that ' +
              'holds the position is shared.',
          )
        : t(
            'Three matrices make of the vector what this head looks for (query), what the token is found by (key), and what ' +
              'it passes on (value).',
          );
  return {
    title,
    sentence: `${sentence} ${whole}${grouped}`,
    formula:
      source !== undefined
        ? 'q = W_q x'
        : latent
          ? 'c = W_c x,  k = W_k c,  v = W_v c,  q = W_q x'
          : ['q = W_q x', 'k = W_k x', 'v = W_v x']
              .map((one) =>
                biased(
                  one,
                  path.stages.filter(({ step }) => step === 'heads'),
                ),
              )
              .join(',  '),
  };
}

function scaleText(stages: readonly Stage[], path: ForwardPath): StepText {
  const headDim = headWidth(path);
  const find = (kind: Stage['made']['kind']): Stage['made'] | undefined => stages.find(({ made }) => made.kind === kind)?.made;
  const scaled = find('scaled');
  const capped = find('capped');
  const factor = scaled?.kind === 'scaled' ? scaled.factor : 1;
  const usual = Math.abs(factor * Math.sqrt(headDim) - 1) < 1e-4;
  const sentences = [
    factor === 1
      ? t('Scores stay as they are: this layer has no factor for them.')
      : usual
        ? t('Scores are divided by √{0}, the root of the head’s width, so that long vectors do not make the softmax too sharp.', headDim)
        : t('Scores are multiplied by {0}, which keeps the softmax from being too sharp.', significant(factor, 4)),
    ...(capped?.kind === 'capped' ? [t('A soft cap keeps them within ±{0}.', significant(capped.limit, 4))] : []),
    ...(find('biased') === undefined ? [] : [t('ALiBi lowers the score of a key the further away it is.')]),
  ];
  const formula = [
    usual ? `s / √${headDim}` : `s · ${significant(factor, 4)}`,
    ...(capped?.kind === 'capped' ? [`${significant(capped.limit, 4)} · tanh(s / ${significant(capped.limit, 4)})`] : []),
    ...(find('biased') === undefined ? [] : ['s + mₖ']),
  ].join(',  ');
  return { title: t('Scaling'), sentence: sentences.join(' '), formula };
}
