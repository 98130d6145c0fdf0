import { css } from '../../colour.ts';
import { el, stepKey } from '../../parts/dom.ts';
import { columnsOf } from '../../figures/strip.ts';
import { plainKey } from '../../parts/keys.ts';
import type { Theme } from '../../theme.ts';
import type { Tooltip, TooltipContent } from '../../parts/tooltip.ts';

const HEIGHT = 56;

/** A vector as a strip of bars. */
export interface VectorStrip {
  readonly root: HTMLElement;
  /** Draws the numbers; `selected` is marked, -1 for none. */
  draw(values: Float32Array, selected: number, theme: Theme): void;
}

/** Texts of a strip, and what happens when a number is chosen. `label` names the strip for screen readers. */
export interface StripEvents {
  readonly label: string;
  readonly tooltip: Tooltip;
  /** Tooltip of number `index`. */
  readonly describe: (index: number) => TooltipContent;
  /** Number `index` in words, for screen readers. */
  readonly say: (index: number) => string;
  readonly choose: (index: number) => void;
}

/** A vector of any length as bars up and down on one canvas; a click or the arrow keys choose a number. */
export function createVectorStrip({ label, tooltip, describe, say, choose }: StripEvents): VectorStrip {
  const canvas = el('canvas', { class: 'vector-canvas' });
  const root = el('div', { class: 'vector-strip', role: 'slider', tabindex: '0', 'aria-label': label, 'aria-valuemin': 0 }, canvas);
  let values = new Float32Array(0);
  let selected = -1;
  let theme: Theme | undefined;
  let width = 0;

  function paint(): void {
    const context = canvas.getContext('2d');
    if (context === null || theme === undefined || width === 0) return;
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(HEIGHT * ratio);
    context.scale(ratio, ratio);
    context.clearRect(0, 0, width, HEIGHT);
    const columns = columnsOf(values, width);
    const negative = columns.some(({ low }) => low < 0);
    const zero = negative ? HEIGHT / 2 : HEIGHT - 1;
    const room = (negative ? HEIGHT / 2 : HEIGHT) - 3;
    const largest = columns.reduce((max, { low, high }) => Math.max(max, high, -low), 1e-12);
    for (const { from, to, low, high } of columns) {
      const x = (from / values.length) * width;
      const wide = ((to - from) / values.length) * width;
      const gap = wide >= 3 ? 1 : 0;
      const chosen = selected >= from && selected < to;
      if (chosen) {
        context.fillStyle = css(theme.grid);
        context.fillRect(x, 0, Math.max(wide, 3), HEIGHT);
      }
      context.fillStyle = css(chosen ? theme.foreground : theme.accent);
      context.fillRect(x, zero - (room * high) / largest, wide - gap, Math.max((room * high) / largest, high > 0 ? 0.5 : 0));
      context.fillStyle = css(chosen ? theme.foreground : theme.warm);
      context.fillRect(x, zero, wide - gap, (room * -low) / largest);
    }
    context.fillStyle = css(theme.border);
    context.fillRect(0, zero, width, 1);
  }
  const indexAt = (event: MouseEvent): number => {
    const box = canvas.getBoundingClientRect();
    const columns = columnsOf(values, Math.max(1, box.width));
    const place = ((event.clientX - box.left) / Math.max(1, box.width)) * values.length;
    const column = columns.find(({ from, to }) => place >= from && place < to) ?? columns.at(-1);
    return column?.largest ?? 0;
  };
  canvas.addEventListener('mousemove', (event) => {
    if (values.length > 0) tooltip.show(describe(indexAt(event)), event.clientX, event.clientY);
  });
  canvas.addEventListener('mouseleave', () => tooltip.hide());
  canvas.addEventListener('click', (event) => {
    if (values.length > 0) choose(indexAt(event));
  });
  root.addEventListener('keydown', (event) => {
    const next = stepKey(plainKey(event), Math.max(0, selected), values.length, 10);
    if (next === undefined) return;
    event.preventDefault();
    choose(next);
  });
  new ResizeObserver(() => {
    const now = Math.floor(root.clientWidth);
    if (now === width) return;
    width = now;
    paint();
  }).observe(root);
  return {
    root,
    draw: (next, index, colours) => {
      values = new Float32Array(next);
      selected = index;
      theme = colours;
      width = Math.floor(root.clientWidth);
      root.setAttribute('aria-valuemax', String(Math.max(0, values.length - 1)));
      root.setAttribute('aria-valuenow', String(Math.max(0, index)));
      root.setAttribute('aria-valuetext', index < 0 || index >= values.length ? say(0) : say(index));
      paint();
    },
  };
}
