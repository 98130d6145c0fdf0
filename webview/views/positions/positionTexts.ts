import type { PositionView } from '../../../src/core/positions.ts';
import { recurrencesIn } from '../../../src/core/recurrence.ts';
import type { ModelInfo } from '../../../src/core/trace.ts';
import { angleAt } from '../../figures/positionFigures.ts';
import { decimal, integer, significant } from '../../parts/format.ts';
import { t } from '../../strings.ts';
import { recurrenceName } from '../../parts/layerNotes.ts';

type Kind = Extract<PositionView['kind'], 'learned' | 'sinusoidal' | 'alibi' | 'none' | 'rotary'>;

/** Name of a way of encoding positions. */
export function kindName(kind: Kind): string {
  return { learned: t('learned'), sinusoidal: t('sinusoidal'), alibi: 'ALiBi', none: t('none'), rotary: t('rotary') }[kind];
}

/** Why a layer rotates nothing in a model whose other layers do. */
export function stillSentence(model: ModelInfo, layer: number): string {
  const recurrence = model.traits?.layers[layer]?.recurrence;
  return recurrence === undefined
    ? t('This layer has no positions: its queries and keys are not rotated. Other layers of this model rotate theirs.')
    : t(
        'Layer {0} is {1}: it has no queries and keys to rotate. It takes in the tokens one after another, and so knows their order.',
        layer,
        recurrenceName(recurrence.kind),
      );
}

/** How a model encodes positions, in a sentence or two. */
export function kindSentence(model: ModelInfo): string {
  if (model.positions === 'none' && recurrencesIn(model) !== undefined)
    return t(
      'This model adds and rotates nothing. Its layers with attention know the order of tokens by the causal mask alone; the others take ' +
        'in the tokens one after another, and so know it.',
    );
  const sentences: Readonly<Record<Kind, string>> = {
    learned: t('Each position has a vector of its own, learned in training and added to the embedding.'),
    sinusoidal: t('Each position has a vector of sines and cosines, made by a formula of this model and added to the embedding.'),
    alibi: t('Nothing is added to the vectors: every score is lowered by the distance between query and key, by a slope of each head.'),
    none: t('This model adds and rotates nothing: it knows the order of tokens by the causal mask alone.'),
    rotary: t(
      'Pairs of numbers of each query and key are rotated by an angle that grows with the position, so that their product ' +
        'depends on how far apart the two tokens are.',
    ),
  };
  return sentences[model.positions];
}

/** The angle by which a pair of a frequency (radians a position) is turned at a position: in radians, and in whole turns and degrees. */
export function angleText(frequency: number, position: number): string {
  const radians = frequency * position;
  const turns = Math.trunc(radians / (2 * Math.PI));
  const degrees = t('{0}°', decimal((angleAt(frequency, position) * 180) / Math.PI, 1));
  const whole = turns === 0 ? '' : `${integer(turns)} × ${t('{0}°', 360)} + `;
  return `${integer(position)} × ${significant(frequency, 4)} = ${significant(radians, 5)} rad = ${whole}${degrees}`;
}
