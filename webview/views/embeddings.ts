import { CancelledError } from '../../src/core/errors.ts';
import { at } from '../../src/core/tensor.ts';
import type { Projection } from '../../src/core/trace.ts';
import { button, checkbox, gradientLegend, segmented, slider } from '../controls.ts';
import { describeToken, failureNotice, markTokens, selectToken, tokenLabels, whileBusy, type PanelContext, type View } from '../context.ts';
import { changeDetector, el, icon, ICONS } from '../dom.ts';
import { projectionFigure } from '../figures/projectionPlot.ts';
import { integer, percent, significant } from '../format.ts';
import { createPlot } from '../plot.ts';
import type { ViewState } from '../state.ts';
import { t } from '../strings.ts';
import { gradient } from '../theme.ts';

const PLAY_MS = 1100;
const TURN_STEP = Math.PI / 24;

/** Principal components of the token vectors at a chosen place of the residual stream. */
export function createEmbeddings(context: PanelContext): View {
  const { store, host } = context;
  const set = (change: Parameters<typeof store.dispatch>[0] & { type: 'settings' }): void => store.dispatch(change);
  const layer = slider(t('Layer'), -1, 0, 1, (value) => set({ type: 'settings', change: { embeddingLayer: value } }));
  const play = el('button', { type: 'button', class: 'button secondary icon-button' });
  const dimensions = segmented<'2' | '3'>(t('Dimensions'), [['2', '2D'], ['3', '3D']], (value) => set({ type: 'settings', change: { dimensions: value === '3' ? 3 : 2 } }));
  const skipFirst = checkbox(t('Leave out the first token'), (value) => set({ type: 'settings', change: { skipFirst: value } }));
  skipFirst.root.title = t('The first token’s vector is often many times longer than the others (an attention sink) and would fill the picture.');
  const legend = gradientLegend();
  const variance = el('dl', { class: 'facts small' });
  const notice = el('div');
  const plot = createPlot(t('Tokens over principal components'), {
    hover: (point, event) => hover(point?.custom, event),
    click: (point) => {
      if (point.custom !== undefined) selectToken(context, point.custom);
    },
    resized: () => render(store.state()),
  });
  plot.root.classList.add('projection-plot');
  plot.root.setAttribute('role', 'application');
  plot.root.tabIndex = 0;
  const hint = el('p', { class: 'caption' });
  const tools = el('div', { class: 'toolbar spread' }, variance, legend.root, button(t('Save picture'), 'link', () => plot.save('embeddings')));
  const root = el('div', { class: 'embeddings-view' }, el('section', { class: 'card', 'aria-label': t('Embeddings') },
    el('div', { class: 'toolbar' }, el('div', { class: 'player' }, play, layer.root), dimensions.root, skipFirst.root),
    tools, notice, plot.root, hint));

  let projection: Projection | undefined;
  let timer: ReturnType<typeof setInterval> | undefined;
  const asked = changeDetector();
  const drawn = changeDetector();

  function hover(index: number | undefined, event: MouseEvent | null): void {
    const { shown } = store.state();
    if (index === undefined || event === null || shown === null || projection === undefined) {
      context.tooltip.hide();
      markTokens(context, []);
      return;
    }
    const { title, rows } = describeToken(shown.explanation, index);
    context.tooltip.show({ title, rows: [...rows, [t('Length of the vector'), significant(at(projection.norms, index), 4)]] }, event.clientX, event.clientY);
    markTokens(context, [index]);
  }
  const playing = (on: boolean): void => {
    clearInterval(timer);
    timer = on ? setInterval(() => {
      const { settings, shown } = store.state();
      const last = shown?.explanation.model.layers ?? 0;
      if (settings.tab !== 'embeddings' || settings.embeddingLayer >= last) playing(false);
      else store.dispatch({ type: 'settings', change: { embeddingLayer: settings.embeddingLayer + 1 } });
    }, PLAY_MS) : undefined;
    play.replaceChildren(icon(on ? ICONS.pause : ICONS.play));
    play.setAttribute('aria-label', on ? t('Pause') : t('Play through the layers'));
    play.title = on ? t('Pause') : t('Play through the layers');
  };
  playing(false);
  play.addEventListener('click', () => {
    const { settings, shown } = store.state();
    if (timer === undefined && settings.embeddingLayer >= (shown?.explanation.model.layers ?? 0)) store.dispatch({ type: 'settings', change: { embeddingLayer: -1 } });
    playing(timer === undefined);
  });

  const turn = (yaw: number, pitch: number): void => {
    const { settings } = store.state();
    store.dispatch({ type: 'settings', change: { yaw: (settings.yaw + yaw) % (2 * Math.PI), pitch: Math.max(-1.5, Math.min(1.5, settings.pitch + pitch)) } });
  };
  plot.root.addEventListener('pointerdown', (down) => {
    if (store.state().settings.dimensions !== 3 || down.button !== 0) return;
    let last = down;
    const move = (event: PointerEvent): void => {
      context.tooltip.hide();
      turn((event.clientX - last.clientX) / 120, (event.clientY - last.clientY) / 120);
      last = event;
    };
    const up = (): void => {
      window.removeEventListener('pointermove', move);
      window.removeEventListener('pointerup', up);
    };
    window.addEventListener('pointermove', move);
    window.addEventListener('pointerup', up);
  });
  plot.root.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: [-TURN_STEP, 0], ArrowRight: [TURN_STEP, 0], ArrowUp: [0, -TURN_STEP], ArrowDown: [0, TURN_STEP] }[event.key];
    if (step === undefined || store.state().settings.dimensions !== 3) return;
    event.preventDefault();
    turn(step[0] ?? 0, step[1] ?? 0);
  });

  async function load(place: number, skip: boolean): Promise<void> {
    try {
      projection = await whileBusy(plot.root, host.query('projection', 'projection', { layer: place, skipFirst: skip }));
      notice.replaceChildren();
      for (const part of [tools, plot.root, hint]) part.hidden = false;
      render(store.state());
    } catch (error) {
      if (error instanceof CancelledError) return;
      // The picture is of another layer than the slider says.
      projection = undefined;
      for (const part of [tools, plot.root, hint]) part.hidden = true;
      failureNotice(notice, error);
    }
  }

  function render(state: ViewState): void {
    const { shown, settings, theme } = state;
    const width = plot.width();
    if (shown === null || projection === undefined || width === 0) return;
    if (!drawn(projection, settings.dimensions, settings.selected, settings.dimensions === 3 ? settings.yaw : 0, settings.dimensions === 3 ? settings.pitch : 0, width, theme)) return;
    const [a, b, c] = [0, 1, 2].map((component) => percent(projection?.explained[component] ?? Number.NaN));
    const height = Math.round(Math.max(320, Math.min(560, width * 0.7)));
    const axisTitles = settings.dimensions === 2 ? [axisName(1, a), axisName(2, b), ''] as const : [`1 · ${a ?? ''}`, `2 · ${b ?? ''}`, `3 · ${c ?? ''}`] as const;
    plot.draw(projectionFigure(projection, { labels: tokenLabels(shown.explanation), selected: settings.selected, dimensions: settings.dimensions, yaw: settings.yaw, pitch: settings.pitch, width, height, axisTitles }, theme));
    plot.root.classList.toggle('turnable', settings.dimensions === 3);
    const seen = projection.explained.subarray(0, settings.dimensions).reduce((sum, share) => sum + share, 0);
    variance.replaceChildren(el('div', {}, el('dd', {}, percent(seen)), el('dt', {}, t('of the variance is in this picture'))));
    legend.set(gradient(theme.sequential.slice(3)), t('first token'), t('last'));
    hint.textContent = hintText(projection, settings.dimensions);
  }

  return {
    root,
    update: (state) => {
      const { shown, settings } = state;
      if (shown === null) return;
      const { layers } = shown.explanation.model;
      layer.set(settings.embeddingLayer, placeName(settings.embeddingLayer, layers), layers);
      dimensions.set(settings.dimensions === 3 ? '3' : '2');
      skipFirst.set(settings.skipFirst);
      if (asked(shown, settings.embeddingLayer, settings.skipFirst)) {
        void load(settings.embeddingLayer, settings.skipFirst);
      } else {
        render(state);
      }
    },
  };
}

/** What a place of the residual stream is called. */
export function placeName(layer: number, layers: number): string {
  if (layer < 0) return t('Static embedding, before positions');
  if (layer === 0) return t('Input of block 0');
  return layer === layers ? t('After block {0}, the last', layer - 1) : t('After block {0}', layer - 1);
}

function hintText(projection: Projection, dimensions: 2 | 3): string {
  const turning = dimensions === 3 ? t('Drag or use the arrow keys to turn.') : '';
  const left = projection.leftOut > 0
    ? t('The first token is not drawn: its vector has length {0}, the others {1} on average.', significant(at(projection.norms, 0), 3), significant(projection.norms.slice(1).reduce((sum, norm) => sum + norm, 0) / Math.max(1, projection.norms.length - 1), 3))
    : t('{0} tokens.', integer(projection.norms.length));
  return [left, turning].filter((sentence) => sentence !== '').join(' ');
}

function axisName(component: number, share: string | undefined): string {
  return t('Component {0} · {1} of the variance', component, share ?? '');
}
