import { wavelength, type Rotation } from '../../src/core/positions.ts';
import { at } from '../../src/core/tensor.ts';
import type { Explanation } from '../../src/core/trace.ts';
import { tokenLabels, type PanelContext } from '../context.ts';
import { changeDetector, el } from '../dom.ts';
import { angleAt, distanceFigure, pairFigure, pairParts, turnFigure, turnGrid, wavelengthFigure } from '../figures/positionFigures.ts';
import { decimal, integer, significant } from '../format.ts';
import { createPlot, type Plot } from '../plot.ts';
import { t } from '../strings.ts';
import type { Theme } from '../theme.ts';
import { createDials } from './dials.ts';

export interface RotaryPositions {
  readonly root: HTMLElement;
  show(rotation: Rotation, explanation: Explanation, theme: Theme): void;
}

/** What the turn does to one query and key: every pair on a dial, the score before and after and at other distances, and how fast each pair turns. */
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
  const distance = plot(t('Score by distance'), (x) => {
    const value = shown === undefined ? undefined : shown.rotation.byDistance[x];
    return value === undefined || shown === undefined ? null : { title: significant(value * shown.rotation.scale, 6), rows: [[t('Tokens between'), integer(x)]] };
  });
  const contributions = plot(t('What each pair adds to the product'), (x) => {
    if (shown === undefined) return null;
    const { before, after } = pairParts(shown.rotation);
    return { title: t('Pair {0}', x), rows: [[t('Not turned'), significant(before[x] ?? 0, 5)], [t('Turned'), significant(after[x] ?? 0, 5)]] };
  }, choose);
  const waves = plot(t('Tokens in which each pair turns once'), (x) => {
    const frequency = shown?.rotation.frequencies[x];
    return frequency === undefined ? null : { title: t('Pair {0}', x), rows: [[t('One turn in'), waveText(wavelength(frequency))], [t('Radians a position'), significant(frequency, 5)]] };
  }, choose);
  const turns = plot(t('Turn of each pair by position'), (x, y) => {
    const frequency = shown?.rotation.frequencies[y];
    return frequency === undefined ? null : { title: t('{0}°', decimal((angleAt(frequency, x) * 180) / Math.PI, 1)), rows: [[t('Pair'), integer(y)], [t('Position'), integer(x)], [t('Cosine'), significant(Math.cos(frequency * x), 5)]] };
  }, (_, y) => choose(y));
  const distanceNote = el('p', { class: 'caption' });
  const stillNote = el('p', { class: 'caption' });
  const normedNote = el('p', { class: 'caption' });
  const figure = (title: string, caption: string, ...parts: readonly HTMLElement[]): HTMLElement => el('section', { class: 'position-figure', 'aria-label': title }, el('h3', {}, title), caption === '' ? null : el('p', { class: 'caption' }, caption), ...parts);
  const root = el('div', { class: 'rotary' }, facts,
    figure(t('Every pair, turned'), t('Round hand: query, square hand: key; dashed before the turn. Each hand is drawn at the same length; the turn keeps lengths. Choose a dial for its numbers.'), dials.root, el('div', { class: 'pair-detail' }, pairTitle, pairNumbers)),
    figure(t('Score of this query and key'), t('The product q · k, and what each pair adds to it: left and grey as it would be without the turn, right and coloured with it.'), scores, contributions.root, stillNote, normedNote),
    figure(t('The same query and key at other distances'), '', distanceNote, distance.root),
    figure(t('How fast each pair turns'), t('Tokens until a pair has turned once: the first pairs tell neighbours apart, the last ones hardly move. Dotted: the length of this text.'), waves.root),
    figure(t('Turn of each pair by position'), t('Cosine of the angle: rows are pairs, columns positions. Lines: key and query.'), turns.root));
  const changed = changeDetector();
  let grid: readonly (readonly number[])[] = [];
  const gridChanged = changeDetector();

  function plot(label: string, describe: (x: number, y: number) => Parameters<PanelContext['tooltip']['show']>[0] | null, click?: (x: number, y: number) => void): Plot {
    return createPlot(label, {
      hover: (point, event) => {
        const content = point === null || event === null ? null : describe(point.x, point.y);
        if (content === null || event === null) context.tooltip.hide();
        else context.tooltip.show(content, event.clientX, event.clientY);
      },
      click: (point) => click?.(point.x, point.y),
      resized: redraw,
    });
  }

  function draw(rotation: Rotation, explanation: Explanation, theme: Theme): void {
    const { frequencies, query, key } = rotation;
    chosen = Math.min(chosen, frequencies.length - 1);
    const width = distance.width();
    dials.show(rotation, chosen);
    if (!changed(rotation, chosen, width, contributions.width(), theme)) return;
    facts.replaceChildren(...factsOf(rotation, explanation).map(([value, name]) => el('div', {}, el('dd', {}, value), el('dt', {}, name))));
    pairTitle.textContent = t('Pair {0}: numbers {1} and {2} of the head', chosen, at(rotation.pairs, 2 * chosen), at(rotation.pairs, 2 * chosen + 1));
    const labels = tokenLabels(explanation);
    pairNumbers.replaceChildren(...pairLines(rotation, chosen, labels).map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value))));
    const { scale, dotBefore, dotAfter, scaling } = rotation;
    scores.replaceChildren(...([[t('q · k without the turn'), significant(dotBefore, 5)], [t('q · k with the turn'), significant(dotAfter, 5)], [t('Score, × {0}', significant(scale, 4)), significant(dotAfter * scale, 5)]] as const).map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value))));
    const parts = pairParts(rotation);
    stillNote.textContent = rotation.pairs.length < rotation.q.length ? t('{0} of the {1} numbers of a head are not turned; they add {2}.', rotation.q.length - rotation.pairs.length, rotation.q.length, significant(parts.still, 5)) : '';
    normedNote.textContent = rotation.normed ? t('A norm follows the turn in this model: the products above are taken behind it, the pairs before it.') : scaling === 'default' ? '' : t('The turn was slowed down for longer texts ({0}).', scaling);
    distanceNote.textContent = rotation.normed
      ? t('The real query and key of these two tokens, the query turned as if it stood further behind the key: because a norm follows the turn, their scaled score depends on the key’s position too. Dashed: without the turn. Dot: as they stand.')
      : t('The real query and key of these two tokens, turned as if they stood further apart: their scaled score depends on the distance alone. Dashed: without the turn. Dot: as they stand.');
    if (width === 0) return;
    if (gridChanged(frequencies, explanation)) grid = turnGrid(frequencies, explanation.tokens.length);
    distance.draw(distanceFigure(rotation, width, theme));
    contributions.draw(pairFigure(parts, chosen, contributions.width(), theme));
    waves.draw(wavelengthFigure(Array.from(frequencies, wavelength), explanation.tokens.length, chosen, waves.width(), theme));
    turns.draw(turnFigure(grid, [key, query], chosen, turns.width(), theme));
  }

  return {
    root,
    show: (rotation, explanation, theme) => {
      shown = { rotation, explanation, theme };
      draw(rotation, explanation, theme);
    },
  };
}

