import { at } from '../../../src/core/tensor.ts';
import { css, mix } from '../../colour.ts';
import { headNumber, isFew, metricShare, type HeadNumbers, type HeadScore, type OverviewGrid } from '../../figures/heads.ts';
import { decimal } from '../../parts/format.ts';
import { colourAt, type Theme } from '../../theme.ts';

/** Data of the overview's drawing. */
export interface DrawnHeads {
  readonly numbers: HeadNumbers;
  /** Result of `headPictures`. */
  readonly pictures: OffscreenCanvas;
  readonly score: HeadScore;
  /** Whether heads that are not measured are still to come. */
  readonly isMeasuring: boolean;
  /** The chosen head. */
  readonly layer: number;
  readonly head: number;
}

/** Draws all heads in rows of layers, each with its thumbnail and score. */
export function drawHeads(
  canvas: HTMLCanvasElement,
  grid: OverviewGrid,
  { numbers, pictures, score, isMeasuring, layer: chosenLayer, head: chosenHead }: DrawnHeads,
  theme: Theme,
): void {
  const ratio = window.devicePixelRatio;
  canvas.width = Math.round(grid.width * ratio);
  canvas.height = Math.round(grid.height * ratio);
  canvas.style.width = `${grid.width}px`;
  canvas.style.height = `${grid.height}px`;
  const paint = canvas.getContext('2d');
  if (paint === null) return;
  paint.scale(ratio, ratio);
  paint.imageSmoothingEnabled = false;
  const small = theme.fontSize - 2;
  paint.font = `${small}px ${theme.fontFamily}`;
  paint.textBaseline = 'middle';
  const { layers, heads, known, thumbnailSize: side } = numbers;
  const few = isFew(numbers, score);
  const labelEvery = Math.max(1, Math.ceil(20 / (grid.cell + grid.gap)));
  for (let layer = 0; layer < layers; layer++) {
    const y = grid.top + layer * (grid.cell + grid.caption + grid.gap);
    paint.fillStyle = css(layer === chosenLayer ? theme.foreground : theme.muted);
    paint.textAlign = 'left';
    paint.fillText(`L${layer}`, 0, y + grid.cell / 2);
    for (let head = 0; head < heads; head++) {
      const x = grid.left + head * (grid.cell + grid.gap);
      if (layer === 0 && head % labelEvery === 0) {
        paint.fillStyle = css(head === chosenHead ? theme.foreground : theme.muted);
        paint.textAlign = 'center';
        paint.fillText(`H${head}`, x + grid.cell / 2, 8);
      }
      if (numbers.without.has(layer)) drawMark(paint, x, y, grid.cell, '–', theme);
      else if (layer < known) {
        paint.drawImage(pictures, head * side, layer * side, side, side, x, y, grid.cell, grid.cell);
        const value = headNumber(numbers, layer, head, score);
        drawScore(paint, grid, x, y + grid.cell, { value, share: metricShare(value, score, numbers.tokens), few }, theme);
      } else drawMark(paint, x, y, grid.cell, isMeasuring ? '…' : '', theme);
      if (layer === chosenLayer && head === chosenHead) {
        paint.strokeStyle = css(theme.foreground);
        paint.lineWidth = 2;
        paint.strokeRect(x - 1, y - 1, grid.cell + 2, grid.cell + 2);
      }
    }
  }
}

/** A place without a picture: of a head that is not measured (yet), or of a layer without attention weights. */
function drawMark(paint: CanvasRenderingContext2D, x: number, y: number, cell: number, mark: string, theme: Theme): void {
  paint.strokeStyle = css(theme.grid);
  paint.lineWidth = 1;
  paint.strokeRect(x + 0.5, y + 0.5, cell - 1, cell - 1);
  paint.fillStyle = css(theme.muted);
  paint.textAlign = 'center';
  paint.fillText(mark, x + cell / 2, y + cell / 2);
}

function drawScore(
  paint: CanvasRenderingContext2D,
  grid: OverviewGrid,
  x: number,
  y: number,
  { value, share, few }: { readonly value: number; readonly share: number; readonly few: boolean },
  theme: Theme,
): void {
  paint.fillStyle = css(theme.grid);
  paint.fillRect(x, y + 2, grid.cell, 2);
  paint.fillStyle = css(few ? theme.muted : theme.warm);
  paint.fillRect(x, y + 2, Math.round(grid.cell * share), 2);
  if (grid.caption < 16 || !Number.isFinite(value)) return;
  paint.fillStyle = css(few ? mix(theme.background, theme.muted, 0.55) : theme.muted);
  paint.textAlign = 'center';
  paint.fillText(decimal(value, 2), x + grid.cell / 2, y + 11);
}

/** The thumbnails of all heads side by side, one row per layer: made once, and drawn again with every change of the selection. */
export function headPictures({ known, heads, thumbnails, thumbnailSize: side }: HeadNumbers, theme: Theme): OffscreenCanvas {
  const canvas = new OffscreenCanvas(heads * side, Math.max(1, known * side));
  const image = new ImageData(canvas.width, canvas.height);
  const pixels = new Uint32Array(image.data.buffer);
  const opaque = 255 << 24;
  const colours = Uint32Array.from({ length: 256 }, (_, value) => {
    const [red, green, blue] = colourAt(theme.sequential, value / 255);
    return opaque | (Math.round(blue) << 16) | (Math.round(green) << 8) | Math.round(red);
  });
  let next = 0;
  for (let head = 0; head < known * heads; head++) {
    const corner = Math.floor(head / heads) * side * canvas.width + (head % heads) * side;
    for (let row = 0; row < side; row++, next += side) {
      // The future is empty, as in the large map.
      for (let column = 0; column <= row; column++)
        pixels[corner + row * canvas.width + column] = at(colours, at(thumbnails, next + column));
    }
  }
  canvas.getContext('2d')?.putImageData(image, 0, 0);
  return canvas;
}
