import type { LensGrid } from '../../figures/lensGrid.ts';
import type { Rgb } from '../../colour.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { cellLook } from './lensColumn.ts';

/** Layers by all positions in small above the grid: the part of it that is in sight is framed, and moved by a press. */
export interface LensOverview {
  readonly root: HTMLElement;
  /** `shown`: the shares of the text's width at which what is in sight begins and ends. */
  readonly draw: (state: ViewState, grid: LensGrid, shown: readonly [number, number]) => void;
}

/** `go`: moves the middle of what is in sight to this share of the text's width. */
export function createLensOverview(go: (share: number) => void): LensOverview {
  const canvas = el('canvas', {});
  const frame = el('div', { class: 'lens-window' });
  // What it does, the grid's own keys and scroll bar do too.
  const map = el('div', { class: 'lens-map', 'aria-hidden': 'true' }, canvas, frame);
  const root = el(
    'div',
    { class: 'lens-overview', hidden: true },
    map,
    el(
      'p',
      { class: 'caption' },
      t('All positions: coloured as far as they have been read. Press or drag to move the frame, which is the grid below.'),
    ),
  );
  const painted = changeDetector();
  const move = ({ clientX }: PointerEvent): void => {
    const { left, width } = map.getBoundingClientRect();
    if (width > 0) go((clientX - left) / width);
  };
  map.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    map.setPointerCapture(event.pointerId);
    move(event);
  });
  map.addEventListener('pointermove', (event) => map.hasPointerCapture(event.pointerId) && move(event));

  function paint(state: ViewState, grid: LensGrid): void {
    [canvas.width, canvas.height] = [grid.positions, grid.layers];
    const context = canvas.getContext('2d');
    if (context === null) return;
    const image = context.createImageData(grid.positions, grid.layers);
    for (let row = 0; row < grid.layers; row++)
      for (let position = 0; position < grid.positions; position++) {
        const colour = colourOf(state, grid, grid.layers - 1 - row, position);
        if (colour !== null) image.data.set([...colour, 255], 4 * (row * grid.positions + position));
      }
    context.putImageData(image, 0, 0);
  }
  return {
    root,
    draw: (state, grid, [from, to]) => {
      root.hidden = to - from >= 1;
      if (root.hidden) return;
      frame.style.left = `${100 * from}%`;
      frame.style.width = `${100 * (to - from)}%`;
      const { lensColour, addedColour } = state.settings;
      if (painted(grid, grid.read(), lensColour, addedColour, state.theme)) paint(state, grid);
    },
  };
}

function colourOf(state: ViewState, grid: LensGrid, layer: number, position: number): Rgb | null {
  const found = grid.added(layer, position) ?? grid.cell(layer, position);
  return found === undefined ? null : cellLook(found, state).colour;
}