function factsOf({ theta, frequencies, style, pairs, q, attentionFactor, scaling }: Rotation, { model }: Explanation): readonly (readonly [string, string])[] {
  return [
    [integer(frequencies.length), t('pairs')],
    [significant(theta, 7), t('base of the frequencies')],
    [style === 'half' ? t('i with i + {0}', integer(frequencies.length)) : t('2i with 2i + 1'), t('paired')],
    ...(pairs.length < q.length ? [[`${integer(pairs.length)} / ${integer(q.length)}`, t('numbers turned')] as const] : []),
    ...(scaling === 'default' ? [] : [[scaling, t('scaling')] as const]),
    ...(attentionFactor === 1 ? [] : [[`× ${significant(attentionFactor, 5)}`, t('length of turned vectors')] as const]),
    [integer(model.contextLength), t('tokens at most')],
  ];
}

function pairLines({ q, k, qTurned, kTurned, pairs, frequencies, query, key }: Rotation, pair: number, labels: readonly string[]): readonly (readonly [string, string])[] {
  const frequency = at(frequencies, pair);
  const of = (vector: Float32Array): string => `(${significant(at(vector, at(pairs, 2 * pair)), 4)}, ${significant(at(vector, at(pairs, 2 * pair + 1)), 4)})`;
  const angle = (position: number): string => `${integer(position)} × ${significant(frequency, 4)} = ${significant(position * frequency, 5)} rad, ${t('{0}°', decimal((angleAt(frequency, position) * 180) / Math.PI, 1))}`;
  return [
    [t('One turn in'), waveText(wavelength(frequency))],
    [t('Angle of the query {0}', labels[query] ?? ''), angle(query)],
    [t('Query'), `${of(q)} → ${of(qTurned)}`],
    [t('Angle of the key {0}', labels[key] ?? ''), angle(key)],
    [t('Key'), `${of(k)} → ${of(kTurned)}`],
  ];
}

function waveText(tokens: number): string {
  return Number.isFinite(tokens) ? t('{0} tokens', significant(tokens, 5)) : t('never');
}
