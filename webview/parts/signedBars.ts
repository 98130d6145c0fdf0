import { el } from './dom.ts';
import type { Tooltip, TooltipContent } from './tooltip.ts';

/** Largest number of bars with gaps between them. */
const MAX_SPACED = 128;

/** The numbers of a vector as bars up (positive) and down (negative). `describe`: tooltip of the bar under the pointer. */
export function signedBars(
  values: Float32Array,
  label: string,
  tooltip: Tooltip,
  describe: (dimension: number) => TooltipContent,
): HTMLElement {
  const largest = values.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-12);
  const bars = Array.from(values, (value, index) => {
    const bar = el('span', { class: value < 0 ? 'product negative' : 'product', 'data-index': index });
    bar.style.setProperty('--size', (Math.abs(value) / largest).toFixed(4));
    return bar;
  });
  const strip = el('div', { class: values.length > MAX_SPACED ? 'products dense' : 'products', role: 'img', 'aria-label': label }, ...bars);
  strip.addEventListener('mousemove', (event) => {
    const index = event.target instanceof HTMLElement ? event.target.dataset['index'] : undefined;
    if (index !== undefined) tooltip.show(describe(Number(index)), event.clientX, event.clientY);
  });
  strip.addEventListener('mouseleave', () => tooltip.hide());
  return strip;
}
