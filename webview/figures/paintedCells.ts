import { parseColour } from '../colour.ts';
import type { Figure, Margins } from './figure.ts';

/** A figure's heatmap whose cells touch: the page paints them, one pixel a cell. */
export interface PaintedCells {
  readonly columns: number;
  readonly rows: number;
  /** Middle of the first column and row, and distance to the next, in axis coordinates. */
  readonly x0: number;
  readonly dx: number;
  readonly y0: number;
  readonly dy: number;
  /** [rows][columns]; NaN or null: empty. */
  readonly z: readonly ArrayLike<number | null>[];
  readonly zmin: number;
  readonly zmax: number;
  readonly colorscale: readonly (readonly [place: number, colour: string])[];
  /** Axis coordinates of the left and right, bottom and top edge of the figure's frame, and pixels around it. */
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
  readonly margin: Margins;
}

/** A colour for each of so many steps of the scale: finer than a screen shows. */
const STEPS = 1024;

type Place = 'x0' | 'dx' | 'y0' | 'dy';
type HeatmapTrace = Omit<PaintedCells, Place> & Partial<Pick<PaintedCells, Place>>;

/** Cells from which on they are painted: fewer are drawn at once. */
const MANY = 10_000;

/**
 * The cells of a figure that begins with a heatmap of many touching cells at even distances, rows downwards; undefined for any other.
 * Plotly draws each cell as a rectangle, compresses the picture and decompresses it again, and finds the cell under the pointer 20 times a
 * second.
 */
export function paintedCells({ data, layout }: Figure): PaintedCells | undefined {
  const [trace] = data;
  if (trace?.['type'] !== 'heatmap' || Number(trace['xgap'] ?? 0) > 0 || Number(trace['ygap'] ?? 0) > 0) return undefined;
  const { z, x0 = 0, dx = 1, y0 = 0, dy = 1, zmin, zmax, colorscale } = trace as unknown as HeatmapTrace;
  const [columns, rows] = [z[0]?.length ?? 0, z.length];
  const rangeOf = (axis: string): PaintedCells['x'] | undefined =>
    (layout[axis] as { readonly range?: PaintedCells['x'] } | undefined)?.range;
  const [x, y] = [rangeOf('xaxis'), rangeOf('yaxis')];
  if (columns * rows < MANY || x === undefined || y === undefined || x[0] > x[1] || y[0] < y[1]) return undefined;
  return { columns, rows, x0, dx, y0, dy, z, zmin, zmax, colorscale, x, y, margin: layout['margin'] as Margins };
}

/** The figure without its painted heatmap, clear where that is seen through it. */
export function withoutCells({ data, layout, ...rest }: Figure): Figure {
  const clear = 'rgba(0, 0, 0, 0)';
  // Plotly draws only axes that a trace is on.
  const axes = { type: 'scatter', mode: 'markers', x: [data[0]?.['x0'] ?? 0], y: [null], hoverinfo: 'skip' };
  return { ...rest, data: [axes, ...data.slice(1)], layout: { ...layout, paper_bgcolor: clear, plot_bgcolor: clear, hovermode: false } };
}

/** [rows, columns] colours of the cells as RGBA bytes of a little-endian word; 0, which is clear, for empty ones. */
export function cellColours({ columns, rows, z, zmin, zmax, colorscale }: PaintedCells): Uint32Array<ArrayBuffer> {
  const colours = scaleColours(colorscale);
  const pixels = new Uint32Array(columns * rows);
  const step = (STEPS - 1) / (zmax - zmin || 1);
  let next = 0;
  for (const row of z) {
    for (let column = 0; column < columns; column++, next++) {
      const value = row[column] ?? Number.NaN;
      if (value === value) pixels[next] = colours[Math.min(STEPS - 1, Math.max(0, Math.round((value - zmin) * step)))] ?? 0;
    }
  }
  return pixels;
}

/** The scale's colours at even steps, mixed as Plotly mixes them, in RGB. */
function scaleColours(colorscale: PaintedCells['colorscale']): Uint32Array {
  const stops = colorscale.map(([place, colour]) => ({ place, colour: parseColour(colour) ?? [0, 0, 0] }));
  let above = 1;
  return Uint32Array.from({ length: STEPS }, (_, step) => {
    const value = step / (STEPS - 1);
    while (above < stops.length - 1 && value > (stops[above]?.place ?? 1)) above++;
    const [from, to] = [stops[above - 1] ?? stops[0], stops[above] ?? stops[0]];
    if (from === undefined || to === undefined) return 0;
    const share = to.place === from.place ? 0 : (value - from.place) / (to.place - from.place);
    const channel = (index: 0 | 1 | 2): number => Math.round(from.colour[index] + (to.colour[index] - from.colour[index]) * share);
    return ((255 << 24) | (channel(2) << 16) | (channel(1) << 8) | channel(0)) >>> 0;
  });
}

/** The cell at a place of the frame, 0..1 from its left and its top edge: its middle in axis coordinates; null beside all cells. */
export function cellAtPlace(
  { columns, rows, x0, dx, y0, dy, x, y }: PaintedCells,
  across: number,
  down: number,
): { x: number; y: number } | null {
  const column = Math.round((x[0] + (x[1] - x[0]) * across - x0) / dx);
  const row = Math.round((y[1] + (y[0] - y[1]) * down - y0) / dy);
  return column < 0 || row < 0 || column >= columns || row >= rows ? null : { x: x0 + column * dx, y: y0 + row * dy };
}
