import { wavelength, type Rotation } from '../../../src/core/positions.ts';
import { at } from '../../../src/core/tensor.ts';
import type { Explanation } from '../../../src/core/trace.ts';
import { tokenLabels, type PanelContext } from '../../context.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { foldout, type Foldout } from '../../parts/foldout.ts';
import { pairParts } from '../../figures/positionFigures.ts';
import { integer, significant } from '../../parts/format.ts';
import { countsTemplate, drawInto, factsTemplate } from '../../parts/templates.ts';
import { t } from '../../strings.ts';
import type { ViewState } from '../../state.ts';
import type { Theme } from '../../theme.ts';
import type { FoldName } from '../../viewSettings.ts';
import { createDials } from './dials.ts';
import { angleText } from './positionTexts.ts';
import { createRotaryFigures, waveText } from './rotaryFigures.ts';

/** Part of the view for a model with rotary position embeddings. */
export interface RotaryPositions {
  readonly root: HTMLElement;
  show(rotation: Rotation, explanation: Explanation, state: Pick<ViewState, 'settings' | 'theme'>): void;
}

/**
 * Effect of rotation on one query and key: every pair on a dial, the score before and after and at other distances, and the frequency of
 * each pair.
 */
export function createRotaryPositions(context: PanelContext): RotaryPositions {
  let chosen = 0;
  let shown: { readonly rotation: Rotation; readonly explanation: Explanation; readonly theme: Theme } | undefined;
  const redraw = (): void => {
    if (shown !== undefined) draw(shown.rotation, shown.explanation, shown.theme);
  };
  const choose = (pair: number): void => {
    chosen = pair;
    redraw();
  };
  const facts = el('dl', { class: 'position-facts' });
  const dials = createDials(choose);
  const pairTitle = el('h4');
  const pairNumbers = el('dl', { class: 'pair-numbers' });
  const scores = el('dl', { class: 'score-change' });
  const figures = createRotaryFigures(context, choose, redraw);
  const distanceNote = el('p', { class: 'caption' });
  const stillNote = el('p', { class: 'caption' });
  const normedNote = el('p', { class: 'caption' });
  const figure = (title: string, caption: string, ...parts: readonly HTMLElement[]): HTMLElement =>
    el(
      'section',
      { class: 'position-figure', 'aria-label': title },
      el('h3', {}, title),
      caption === '' ? null : el('p', { class: 'caption' }, caption),
      ...parts,
    );
  const detail = (name: FoldName, title: string, caption: string, drawn: HTMLElement): Foldout =>
    foldout(context.store, name, 'rotary-detail', [el('h3', {}, title)], el('p', { class: 'caption' }, caption), drawn);
  const speed = detail(
    'pairSpeed',
    t('How fast each pair rotates'),
    t(
      'Tokens until a pair has rotated once: the first pairs tell neighbours apart, the last ones hardly move. Dotted: ' +
        'the length of this text.',
    ),
    figures.waves.root,
  );
  const turns = detail(
    'pairTurns',
    t('Rotation of each pair by position'),
    t('Cosine of the angle: rows are pairs, columns positions. Lines: key and query.'),
    figures.turns.root,
  );
  const root = el(
    'div',
    { class: 'rotary' },
    facts,
    figure(
      t('Every pair, rotated'),
      t(
        'Round hand: query, square hand: key; dashed before the rotation. Each hand is drawn at the same length; the rotation ' +
          'keeps lengths. Choose a dial for its numbers.',
      ),
      el('div', { class: 'dials-room' }, dials.root),
      el('div', { class: 'pair-detail' }, pairTitle, pairNumbers),
    ),
    figure(
      t('Score of this query and key'),
      t('The product q · k, and what each pair adds to it: left and grey as it would be without the rotation, right and coloured with it.'),
      scores,
      figures.contributions.root,
      stillNote,
      normedNote,
    ),
    figure(t('The same query and key at other distances'), '', distanceNote, figures.distance.root),
    speed.root,
    turns.root,
  );
  const changed = changeDetector();

  function draw(rotation: Rotation, explanation: Explanation, theme: Theme): void {
    chosen = Math.min(chosen, rotation.frequencies.length - 1);
    dials.show(rotation, chosen);
    figures.draw(rotation, chosen, explanation.tokens.length, theme);
    if (!changed(rotation, chosen, explanation)) return;
    drawInto(facts, countsTemplate(factsOf(rotation, explanation)));
    pairTitle.textContent = t(
      'Pair {0}: numbers {1} and {2} of the head',
      chosen,
      at(rotation.pairs, 2 * chosen),
      at(rotation.pairs, 2 * chosen + 1),
    );
    const labels = tokenLabels(explanation);
    drawInto(pairNumbers, factsTemplate(pairLines(rotation, chosen, labels)));
    const { scale, dotBefore, dotAfter } = rotation;
    drawInto(
      scores,
      factsTemplate([
        [t('q · k without the rotation'), significant(dotBefore, 5)],
        [t('q · k with the rotation'), significant(dotAfter, 5)],
        [t('Score, × {0}', significant(scale, 4)), significant(dotAfter * scale, 5)],
      ]),
    );
    const parts = pairParts(rotation);
    stillNote.textContent =
      rotation.pairs.length < rotation.q.length
        ? t(
            '{0} of the {1} numbers of a head are not rotated; they add {2}.',
            rotation.q.length - rotation.pairs.length,
            rotation.q.length,
            significant(parts.still, 5),
          )
        : '';
    normedNote.textContent = normedText(rotation);
    distanceNote.textContent = distanceText(rotation);
  }

  return {
    root,
    show: (rotation, explanation, { settings, theme }) => {
      speed.set(settings);
      turns.set(settings);
      shown = { rotation, explanation, theme };
      draw(rotation, explanation, theme);
    },
  };
}

