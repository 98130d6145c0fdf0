import type { PanelContext } from '../../context.ts';
import { headAt, overviewGrid, type HeadNumbers, type HeadScore, type OverviewGrid } from '../../figures/heads.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { plainKey } from '../../parts/keys.ts';
import { headNotes } from '../../parts/interventionTexts.ts';
import { layerNotes } from '../../parts/layerNotes.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { drawHeads, headPictures } from './headCanvas.ts';
import { headText, samplesText, scoreTexts } from './headTexts.ts';

/** Padding around the canvas in pixels for its focus ring, as in its style sheet. */
const FRAME_PADDING = 4;

/** Canvas with a thumbnail of every head, layer by layer, and a score under each. */
export interface OverviewCanvas {
  readonly root: HTMLElement;
  readonly show: (numbers: HeadNumbers, score: HeadScore, state: ViewState) => void;
}

/** Callbacks of the canvas. */
export interface OverviewEvents {
  /** Called when a head was clicked or reached with an arrow key. */
  readonly choose: (layer: number, head: number) => void;
  /** Called when the pointer reaches a head. */
  readonly pointed: (layer: number, head: number) => void;
}

/** Creates the canvas, still empty. */
export function createOverviewCanvas({ store, tooltip, announce }: PanelContext, { choose, pointed }: OverviewEvents): OverviewCanvas {
  const canvas = el('canvas', { class: 'overview-canvas', tabindex: 0, role: 'application' });
  const frame = el('div', { class: 'overview-frame scroll-x' }, canvas);
  const texts = scoreTexts();
  let on: { readonly numbers: HeadNumbers; readonly score: HeadScore } | undefined;
  let grid: OverviewGrid | undefined;
  let hovered: string | undefined;
  let pictures = new OffscreenCanvas(1, 1);
  const changed = changeDetector();
  const picturesChanged = changeDetector();

  const found = (event: MouseEvent): { layer: number; head: number } | undefined => {
    const { shown } = store.state();
    if (grid === undefined || shown === null) return undefined;
    return headAt(grid, event.offsetX, event.offsetY, shown.explanation.model.layers, shown.explanation.model.heads);
  };
  canvas.addEventListener('click', (event) => {
    const head = found(event);
    if (head !== undefined) choose(head.layer, head.head);
  });
  canvas.addEventListener('mousemove', (event) => {
    const head = found(event);
    const { shown } = store.state();
    canvas.style.cursor = head === undefined ? '' : 'pointer';
    const of = on?.numbers;
    if (head === undefined || shown === null || of === undefined) return tooltip.hide();
    const name = `${head.layer}.${head.head}`;
    if (name !== hovered) pointed(head.layer, head.head);
    hovered = name;
    tooltip.show(
      {
        title: [t('Layer {0}, head {1}', head.layer, head.head), ...headNotes(shown.explanation, head.layer, head.head)].join(' · '),
        rows: [
          ...of.scores.map(
            (name) => [texts[name].name, `${headText(of, head.layer, head.head, name)}  (${samplesText(of, name)})`] as const,
          ),
          ...layerNotes(shown.explanation.model, head.layer).map((note) => [t('Layer {0}', head.layer), note] as const),
        ],
      },
      event.clientX,
      event.clientY,
    );
  });
  canvas.addEventListener('mouseleave', () => {
    hovered = undefined;
    tooltip.hide();
  });
  canvas.addEventListener('keydown', (event) => {
    const { shown, settings } = store.state();
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[plainKey(event)];
    const of = on?.numbers;
    if (shown === null || step === undefined || of === undefined) return;
    event.preventDefault();
    choose(settings.layer + (step[0] ?? 0), settings.head + (step[1] ?? 0));
    const now = store.state().settings;
    announce(
      [
        t('Layer {0}, head {1}', now.layer, now.head),
        ...headNotes(shown.explanation, now.layer, now.head),
        ...layerNotes(shown.explanation.model, now.layer),
        ...of.scores.map((name) => `${texts[name].name} ${headText(of, now.layer, now.head, name)}`),
      ].join(', '),
    );
  });

  const draw = ({ heads, settings, theme }: ViewState): void => {
    const width = frame.clientWidth;
    if (on === undefined || width === 0) return;
    const { numbers, score } = on;
    const isMeasuring = heads?.failed !== true;
    if (!changed(numbers, settings.layer, settings.head, score, isMeasuring, theme, width)) return;
    grid = overviewGrid(numbers.layers, numbers.heads, width - 2 * FRAME_PADDING);
    if (picturesChanged(numbers, theme)) pictures = headPictures(numbers, theme);
    drawHeads(canvas, grid, { numbers, pictures, score, isMeasuring, layer: settings.layer, head: settings.head }, theme);
  };
  new ResizeObserver(() => draw(store.state())).observe(frame);

  return {
    root: frame,
    show: (numbers, score, state) => {
      on = { numbers, score };
      const { layer, head } = state.settings;
      canvas.setAttribute(
        'aria-label',
        t('Attention of all heads; layer {0}, head {1} is chosen. Arrow keys choose another.', layer, head),
      );
      draw(state);
    },
  };
}
