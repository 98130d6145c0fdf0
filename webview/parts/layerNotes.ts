import { RECURRENCE_NAMES } from '../../src/core/recurrence.ts';
import type { ModelInfo, RecurrenceKind } from '../../src/core/trace.ts';
import { translated } from '../../src/core/translatable.ts';
import { integer, significant } from './format.ts';
import { t } from '../strings.ts';

/** What a layer without attention weights is called, in a sentence. */
export function recurrenceName(kind: RecurrenceKind): string {
  return translated(RECURRENCE_NAMES[kind], t);
}

/** Traits that set a layer's attention apart from that of other layers or models, in a few words each. */
export function layerNotes(model: ModelInfo, layer: number): readonly string[] {
  const layers = model.traits?.layers ?? [];
  const traits = layers[layer];
  if (traits === undefined) return [];
  const { window, chunk, ropeTheta, keysOf, recurrence, beside, withoutMlp } = traits;
  if (recurrence?.kind === 'mlpAlone') return [t('reads no other tokens')];
  if (recurrence !== undefined) return [t('no attention weights')];
  const placeless = ropeTheta === null && (model.positions === 'rotary' || model.positions === 'none');
  const thetas = new Set(layers.flatMap((one) => (one.ropeTheta === null ? [] : [one.ropeTheta])));
  return [
    ...(placeless ? [t('no positions')] : []),
    ...(beside === undefined ? [] : [t('{0} beside it', recurrenceName(beside.kind))]),
    ...(withoutMlp === true ? [t('no MLP')] : []),
    ...(window === null ? [] : [t('window {0}', integer(window))]),
    ...(chunk === undefined ? [] : [t('chunks of {0}', integer(chunk))]),
    ...(keysOf === undefined ? [] : [t('keys of layer {0}', keysOf)]),
    ...(ropeTheta !== null && thetas.size > 1 ? [t('rope base {0}', significant(ropeTheta, 7))] : []),
  ];
}
