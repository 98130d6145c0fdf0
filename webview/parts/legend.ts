import { css, type Rgb } from '../colour.ts';
import { el } from './dom.ts';

/** Legend of a colour scale: a gradient between two labels. */
export interface Legend {
  readonly root: HTMLElement;
  set(gradient: string, low: string, high: string): void;
}

/** A legend that is still empty. */
export function gradientLegend(): Legend {
  const low = el('span');
  const high = el('span');
  const ramp = el('span', { class: 'legend-ramp', 'aria-hidden': 'true' });
  return {
    root: el('div', { class: 'legend' }, low, ramp, high),
    set: (gradient, lowText, highText) => {
      ramp.style.background = gradient;
      low.textContent = lowText;
      high.textContent = highText;
    },
  };
}

/** What signs and colours of a figure mean, one beside the other. */
export function legendRow(...items: readonly HTMLElement[]): HTMLElement {
  return el('div', { class: 'legends' }, ...items);
}

/** What one sign means. `sign`: a swatch or a line; null: words alone. */
export function legendItem(sign: HTMLElement | null, ...meaning: readonly (Node | string)[]): HTMLElement {
  return el('span', { class: 'legend-item' }, sign, ...meaning);
}

/** A colour as a legend shows it; its colour may be given later. */
export function swatch(colour?: Rgb): HTMLElement {
  const made = el('span', { class: 'swatch', 'aria-hidden': 'true' });
  if (colour !== undefined) made.style.backgroundColor = css(colour);
  return made;
}

/** A line as a legend shows it; `kind` is the class of its stroke. */
export function lineSign(kind: string): HTMLElement {
  return el('span', { class: `legend-line ${kind}`, 'aria-hidden': 'true' });
}
