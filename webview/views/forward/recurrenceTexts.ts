import type { Making, PathStep, StageName } from '../../../src/core/forwardPath.ts';
import { recurrenceName } from '../../parts/layerNotes.ts';
import { t } from '../../strings.ts';
import type { StepOfPath, StepText } from './stepOfPath.ts';

/** Steps of a layer that carries the text before a token in a state. */
type RecurrenceStep = Extract<PathStep, 'convolution' | 'strength' | 'decay' | 'stateUpdate' | 'stateRead' | 'readGate' | 'recurrence'>;

/** Texts of those steps. */
export const RECURRENCE_TEXTS: Readonly<Record<RecurrenceStep, (step: StepOfPath) => StepText>> = {
  convolution: ({ path, find }) => {
    const size = reachOf(find('convolved')?.made, find('convolved')?.values.length ?? 1);
    if (path.recurrence?.kind === 'shortConvolution')
      return {
        title: t('Short convolution'),
        sentence: t(
          'A matrix makes a gate and a vector of the token. The gated vectors of the last {0} tokens are added up, each number ' +
            'with weights of its own.',
          size,
        ),
        formula: 'u = b ⊙ x,  y = Σⱼ wⱼ uₚ₋ⱼ',
      };
    const head = path.recurrence?.head ?? null;
    return {
      title: t('Short convolution'),
      sentence: [
        t(
          'Query, key and value each pass a short convolution: every number is added up over the last {0} tokens with weights of ' +
            'its own, and a SiLU follows.',
          size,
        ),
        ...(head === null ? [] : [t('Head {0} of {1} is shown.', head.shown, head.of)]),
      ].join(' '),
      formula: 'q, k, v = SiLU(Σⱼ wⱼ (W x)ₚ₋ⱼ)',
    };
  },
  strength: () => ({
    title: t('Strength of writing'),
    sentence: t('A number between 0 and 1 says how far what the state holds under the key moves towards the token’s value.'),
    formula: 'β = σ(w x)',
  }),
  decay: () => ({
    title: t('Decay'),
    sentence: t('The token itself sets how much of the state stays: the longer its step, the less.'),
    formula: 'Δ = ln(1 + e^(w x + b)),  α = e^(−rate · Δ)',
  }),
  stateUpdate: ({ path }) =>
    path.recurrence?.kind === 'mamba'
      ? {
          title: t('State updated'),
          sentence: t('The state decays; the token’s value, times the length of its step, is written under its key.'),
          formula: 'S ← α S + k (Δ v)ᵀ',
        }
      : {
          title: t('State updated'),
          sentence: t(
            'The state decays; what it then holds under the key is compared with the value, and the difference, times the ' +
              'strength, is written under the key.',
          ),
          formula: 'S ← α S,  S ← S + k (β (v − Sᵀ k))ᵀ',
        },
  stateRead: ({ path }) =>
    path.recurrence?.kind === 'mamba'
      ? {
          title: t('State read'),
          sentence: t('Each number of the query weights one row of the state; the value itself is added, times a learned factor.'),
          formula: 'y = Sᵀ q + D v',
        }
      : {
          title: t('State read'),
          sentence: t('Each number of the query weights one row of the state: what earlier tokens wrote under keys like it comes back.'),
          formula: 'y = Sᵀ q',
        },
  readGate: ({ path, stages }) => {
    if (path.recurrence?.kind === 'shortConvolution')
      return { title: t('Second gate'), sentence: t('A second gate multiplies what the convolution found.'), formula: 'y ← c ⊙ y' };
    const [norm, gate] = (['norm', 'product'] as const).map((kind) => stages.findIndex(({ made }) => made.kind === kind));
    if (norm === undefined || gate === undefined || norm === -1)
      return {
        title: t('Gate'),
        sentence: t('A gate of the token lets parts of what was read through.'),
        formula: 'y ← y ⊙ SiLU(z)',
      };
    return norm < gate
      ? {
          title: t('Norm and gate'),
          sentence: t('What was read is normed, and a gate of the token lets parts of it through.'),
          formula: 'y ← norm(y) ⊙ SiLU(z)',
        }
      : {
          title: t('Gate and norm'),
          sentence: t('A gate of the token lets parts of what was read through, and a norm follows.'),
          formula: 'y ← norm(y ⊙ SiLU(z))',
        };
  },
  recurrence: ({ path }) => ({
    title: t('Output projection'),
    sentence: t('A matrix brings what {0} found to the width of the residual stream.', recurrenceName(path.recurrence?.kind ?? 'mlpAlone')),
    formula: 'r = Wₒ y',
  }),
};

