import { at } from '../../src/core/tensor.ts';
import { HEAD_METRICS, type Explanation, type HeadMetric } from '../../src/core/trace.ts';
import { segmented } from '../controls.ts';
import { css } from '../colour.ts';
import type { PanelContext, View } from '../context.ts';
import { changeDetector, el } from '../dom.ts';
import { bestHead, headAt, headMetric, metricShare, overviewGrid, type OverviewGrid } from '../figures/heads.ts';
import { bits, decimal } from '../format.ts';
import type { ViewState } from '../state.ts';
import { t } from '../strings.ts';
import { colourAt, type Theme } from '../theme.ts';
import { layerNotes } from './layerNotes.ts';

/** Pixels around the canvas for its focus ring, as in its style sheet. */
const FRAME_PADDING = 4;

/** Names and plain definitions of the head metrics. */
export function metricTexts(): Readonly<Record<HeadMetric, { readonly name: string; readonly meaning: string }>> {
  return {
    previous: { name: t('Previous token'), meaning: t('Mean attention to the token just before.') },
    induction: { name: t('Induction'), meaning: t('Mean attention to what followed the same token earlier: how a model repeats a pattern.') },
    first: { name: t('First token'), meaning: t('Mean attention to the first token, where heads rest that have nothing to say.') },
    entropy: { name: t('Entropy'), meaning: t('Mean entropy of the attention rows: low is sharp, high is spread out.') },
  };
}

/** A metric's value with its unit: bits for entropy, otherwise a share of the attention. */
export function metricValue(value: number, metric: HeadMetric): string {
  if (!Number.isFinite(value)) return t('not defined for this text');
  return metric === 'entropy' ? bits(value) : decimal(value, 2);
}

/** All heads of all layers on one canvas, each with the chosen metric; a click or the arrow keys choose a head, and `pointed` is told of one that the pointer comes to. */
export function createHeadOverview(context: PanelContext, pointed: (layer: number, head: number) => void): View {
  const canvas = el('canvas', { class: 'overview-canvas', tabindex: 0, role: 'application' });
  const texts = metricTexts();
  const choose = (layer: number, head: number): void => context.store.dispatch({ type: 'settings', change: { layer, head, locked: null } });
  const metric = segmented(t('Number under each head'), HEAD_METRICS.map((name) => [name, texts[name].name] as const), (name) => context.store.dispatch({ type: 'settings', change: { metric: name } }));
  const meaning = el('p', { class: 'caption' });
  const best = el('div', { class: 'best-heads', role: 'group', 'aria-label': t('Heads that stand out') });
  const frame = el('div', { class: 'overview-frame' }, canvas);
  const root = el('section', { class: 'card overview', 'aria-label': t('All heads') }, el('h2', {}, t('All heads')), metric.root, meaning, frame, best);
  let grid: OverviewGrid | undefined;
  let hovered: string | undefined;
  const changed = changeDetector();
  const bestChanged = changeDetector();
  const picturesChanged = changeDetector();
  let pictures = new OffscreenCanvas(1, 1);

  const found = (event: MouseEvent): { layer: number; head: number } | undefined => {
    const { shown } = context.store.state();
    if (grid === undefined || shown === null) return undefined;
    return headAt(grid, event.offsetX, event.offsetY, shown.explanation.model.layers, shown.explanation.model.heads);
  };
  canvas.addEventListener('click', (event) => {
    const head = found(event);
    if (head !== undefined) choose(head.layer, head.head);
  });
  canvas.addEventListener('mousemove', (event) => {
    const head = found(event);
    const { shown } = context.store.state();
    canvas.style.cursor = head === undefined ? '' : 'pointer';
    if (head === undefined || shown === null) return context.tooltip.hide();
    const name = `${head.layer}.${head.head}`;
    if (name !== hovered) pointed(head.layer, head.head);
    hovered = name;
    context.tooltip.show({
      title: t('Layer {0}, head {1}', head.layer, head.head),
      rows: [
        ...HEAD_METRICS.map((name) => [texts[name].name, metricValue(headMetric(shown.explanation, head.layer, head.head, name), name)] as const),
        ...layerNotes(shown.explanation.model, head.layer).map((note) => [t('Layer {0}', head.layer), note] as const),
      ],
    }, event.clientX, event.clientY);
  });
  canvas.addEventListener('mouseleave', () => {
    hovered = undefined;
    context.tooltip.hide();
  });
  canvas.addEventListener('keydown', (event) => {
    const { shown, settings } = context.store.state();
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (shown === null || step === undefined) return;
    event.preventDefault();
    choose(settings.layer + (step[0] ?? 0), settings.head + (step[1] ?? 0));
    const now = context.store.state().settings;
    context.announce([t('Layer {0}, head {1}', now.layer, now.head), ...layerNotes(shown.explanation.model, now.layer), ...HEAD_METRICS.map((name) => `${texts[name].name} ${metricValue(headMetric(shown.explanation, now.layer, now.head, name), name)}`)].join(', '));
  });

  const draw = (state: ViewState): void => {
    if (state.shown === null || frame.clientWidth === 0) return;
    const { layers, heads } = state.shown.explanation.model;
    grid = overviewGrid(layers, heads, frame.clientWidth - 2 * FRAME_PADDING);
    if (picturesChanged(state.shown, state.theme)) pictures = headPictures(state.shown.explanation, state.theme);
    drawOverview(canvas, grid, state, pictures);
  };
  let width = 0;
  new ResizeObserver(() => {
    if (frame.clientWidth === width) return;
    width = frame.clientWidth;
    draw(context.store.state());
  }).observe(frame);

  return {
    root,
    update: (state) => {
      const { shown, settings, theme } = state;
      if (shown === null) return;
      metric.set(settings.metric);
      meaning.textContent = texts[settings.metric].meaning;
      canvas.setAttribute('aria-label', t('Attention of all heads; layer {0}, head {1} is chosen. Arrow keys choose another.', settings.layer, settings.head));
      if (bestChanged(shown, settings.layer, settings.head)) {
        best.replaceChildren(...HEAD_METRICS.flatMap((name) => {
          const head = bestHead(shown.explanation, name);
          if (head === undefined) return [];
          const chosen = head.layer === settings.layer && head.head === settings.head;
          const link = el('button', { type: 'button', class: 'best-head', 'aria-pressed': chosen ? 'true' : 'false' },
            el('span', { class: 'best-name' }, name === 'entropy' ? t('Sharpest') : texts[name].name), el('span', { class: 'best-place' }, `L${head.layer} H${head.head}`), el('span', { class: 'best-value' }, metricValue(head.value, name)));
          link.addEventListener('click', () => choose(head.layer, head.head));
          return [link];
        }));
      }
      if (changed(shown, settings.layer, settings.head, settings.metric, theme, hovered)) draw(state);
    },
  };
}

