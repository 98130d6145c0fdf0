import { cellAtPlace, cellColours, type PaintedCells } from '../figures/paintedCells.ts';
import { changeDetector, el } from './dom.ts';

/** Painted cells of a heatmap, under a figure that has the axes; nothing while there are none. */
export interface CellPainting {
  /** Under the figure: the cells. */
  readonly under: HTMLElement;
  /** Over it: what the pointer meets. */
  readonly over: HTMLElement;
  readonly draw: (cells: PaintedCells | undefined, width: number, height: number) => void;
}

/** Creates a painting without cells. */
export function createCellPainting(events: {
  readonly hover: (point: { readonly x: number; readonly y: number } | null, event: MouseEvent | null) => void;
  readonly click: (point: { readonly x: number; readonly y: number }) => void;
}): CellPainting {
  const canvas = el('canvas', { class: 'painted-cells' });
  const under = el('div', { class: 'plot-cells' }, canvas);
  const over = el('div', { class: 'plot-pointer' });
  const changed = changeDetector();
  let drawn: PaintedCells | undefined;
  const at = ({ clientX, clientY }: MouseEvent): { readonly x: number; readonly y: number } | null => {
    const { left, top, width, height } = over.getBoundingClientRect();
    return drawn === undefined ? null : cellAtPlace(drawn, (clientX - left) / width, (clientY - top) / height);
  };
  over.addEventListener('mousemove', (event) => events.hover(at(event), event));
  over.addEventListener('mouseleave', () => events.hover(null, null));
  over.addEventListener('click', (event) => {
    const point = at(event);
    if (point !== null) events.click(point);
  });
  return {
    under,
    over,
    draw: (cells, width, height) => {
      drawn = cells;
      under.hidden = cells === undefined;
      over.hidden = cells === undefined;
      if (cells === undefined) return;
      const { margin, columns, rows, x, y } = cells;
      const [inner, high] = [width - margin.l - margin.r, height - margin.t - margin.b];
      for (const box of [under, over]) place(box, margin.l, margin.t, inner, high);
      const [unitX, unitY] = [inner / (x[1] - x[0]), high / (y[0] - y[1])];
      const left = (cells.x0 - cells.dx / 2 - x[0]) * unitX;
      const top = (cells.y0 - cells.dy / 2 - y[1]) * unitY;
      place(canvas, left, top, columns * cells.dx * unitX, rows * cells.dy * unitY);
      if (!changed(cells.z, cells.zmin, cells.zmax, cells.colorscale)) return;
      canvas.width = columns;
      canvas.height = rows;
      const image = new ImageData(new Uint8ClampedArray(cellColours(cells).buffer), columns, rows);
      canvas.getContext('2d')?.putImageData(image, 0, 0);
    },
  };
}

function place({ style }: HTMLElement, left: number, top: number, width: number, height: number): void {
  style.left = `${left}px`;
  style.top = `${top}px`;
  style.width = `${width}px`;
  style.height = `${height}px`;
}
