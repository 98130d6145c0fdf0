import type { Plotly } from 'plotly.js/lib/core';
import { isRecord } from '../src/core/records.ts';
import { paintedCells, withoutCells } from './figures/paintedCells.ts';
import { loadedPlots, loadPlots } from './loadPlots.ts';
import { createCellPainting } from './parts/cellPainting.ts';
import { button, gradientLegend } from './parts/controls.ts';
import { el } from './parts/dom.ts';
import { savedName } from './parts/savedName.ts';
import { t } from './strings.ts';
import { gradient } from './theme.ts';
import type { Figure, Margins, Scale } from './figures/figure.ts';

// Nothing is uploaded: Plotly's own buttons are off, and no server is set.
const CONFIG = {
  displayModeBar: false,
  displaylogo: false,
  showSendToCloud: false,
  showEditInChartStudio: false,
  plotlyServerURL: '',
  responsive: false,
  doubleClick: false,
  showTips: false,
};

/** Point of a trace in axis coordinates. `custom`: its customdata, where that is a number. */
export interface PlotPoint {
  readonly x: number;
  readonly y: number;
  readonly custom: number | undefined;
}

/** Callbacks of a plot. */
export interface PlotOptions {
  /** Called with null when the pointer leaves. */
  readonly hover?: (point: PlotPoint | null, event: MouseEvent | null) => void;
  readonly click?: (point: PlotPoint) => void;
  /** Handles the figure's own keys; with it the figure takes the focus. */
  readonly keys?: (event: KeyboardEvent) => void;
  /** Called when Ctrl and the wheel, or two fingers, ask to come closer by a factor at a point in axis coordinates. */
  readonly wheel?: (factor: number, point: { readonly x: number; readonly y: number }) => void;
  /** Called when the width available to the figure has changed: draw it again. */
  readonly resized: () => void;
}

/** Frame for one figure, with its legend and a button that saves it as a picture. */
export interface Plot {
  readonly root: HTMLElement;
  /** The figure itself, without the legend and button above it. */
  readonly area: HTMLElement;
  /**
   * Legend and button, in a line above the figure unless a view moves them into a line of its own. Without a legend, the button appears in
   * the figure's corner on hover or focus.
   */
  readonly tools: HTMLElement;
  /** Width available to the figure in pixels; 0 while hidden. */
  readonly width: () => number;
  /** Draws a figure, and the legend of its colour scale if it has one. */
  readonly draw: (figure: Figure, scale?: Scale) => void;
}

/** Creates an empty plot. `label` names it for screen readers; `filename` is that of a saved picture, without its extension. */
export function createPlot(label: string, filename: string, { keys, ...events }: PlotOptions): Plot {
  const canvas = el('div', { class: 'plot-canvas' });
  const painting = createCellPainting({
    hover: (point, event) => events.hover?.(point === null ? null : { ...point, custom: undefined }, event),
    click: (point) => events.click?.({ ...point, custom: undefined }),
  });
  const area = el(
    'div',
    { class: 'plot', role: keys === undefined ? 'img' : 'application', 'aria-label': label },
    painting.under,
    canvas,
    painting.over,
  );
  if (keys !== undefined) {
    area.tabIndex = 0;
    area.addEventListener('keydown', keys);
  }
  if (events.wheel !== undefined) area.addEventListener('wheel', zoomWheel, { passive: false });
  const legend = gradientLegend();
  legend.root.hidden = true;
  const save = button(t('Save picture'), 'link', () => {
    if (drawn === undefined) return;
    const { data, layout, width, height } = drawn;
    // Painted cells are in the figure only, not in what Plotly shows of it.
    const shown = paintedCells(drawn) === undefined ? canvas : { data, layout, config: CONFIG };
    void loadedPlots()?.downloadImage(shown, { format: 'svg', filename: savedName(filename), width, height });
  });
  save.setAttribute('aria-label', t('{0}: {1}', t('Save picture'), label));
  const tools = el('div', { class: 'plot-tools' }, legend.root, save);
  const root = el('div', { class: 'plot-frame' }, tools, area);
  let drawn: Figure | undefined;
  let lastWidth = 0;
  function zoomWheel(event: WheelEvent): void {
    const point = drawn === undefined ? null : axisPoint(drawn, area.getBoundingClientRect(), event);
    if (!event.ctrlKey || point === null) return;
    event.preventDefault();
    events.wheel?.(2 ** Math.max(-1, Math.min(1, -event.deltaY / 100)), point);
  }
  const listen = (element: { on(event: string, listener: (event: unknown) => void): void }): void => {
    element.on('plotly_hover', (event) => events.hover?.(pointOf(event), mouseOf(event)));
    element.on('plotly_unhover', () => events.hover?.(null, null));
    element.on('plotly_click', (event) => {
      const point = pointOf(event);
      if (point !== null) events.click?.(point);
    });
  };
  let listening = false;
  const react = (plotly: Plotly, figure: Figure): void => {
    // A sentence that it did not load.
    if (!listening) canvas.replaceChildren();
    const { data, layout } = paintedCells(figure) === undefined ? figure : withoutCells(figure);
    const done = plotly.react(canvas, data, layout, CONFIG);
    if (!listening) void done.then(listen);
    listening = true;
  };
  /** The first figure of all may come before what draws it. */
  const reactLater = async (): Promise<void> => {
    area.setAttribute('aria-busy', 'true');
    try {
      const plotly = await loadPlots();
      if (drawn !== undefined) react(plotly, drawn);
    } catch {
      canvas.replaceChildren(
        el('p', { class: 'view-failure', role: 'alert' }, t('What draws the figures did not load: open the panel again.')),
      );
    } finally {
      area.removeAttribute('aria-busy');
    }
  };
  new ResizeObserver(() => {
    const width = Math.floor(area.clientWidth);
    if (width === lastWidth || width === 0) return;
    lastWidth = width;
    events.resized();
  }).observe(area);
  return {
    root,
    area,
    tools,
    width: () => Math.floor(area.clientWidth),
    draw: (figure, scale) => {
      drawn = figure;
      canvas.style.height = `${figure.height}px`;
      painting.draw(paintedCells(figure), figure.width, figure.height);
      const plotly = loadedPlots();
      if (plotly !== undefined) react(plotly, figure);
      else if (area.getAttribute('aria-busy') !== 'true') void reactLater();
      legend.root.hidden = scale === undefined;
      if (scale !== undefined) legend.set(gradient(scale.colours), scale.low, scale.high);
    },
  };
}

/** Point of a figure under the pointer in axis coordinates; null outside its frame. */
function axisPoint({ layout, width, height }: Figure, area: DOMRect, { clientX, clientY }: MouseEvent): { x: number; y: number } | null {
  const { l, r, t: top, b } = layout['margin'] as Margins;
  const range = (axis: string): readonly [number, number] => (layout[axis] as { readonly range: readonly [number, number] }).range;
  const [x, y] = [range('xaxis'), range('yaxis')];
  const across = (clientX - area.left - l) / (width - l - r);
  const up = 1 - (clientY - area.top - top) / (height - top - b);
  if (across < 0 || across > 1 || up < 0 || up > 1) return null;
  return { x: x[0] + (x[1] - x[0]) * across, y: y[0] + (y[1] - y[0]) * up };
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
