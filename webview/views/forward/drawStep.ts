import { stageOf, type ForwardPath } from '../../../src/core/forwardPath.ts';
import { at } from '../../../src/core/tensor.ts';
import type { Explanation } from '../../../src/core/trace.ts';
import { chip } from '../../parts/controls.ts';
import { el } from '../../parts/dom.ts';
import { integer, percent } from '../../parts/format.ts';
import { t } from '../../strings.ts';
import { pieceText } from './stageTexts.ts';

/** Number of candidates with a segment of their own. */
const SHOWN = 12;

/**
 * Sampling step: the distribution as a line of length 1 on which sampling picks a point, the greedy choice, and the token that follows in
 * the text.
 */
export function drawStep(path: ForwardPath, explanation: Explanation, labels: readonly string[]): readonly HTMLElement[] {
  const { ids = new Int32Array(0), values } = stageOf(path.stages, 'probabilities');
  const order = Array.from(values, (_, index) => index).sort((a, b) => at(values, b) - at(values, a));
  const next = explanation.tokens[path.token + 1];
  const pieces = order.slice(0, SHOWN).map((index) => ({ id: at(ids, index), share: at(values, index) }));
  const rest = Math.max(0, 1 - pieces.reduce((sum, { share }) => sum + share, 0));
  const segment = (share: number, text: string, kind: string): HTMLElement => {
    const made = el(
      'span',
      { class: `draw-piece ${kind}`, title: `${text} ${percent(share)}` },
      el('span', { class: 'draw-label token-text' }, share >= (kind === 'rest' ? 0.2 : 0.06) ? text : ''),
    );
    made.style.setProperty('--share', share.toFixed(6));
    return made;
  };
  const line = el(
    'div',
    { class: 'draw-line', role: 'img', 'aria-label': t('The probabilities one beside the other: a draw picks a point of this line') },
    ...pieces.map(({ id, share }) => segment(share, pieceText(path, id), id === next?.id ? 'actual' : '')),
    segment(rest, t('all others'), 'rest'),
  );
  const best = pieces[0];
  const fact = (name: string, text: string, value: string): HTMLElement =>
    el('div', {}, el('dt', {}, name), el('dd', {}, chip(text), ' ', value));
  const actual =
    next === undefined
      ? []
      : [
          fact(
            t('The text goes on with'),
            labels[path.token + 1] ?? '',
            t('{0}, rank {1}', percent(probabilityOf(path, next.id)), integer(at(explanation.rank, next.index))),
          ),
        ];
  return [
    line,
    el('p', { class: 'caption' }, t('Each piece is as wide as its token is likely: a draw picks a point of the line.')),
    el(
      'dl',
      { class: 'draw-facts' },
      ...(best === undefined ? [] : [fact(t('Greedy choice'), pieceText(path, best.id), percent(best.share))]),
      ...actual,
    ),
    el(
      'p',
      { class: 'caption' },
      next === undefined
        ? t('Nothing follows this token in the text: here the model would write on.')
        : t('The chosen token is put behind the text, and the way begins again for it.'),
      ' ',
      t('Temperature and filters are in Predictions.'),
    ),
  ];
}

function probabilityOf(path: ForwardPath, id: number): number {
  const { ids = new Int32Array(0), values } = stageOf(path.stages, 'probabilities');
  const index = ids.indexOf(id);
  return index < 0 ? Number.NaN : at(values, index);
}
