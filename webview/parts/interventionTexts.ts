import type {
  HeadIntervention,
  Intervention,
  MlpIntervention,
  NeuronIntervention,
  ResidualIntervention,
  SteeringIntervention,
} from '../../src/core/run.ts';
import { lengthOf } from '../../src/core/steering.ts';
import type { Explanation } from '../../src/core/trace.ts';
import { shortened, visibleText, visibleToken } from '../../src/core/visibleText.ts';
import { t } from '../strings.ts';
import { significant } from './format.ts';

/** What an intervention does, in a few words. */
export function stepText(step: Intervention, explanation: Explanation): string {
  switch (step.kind) {
    case 'head':
      return outputText(t('Layer {0}, head {1}', step.layer, step.head), step, explanation);
    case 'mlp':
      return outputText(t('Layer {0}: MLP', step.layer), step, explanation);
    case 'neuron':
      return outputText(t('Layer {0}: neuron {1}', step.layer, step.neuron), step, explanation);
    case 'pattern':
      return step.action === 'previous'
        ? t('Layer {0}, head {1} attends to the token before', step.layer, step.head)
        : t('Layer {0}, head {1} attends to all alike', step.layer, step.head);
    case 'residual':
      return residualText(step, explanation);
    case 'steer':
      return steeringText(step, explanation);
    case 'key':
      return placed(t('“{0}” ({1}) hidden', tokenText(explanation, step.key), step.key), step);
    case 'edge':
      return placed(
        t(
          '“{0}” ({1}) does not see “{2}” ({3})',
          tokenText(explanation, step.query),
          step.query,
          tokenText(explanation, step.key),
          step.key,
        ),
        step,
      );
    default:
      step satisfies never;
      return '';
  }
}

/** What is done to a head's output, as its weights do not tell; nothing for most. */
export function headNotes(explanation: Explanation, layer: number, head: number): readonly string[] {
  return explanation.run.recipe.flatMap((step) =>
    step.kind === 'head' && step.layer === layer && step.head === head ? [atToken(headNote(step), step.token, explanation)] : [],
  );
}

function headNote(step: HeadIntervention): string {
  if (step.action === 'zero') return t('switched off');
  return step.action === 'scale' ? t('output × {0}', significant(step.factor)) : t('output changed');
}

/** What is done to an output, which `what` names. */
function outputText(what: string, step: HeadIntervention | MlpIntervention | NeuronIntervention, explanation: Explanation): string {
  return atToken(doneText(what, step), 'token' in step ? step.token : undefined, explanation);
}

function atToken(done: string, token: number | undefined, explanation: Explanation): string {
  return token === undefined ? done : t('{0} at “{1}” ({2})', done, tokenText(explanation, token), token);
}

function doneText(what: string, step: HeadIntervention | MlpIntervention | NeuronIntervention): string {
  switch (step.action) {
    case 'zero':
      return t('{0} off', what);
    case 'scale':
      return `${what} × ${significant(step.factor)}`;
    case 'mean':
      return t('{0} set to its mean', what);
    default:
      return t('{0} set to given numbers', what);
  }
}

function residualText(step: ResidualIntervention, explanation: Explanation): string {
  const [token, index] = [tokenText(explanation, step.token), step.token];
  const last = step.layer === explanation.model.layers;
  const what = last
    ? t('Residual of “{0}” ({1}) after the last layer', token, index)
    : t('Residual of “{0}” ({1}) at layer {2}', token, index, step.layer);
  if (step.action === 'set') return t('{0} set to given numbers', what);
  if (!('direction' in step)) return t('{0} moved by given numbers', what);
  const towards = explanation.pieces[step.direction];
  return towards === undefined
    ? t('{0} moved towards the token of id {1} by {2} of its length', what, step.direction, significant(step.strength))
    : t('{0} moved towards “{1}” by {2} of its length', what, shortened(visibleText(towards), 24), significant(step.strength));
}

function steeringText({ layer, on, strength, values }: SteeringIntervention, { model }: Explanation): string {
  const length = significant(lengthOf(values));
  const what =
    layer === model.layers
      ? t('Vector of length {0} added after the last layer', length)
      : t('Vector of length {0} added at layer {1}', length, layer);
  const times = t('{0}, × {1}', what, significant(strength));
  if (on === undefined) return times;
  return on === 'prompt' ? t('{0}, to the prompt alone', times) : t('{0}, to generated tokens alone', times);
}

function placed(what: string, { layer, head }: { readonly layer?: number; readonly head?: number }): string {
  if (layer !== undefined && head !== undefined) return t('{0} in layer {1}, head {2}', what, layer, head);
  if (layer !== undefined) return t('{0} in layer {1}', what, layer);
  return head === undefined ? what : t('{0} in head {1} of every layer', what, head);
}

function tokenText({ tokens }: Explanation, index: number): string {
  const token = tokens[index];
  return token === undefined ? '' : shortened(visibleToken(token), 24);
}