/** What the curve of scores at other distances shows. */
function distanceText({ normed }: Rotation): string {
  return normed
    ? t(
        'The real query and key of these two tokens, the query rotated as if it stood further behind the key: because a ' +
          'norm follows the rotation, their scaled score depends on the key’s position too. Dashed: without the rotation. Dot: ' +
          'as they stand.',
      )
    : t(
        'The real query and key of these two tokens, rotated as if they stood further apart: their scaled score depends ' +
          'on the distance alone. Dashed: without the rotation. Dot: as they stand.',
      );
}

function normedText({ normed, scaling }: Rotation): string {
  if (normed) return t('A norm follows the rotation in this model: the products above are taken after it, the pairs before it.');
  return scaling === 'default' ? '' : t('The rotation was slowed down for longer texts ({0}).', scaling);
}

function factsOf(
  { theta, frequencies, style, pairs, q, attentionFactor, scaling }: Rotation,
  { model }: Explanation,
): readonly (readonly [string, string])[] {
  return [
    [integer(frequencies.length), t('pairs')],
    [significant(theta, 7), t('base of the frequencies')],
    [style === 'half' ? t('i with i + {0}', integer(frequencies.length)) : t('2i with 2i + 1'), t('paired')],
    ...(pairs.length < q.length ? [[`${integer(pairs.length)} / ${integer(q.length)}`, t('numbers rotated')] as const] : []),
    ...(at(frequencies, 0) < 0 ? [[t('negative'), t('frequencies: vectors turn backwards')] as const] : []),
    ...(scaling === 'default' ? [] : [[scaling, t('scaling')] as const]),
    ...(attentionFactor === 1 ? [] : [[`× ${significant(attentionFactor, 5)}`, t('length of rotated vectors')] as const]),
    [integer(model.contextLength), t('tokens at most')],
  ];
}

function pairLines(
  { q, k, qRotated, kRotated, pairs, frequencies, query, key }: Rotation,
  pair: number,
  labels: readonly string[],
): readonly (readonly [string, string])[] {
  const frequency = at(frequencies, pair);
  const of = (vector: Float32Array): string =>
    `(${significant(at(vector, at(pairs, 2 * pair)), 4)}, ${significant(at(vector, at(pairs, 2 * pair + 1)), 4)})`;
  return [
    [t('One rotation in'), waveText(wavelength(frequency))],
    [t('Angle of the query {0}', labels[query] ?? ''), angleText(frequency, query)],
    [t('Query'), `${of(q)} → ${of(qRotated)}`],
    [t('Angle of the key {0}', labels[key] ?? ''), angleText(frequency, key)],
    [t('Key'), `${of(k)} → ${of(kRotated)}`],
  ];
}
