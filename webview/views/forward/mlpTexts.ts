import type { Activation } from '../../../src/core/activationFunctions.ts';
import type { ForwardPath, PathStep, Stage } from '../../../src/core/forwardPath.ts';
import { t } from '../../strings.ts';
import { activationName } from './stageTexts.ts';
import { biased } from './stepFormulas.ts';
import type { StepOfPath, StepText } from './stepOfPath.ts';

/** Steps of an MLP, or of the experts in its place. */
type MlpStep = Extract<PathStep, 'router' | 'mlp' | 'mlpOutput' | 'mixture'>;

/** Texts of those steps. */
export const MLP_TEXTS: Readonly<Record<MlpStep, (step: StepOfPath) => StepText>> = {
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
};

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
  const gate = t('Every neuron is a gate, opened by one pattern of the vector, times (⊙, number by number) what a second matrix reads.');
  return gated
    ? {
        title,
        sentence: gate + parallel,
        formula: stages.some(({ name: stage }) => stage === 'upClipped')
          ? `h = ${act}(W_gate x) ⊙ (W_up x + 1)`
          : `h = ${act}(W_gate x) ⊙ W_up x`,
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
