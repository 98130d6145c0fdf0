import type { Plotly } from 'plotly.js/lib/core';
import { CancelledError, messageOf } from '../src/core/errors.ts';
import { isRecord } from '../src/core/records.ts';
import { paintedCells, withoutCells } from './figures/paintedCells.ts';
import { loadedPlots, loadPlots } from './loadPlots.ts';
import { createCellPainting } from './parts/cellPainting.ts';
import { gradientLegend } from './parts/legend.ts';
import { el } from './parts/dom.ts';
import { copyText, saveFile } from './parts/fileSaving.ts';
import { onWhite, pngOf, withSharpCells } from './parts/pictures.ts';
import { createSaveMenu } from './parts/saveMenu.ts';
import { tableEntries, tableWriter } from './parts/tableMenu.ts';
import { createNotice } from './parts/notice.ts';
import type { MenuEntry } from './parts/menuButton.ts';
import { t } from './strings.ts';
import { gradient, themeOf } from './theme.ts';
import { figureNpy, type FigureData } from './figures/figureData.ts';
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
  /**
   * The numbers behind the figure that is shown, exact, and not as it draws them: a grid may have to be asked for. Null: there are none
   * now. Absent: it can be saved as a picture alone.
   */
  readonly data?: () => FigureData | (() => Promise<FigureData>) | null;
  /** Python that computes these numbers by transformers; null: there is none of what is shown. */
  readonly code?: () => string | null;
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

/**
 * Creates an empty plot. `label` names it for screen readers; `filename` is that of what is saved of it, without its ending: a function
 * where it tells which layer or head is shown.
 */
export function createPlot(label: string, filename: string | (() => string), { keys, data, code, ...events }: PlotOptions): Plot {
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
  const nameOf = (): string => (typeof filename === 'string' ? filename : filename());
  const trouble = createNotice();
  const attempt = (work: () => Promise<void>): void => {
    trouble.clear();
    void work().catch((error: unknown) => {
      if (!(error instanceof CancelledError)) trouble.fail(t('This could not be saved: {0}', messageOf(error)));
    });
  };
  const picture = async () => (drawn === undefined ? null : { svg: await svgOf(canvas, drawn), width: drawn.width, height: drawn.height });
  const save = createSaveMenu(label, () => [
    ...pictureEntries(nameOf, attempt, picture),
    ...(data === undefined ? [] : dataEntries(nameOf, attempt, data)),
    ...codeEntries(code?.() ?? null),
  ]);
  const tools = el('div', { class: 'plot-tools' }, legend.root, save);
  const root = el('div', { class: 'plot-frame' }, tools, area, trouble.root);
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

/** The figure as an SVG, its texts as texts. */
async function svgOf(canvas: HTMLElement, drawn: Figure): Promise<string> {
  const { data, layout, width, height } = drawn;
  // Painted cells are in the figure only, not in what Plotly shows of it.
  const shown = paintedCells(drawn) === undefined ? canvas : { data, layout, config: CONFIG };
  const plotly = loadedPlots() ?? (await loadPlots());
  return plotly.toImage(shown, { format: 'svg', width, height, imageDataOnly: true });
}

/** Menu entries that save a picture, which is made by then; null: nothing is drawn. */
function pictureEntries(
  nameOf: () => string,
  attempt: (work: () => Promise<void>) => void,
  picture: () => Promise<{ readonly svg: string; readonly width: number; readonly height: number } | null>,
): readonly MenuEntry[] {
  const save = (kind: 'png' | 'white' | 'svg') => (): void => {
    const name = nameOf();
    attempt(async () => {
      const found = await picture();
      if (found === null) return;
      const { svg, width, height } = found;
      if (kind === 'svg') saveFile(name, 'svg', await withSharpCells(svg));
      else saveFile(name, 'png', await pngOf(kind === 'white' ? onWhite(svg, themeOf(document)) : svg, width, height));
    });
  };
  return [
    { text: t('Picture (PNG)'), chosen: save('png') },
    { text: t('Picture on white (PNG)'), chosen: save('white') },
    { text: t('Drawing (SVG)'), chosen: save('svg') },
  ];
}

/** The menu's entry that copies a program; null: there is none. */
function codeEntries(code: string | null): readonly MenuEntry[] {
  return code === null ? [] : [{ text: t('Copy as code (Python)'), chosen: () => copyText(code) }];
}

/** Menu entries that save or copy the numbers. */
function dataEntries(
  nameOf: () => string,
  attempt: (work: () => Promise<void>) => void,
  data: NonNullable<PlotOptions['data']>,
): readonly MenuEntry[] {
  const name = nameOf();
  const found = data();
  if (found === null) return [];
  const use = (take: (found: FigureData) => void): void =>
    attempt(async () => {
      take(typeof found === 'function' ? await found() : found);
    });
  const saveNpy = (): void => use((numbers) => numbers.kind === 'grid' && saveFile(name, 'npy', figureNpy(numbers)));
  const isTable = typeof found !== 'function' && found.kind === 'table';
  return [
    ...tableEntries(name, (write) => use((numbers) => write(tableWriter(numbers)))),
    ...(isTable ? [] : [{ text: t('Numbers (NumPy)'), chosen: saveNpy }]),
  ];
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