/** Tokens that a convolution reads, its own included; `width`: numbers that it makes. */
function reachOf(made: Making | undefined, width: number): number {
  return made?.kind === 'convolved' ? made.kernel.length / width : 0;
}

/** Stages of such a layer. */
type RecurrenceStage = Extract<
  StageName,
  | 'stateQuery'
  | 'stateQueryFactored'
  | 'stateQueryConvolved'
  | 'stateQueryActivated'
  | 'stateKey'
  | 'stateKeyFactored'
  | 'stateKeyConvolved'
  | 'stateKeyActivated'
  | 'openingGate'
  | 'stateValue'
  | 'stateValueFactored'
  | 'openedValue'
  | 'stateValueConvolved'
  | 'stateValueActivated'
  | 'strengthLogit'
  | 'strength'
  | 'decayInput'
  | 'decayInputFactored'
  | 'decayBiased'
  | 'decayStep'
  | 'decayStepClipped'
  | 'decay'
  | 'stateBefore'
  | 'stateDecayed'
  | 'stateKeyUnit'
  | 'recalled'
  | 'surprise'
  | 'written'
  | 'stateBehind'
  | 'stateQueryUnit'
  | 'stateRead'
  | 'readSkipped'
  | 'readGate'
  | 'readGateFactored'
  | 'readGateActivated'
  | 'readNormed'
  | 'readGated'
  | 'joinedReads'
>;

/** Titles of those stages. */
export function recurrenceTitles(): Readonly<Record<RecurrenceStage, string>> {
  return {
    stateQuery: t('Query'),
    stateQueryFactored: t('Query, times its factor'),
    stateQueryConvolved: t('Query, convolved'),
    stateQueryActivated: t('Query, activated'),
    stateKey: t('Key'),
    stateKeyFactored: t('Key, times its factor'),
    stateKeyConvolved: t('Key, convolved'),
    stateKeyActivated: t('Key, activated'),
    openingGate: t('First gate'),
    stateValue: t('Value'),
    stateValueFactored: t('Value, times its factor'),
    openedValue: t('Value, gated'),
    stateValueConvolved: t('Value, convolved'),
    stateValueActivated: t('Value, activated'),
    strengthLogit: t('Strength, before its sigmoid'),
    strength: t('Strength'),
    decayInput: t('Step, as the matrix makes it'),
    decayInputFactored: t('Step, times its factor'),
    decayBiased: t('Step, with its bias'),
    decayStep: t('Length of the step'),
    decayStepClipped: t('Length of the step, clipped'),
    decay: t('Share of the state that stays'),
    stateBefore: t('State before the token'),
    stateDecayed: t('State, decayed'),
    stateKeyUnit: t('Key, of length 1'),
    recalled: t('Held under the key'),
    surprise: t('Value less what is held'),
    written: t('Written under the key'),
    stateBehind: t('State behind the token'),
    stateQueryUnit: t('Query, of length 1, scaled'),
    stateRead: t('Read with the query'),
    readSkipped: t('Read, and the value itself'),
    readGate: t('Gate'),
    readGateFactored: t('Gate, times its factor'),
    readGateActivated: t('Gate, activated'),
    readNormed: t('Read, normed'),
    readGated: t('Read, gated'),
    joinedReads: t('All heads'),
  };
}