function drawOverview(canvas: HTMLCanvasElement, grid: OverviewGrid, { shown, settings, theme }: ViewState, pictures: OffscreenCanvas): void {
  if (shown === null) return;
  const { explanation } = shown;
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
  const side = explanation.thumbnailSize;
  const { layers, heads } = explanation.model;
  const labelEvery = Math.max(1, Math.ceil(20 / (grid.cell + grid.gap)));
  for (let layer = 0; layer < layers; layer++) {
    const y = grid.top + layer * (grid.cell + grid.caption + grid.gap);
    paint.fillStyle = css(layer === settings.layer ? theme.foreground : theme.muted);
    paint.textAlign = 'left';
    paint.fillText(`L${layer}`, 0, y + grid.cell / 2);
    for (let head = 0; head < heads; head++) {
      const x = grid.left + head * (grid.cell + grid.gap);
      if (layer === 0 && head % labelEvery === 0) {
        paint.fillStyle = css(head === settings.head ? theme.foreground : theme.muted);
        paint.textAlign = 'center';
        paint.fillText(`H${head}`, x + grid.cell / 2, 8);
      }
      paint.drawImage(pictures, head * side, layer * side, side, side, x, y, grid.cell, grid.cell);
      const value = headMetric(explanation, layer, head, settings.metric);
      drawMetric(paint, grid, x, y + grid.cell, value, metricShare(value, settings.metric, explanation.tokens.length), theme);
      if (layer === settings.layer && head === settings.head) {
        paint.strokeStyle = css(theme.foreground);
        paint.lineWidth = 2;
        paint.strokeRect(x - 1, y - 1, grid.cell + 2, grid.cell + 2);
      }
    }
  }
}

function drawMetric(paint: CanvasRenderingContext2D, grid: OverviewGrid, x: number, y: number, value: number, share: number, theme: ViewState['theme']): void {
  paint.fillStyle = css(theme.grid);
  paint.fillRect(x, y + 2, grid.cell, 2);
  paint.fillStyle = css(theme.warm);
  paint.fillRect(x, y + 2, Math.round(grid.cell * share), 2);
  if (grid.caption < 16 || !Number.isFinite(value)) return;
  paint.fillStyle = css(theme.muted);
  paint.textAlign = 'center';
  paint.fillText(decimal(value, 2), x + grid.cell / 2, y + 11);
}

/** The thumbnails of all heads side by side, a row a layer: made once, drawn with every change of the choice. */
function headPictures({ model, thumbnails, thumbnailSize: side }: Explanation, theme: Theme): OffscreenCanvas {
  const { layers, heads } = model;
  const canvas = new OffscreenCanvas(heads * side, layers * side);
  const image = new ImageData(canvas.width, canvas.height);
  const pixels = new Uint32Array(image.data.buffer);
  const opaque = 255 << 24;
  const colours = Uint32Array.from({ length: 256 }, (_, value) => {
    const [red, green, blue] = colourAt(theme.sequential, value / 255);
    return opaque | (Math.round(blue) << 16) | (Math.round(green) << 8) | Math.round(red);
  });
  let next = 0;
  for (let head = 0; head < layers * heads; head++) {
    const corner = Math.floor(head / heads) * side * canvas.width + (head % heads) * side;
    for (let row = 0; row < side; row++, next += side) {
      // The future is empty, as in the large map.
      for (let column = 0; column <= row; column++) pixels[corner + row * canvas.width + column] = at(colours, at(thumbnails, next + column));
    }
  }
  canvas.getContext('2d')?.putImageData(image, 0, 0);
  return canvas;
}
