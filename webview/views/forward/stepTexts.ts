import type { Activation } from '../../../src/core/activationFunctions.ts';
import type { ForwardPath, Stage } from '../../../src/core/forwardPath.ts';
import { recurrencesIn } from '../../../src/core/recurrence.ts';
import type { ModelInfo } from '../../../src/core/trace.ts';
import { stagesOf, type WalkPart, type WalkStep } from '../../figures/pathSteps.ts';
import { integer, significant } from '../../parts/format.ts';
import { t } from '../../strings.ts';
import { RECURRENCE_TEXTS } from './recurrenceTexts.ts';
import { hasStreams, STREAMS_TEXTS } from './streamsTexts.ts';
import { activationName } from './stageTexts.ts';
import type { StepOfPath, StepText } from './stepOfPath.ts';

/** Texts of a step for this model and layer. */
export function stepText(step: WalkStep, path: ForwardPath, model: ModelInfo): StepText {
  const stages = stagesOf(path, step);
  return STEP_TEXTS[step]({ path, model, stages, find: (kind) => stages.find(({ made }) => made.kind === kind) });
}

const STEP_TEXTS: Readonly<Record<WalkStep, (step: StepOfPath) => StepText>> = {
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
  attentionNorm: ({ model, find }) =>
    find('norm') === undefined
      ? {
          title: t('Into the layer'),
          sentence: t('Attention reads the residual stream as it is: this layer has no norm before attention.'),
          formula: 'x',
        }
      : normText(t('{0} before attention', model.norm), find('norm')),
  ...RECURRENCE_TEXTS,
  ...STREAMS_TEXTS,
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
    formula: 'z ← z · σ(W_g x)',
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
  attentionPostNorm: ({ model, find }) => normText(t('{0} of attention’s output', model.norm), find('norm')),
  attentionAdd: ({ stages }) => ({
    title: t('Residual: attention added'),
    sentence: t('What attention found is added to the stream; what was there stays.'),
    formula: addFormula('x ← x + o', stages),
  }),
  attentionStreamNorm: ({ model, find }) => normText(t('{0} after the addition', model.norm), find('norm')),
  mlpNorm: ({ model, find }) => normText(t('{0} before the MLP', model.norm), find('norm')),
  router: ({ path, stages }) => ({
    title: t('Router'),
    sentence: t('A small matrix scores all experts; the token is sent to the best {0}.', path.experts?.ids.length ?? 0),
    formula: biased('g = W_g x', stages),
  }),
  mlp: ({ path, stages }) => mlpText(path, stages),
  mlpOutput: ({ path, stages }) => ({
    title: path.experts === undefined ? t('MLP: down') : t('Expert: down'),
    sentence: t('Every neuron adds its own direction to the output, as strongly as it fires.'),
    formula: biased('m = W_down h', stages),
  }),
  mixture: ({ find }) => {
    const made = find('mixture')?.made;
    return made?.kind === 'mixture' && made.unweighted === true
      ? {
          title: t('Experts mixed'),
          sentence: t('The outputs of the chosen experts are added up: their weights are factors of what they read.'),
          formula: 'm = Σₑ mₑ(gₑ x)',
        }
      : {
          title: t('Experts mixed'),
          sentence: t('The outputs of the chosen experts are added up, each times its weight.'),
          formula: 'm = Σₑ gₑ mₑ',
        };
  },
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
    formula: hasStreams(path) ? 'xᵢ ← xᵢ + norm(W_out (act(W_gate x) · e))' : 'x ← x + norm(W_out (act(W_gate x) · e))',
  }),
  layerScale: ({ find }) => {
    const made = find('scaled')?.made;
    return {
      title: t('Stream scaled'),
      sentence: t('The layer multiplies the whole stream by a learned number.'),
      formula: `x ← x · ${significant(made?.kind === 'scaled' ? made.factor : 1, 4)}`,
    };
  },
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

function normText(title: string, stage: Stage | undefined): StepText {
  const made = stage?.made;
  if (made?.kind !== 'norm') return { title, sentence: '', formula: '' };
  const weight = made.weight === null ? '' : ' · w';
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
          : biased(
              'q = W_q x',
              path.stages.filter(({ step }) => step === 'heads'),
            ).replace('q = W_q x', 'q, k, v = W x'),
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

function mlpText(path: ForwardPath, stages: readonly Stage[]): StepText {
  const made = stages.map((stage) => stage.made).find(({ kind }) => kind === 'activation');
  const activation = made?.kind === 'activation' ? made.activation : 'linear';
  const gated = stages.some(({ name }) => name === 'gate');
  const gates: Partial<Record<Activation, string>> = { silu: 'SwiGLU', gelu: 'GeGLU', geluTanh: 'GeGLU', relu: 'ReGLU' };
  const learned = stages.some(({ made: own }) => own.kind === 'xielu');
  const act = learned ? 'xIELU' : activationName(activation);
  const name = gated ? (gates[activation] ?? act) : act;
  const title = path.experts === undefined ? t('MLP: {0}', name) : shownExpert(path, name);
  const parallel = path.parallel ? ` ${t('Attention and MLP both read the layer’s input.')}` : '';
  return gated
    ? {
        title,
        sentence: `${t('Every neuron is a gate, opened by one pattern of the vector, times what a second matrix reads.')}${parallel}`,
        formula: stages.some(({ name: stage }) => stage === 'upClipped')
          ? `h = ${act}(W_gate x) · (W_up x + 1)`
          : `h = ${act}(W_gate x) · W_up x`,
      }
    : {
        title,
        sentence: `${t('Every neuron weighs up the vector in its own way and passes on what its activation lets through.')}${parallel}`,
        formula: `h = ${act}(${biased('W_up x', stages)})`,
      };
}

function shownExpert({ experts }: ForwardPath, name: string): string {
  const id = experts?.ids[experts.shown];
  return id === undefined ? t('Shared expert: {0}', name) : t('Expert {0}: {1}', id, name);
}

function biased(formula: string, stages: readonly Stage[]): string {
  return stages.some(({ made }) => made.kind === 'linear' && made.bias) ? `${formula} + b` : formula;
}

function addFormula(formula: string, stages: readonly Stage[]): string {
  const made = stages.find((stage) => stage.made.kind === 'sum')?.made;
  return made?.kind !== 'sum' || made.factor === 1 ? formula : formula.replace('+ ', `+ ${significant(made.factor, 4)} · `);
}

function logitFormula(stages: readonly Stage[]): string {
  const parts = [biased('z = Wᵤ x', stages)];
  for (const { made } of stages) {
    if (made.kind === 'scaled') parts.push(`z · ${significant(made.factor, 4)}`);
    if (made.kind === 'capped') parts.push(`${significant(made.limit, 4)} · tanh(z / ${significant(made.limit, 4)})`);
  }
  return parts.join(',  ');
}
