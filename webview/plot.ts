import Plotly from 'plotly.js/lib/core';
import bar from 'plotly.js/lib/bar';
import heatmap from 'plotly.js/lib/heatmap';
import { el } from './dom.ts';
import type { Figure } from './figures/figure.ts';

Plotly.register([heatmap, bar]);

// Nothing is uploaded: Plotly's own buttons are off, and it is given no server.
const CONFIG = { displayModeBar: false, displaylogo: false, showSendToCloud: false, showEditInChartStudio: false, plotlyServerURL: '', responsive: false, doubleClick: false, showTips: false };

/** A point of a trace under the pointer. */
export interface PlotPoint {
  readonly x: number;
  readonly y: number;
  readonly custom: number | undefined;
}

export interface PlotEvents {
  /** Called with null when the pointer leaves. */
  readonly hover?: (point: PlotPoint | null, event: MouseEvent | null) => void;
  readonly click?: (point: PlotPoint) => void;
  /** The room for the figure changed; draw again. */
  readonly resized: () => void;
}

/** A place for one figure. */
export interface Plot {
  readonly root: HTMLElement;
  /** Pixels there are for the figure; 0 while hidden. */
  readonly width: () => number;
  readonly draw: (figure: Figure) => void;
  /** Offers the figure as an SVG file. */
  readonly save: (filename: string) => void;
}

export function createPlot(label: string, events: PlotEvents): Plot {
  const root = el('div', { class: 'plot', role: 'img', 'aria-label': label });
  const canvas = el('div', { class: 'plot-canvas' });
  root.append(canvas);
  let drawn: Figure | undefined;
  let lastWidth = 0;
  const listen = (element: { on(event: string, listener: (event: unknown) => void): void }): void => {
    element.on('plotly_hover', (event) => events.hover?.(pointOf(event), mouseOf(event)));
    element.on('plotly_unhover', () => events.hover?.(null, null));
    element.on('plotly_click', (event) => {
      const point = pointOf(event);
      if (point !== null) events.click?.(point);
    });
  };
  new ResizeObserver(() => {
    const width = Math.floor(root.clientWidth);
    if (width === lastWidth || width === 0) return;
    lastWidth = width;
    events.resized();
  }).observe(root);
  return {
    root,
    width: () => Math.floor(root.clientWidth),
    draw: (figure) => {
      const first = drawn === undefined;
      drawn = figure;
      canvas.style.height = `${figure.height}px`;
      const done = Plotly.react(canvas, figure.data, figure.layout, CONFIG);
      if (first) void done.then(listen);
    },
    save: (filename) => {
      if (drawn !== undefined) void Plotly.downloadImage(canvas, { format: 'svg', filename, width: drawn.width, height: drawn.height });
    },
  };
}

function pointOf(event: unknown): PlotPoint | null {
  const points = isRecord(event) && Array.isArray(event['points']) ? (event['points'] as readonly unknown[]) : [];
  const point = points[0];
  if (!isRecord(point)) return null;
  const { x, y, customdata } = point;
  return typeof x === 'number' && typeof y === 'number' ? { x, y, custom: typeof customdata === 'number' ? customdata : undefined } : null;
}

function mouseOf(event: unknown): MouseEvent | null {
  return isRecord(event) && event['event'] instanceof MouseEvent ? event['event'] : null;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
