import type { Rotation } from '../../../src/core/positions.ts';
import { at } from '../../../src/core/tensor.ts';
import { el, stepKey } from '../../parts/dom.ts';
import { integer, significant } from '../../parts/format.ts';
import { plainKey } from '../../parts/keys.ts';
import { t } from '../../strings.ts';

const SIDE = 64;
const REACH = SIDE / 2 - 7;
const SVG = 'http://www.w3.org/2000/svg';

/** Dials of all pairs of rotated dimensions. */
export interface Dials {
  readonly root: HTMLElement;
  show(rotation: Rotation, chosen: number): void;
}

/**
 * Every pair of rotated dimensions as two hands on a dial, the query's and the key's: faint before rotation, strong after it. One pair is
 * chosen.
 */
export function createDials(choose: (pair: number) => void): Dials {
  const root = el('div', { class: 'dials', role: 'radiogroup', 'aria-label': t('Pairs of numbers that are rotated together') });
  let shown: Rotation | undefined;
  let chosenPair = 0;
  root.addEventListener('keydown', (event) => {
    const next = stepKey(plainKey(event), chosenPair, root.children.length, inFirstLine(root));
    if (next === undefined) return;
    event.preventDefault();
    choose(next);
    const dial = root.children[next];
    if (dial instanceof HTMLElement) dial.focus();
  });
  return {
    root,
    show: (rotation, chosen) => {
      if (shown !== rotation) {
        root.replaceChildren(
          ...Array.from(rotation.frequencies, (_, pair) => {
            const made = el(
              'button',
              { type: 'button', class: 'dial', role: 'radio', 'aria-label': dialLabel(rotation, pair) },
              drawing(rotation, pair),
              el('span', { class: 'dial-name' }, integer(pair)),
            );
            made.addEventListener('click', () => choose(pair));
            return made;
          }),
        );
      }
      shown = rotation;
      chosenPair = chosen;
      for (const [pair, dial] of [...root.children].entries()) {
        dial.setAttribute('aria-checked', String(pair === chosen));
        dial.setAttribute('tabindex', pair === chosen ? '0' : '-1');
      }
    },
  };
}

/** Number of dials side by side. */
function inFirstLine(root: HTMLElement): number {
  const tops = [...root.children].map((dial) => dial.getBoundingClientRect().top);
  return Math.max(1, tops.filter((top) => top === tops[0]).length);
}

function dialLabel({ q, k, qRotated, kRotated, pairs }: Rotation, pair: number): string {
  const text = (vector: Float32Array): string =>
    `${significant(at(vector, at(pairs, 2 * pair)), 3)}, ${significant(at(vector, at(pairs, 2 * pair + 1)), 3)}`;
  return t('Pair {0}: query {1} rotated to {2}, key {3} rotated to {4}', pair, text(q), text(qRotated), text(k), text(kRotated));
}

function drawing({ q, k, qRotated, kRotated, pairs }: Rotation, pair: number): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', `${-SIDE / 2} ${-SIDE / 2} ${SIDE} ${SIDE}`);
  svg.setAttribute('aria-hidden', 'true');
  const of = (vector: Float32Array): readonly [number, number] => [at(vector, at(pairs, 2 * pair)), at(vector, at(pairs, 2 * pair + 1))];
  const shape = (tag: string, attributes: Readonly<Record<string, string | number>>): void => {
    const made = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
    svg.append(made);
  };
  shape('circle', { r: REACH + 3, class: 'dial-face' });
  shape('line', { x1: -REACH, x2: REACH, y1: 0, y2: 0, class: 'dial-axis' });
  shape('line', { x1: 0, x2: 0, y1: -REACH, y2: REACH, class: 'dial-axis' });
  // Each vector has unit length on the dial: rotation changes only the direction.
  const hand = (vector: Float32Array, name: string): void => {
    const [x, y] = of(vector);
    const length = Math.hypot(x, y) || 1;
    const [right, up] = [(x / length) * REACH, (y / length) * REACH];
    shape('line', { x1: 0, y1: 0, x2: right, y2: -up, class: `dial-hand ${name}` });
    if (name.startsWith('query')) shape('circle', { cx: right, cy: -up, r: 2.6, class: `dial-tip ${name}` });
    else shape('rect', { x: right - 2.4, y: -up - 2.4, width: 4.8, height: 4.8, class: `dial-tip ${name}` });
  };
  hand(q, 'query before');
  hand(k, 'key before');
  hand(qRotated, 'query');
  hand(kRotated, 'key');
  return svg;
}
