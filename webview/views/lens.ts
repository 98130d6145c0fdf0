import { at } from '../../src/core/tensor.ts';
import type { LensLayer } from '../../src/core/trace.ts';
import { CancelledError, messageOf } from '../../src/core/errors.ts';
import { gradientLegend, segmented } from '../controls.ts';
import { css } from '../colour.ts';
import { markTokens, selectToken, whileBusy, type PanelContext, type View } from '../context.ts';
import { changeDetector, el } from '../dom.ts';
import { KL_FULL_BITS, lensShare, lensValue, visibleColumns } from '../figures/lensGrid.ts';
import { guessBits } from '../figures/tokenColour.ts';
import { bits, decimal, integer, percent } from '../format.ts';
import { LENS_COLOURS, type LensColour } from '../settings.ts';
import type { ViewState } from '../state.ts';
import { t } from '../strings.ts';
import { colourAt, gradient, textOn } from '../theme.ts';
import { shortened, visibleText, visibleToken } from '../../src/core/visibleText.ts';
import { placeName } from './embeddings.ts';

const COLUMN = 92;
const LABELS = 64;

/** Layers by tokens: what the model would say next if it stopped there. Only the columns in sight are in the page. */
export function createLens(context: PanelContext): View {
  const { store, host } = context;
  const names: Readonly<Record<LensColour, string>> = { probability: t('Probability'), rank: t('Rank of the next'), entropy: t('Entropy'), kl: t('KL to the end') };
  const mode = segmented(t('Colour by'), LENS_COLOURS.map((name) => [name, names[name]] as const), (lensColour) => store.dispatch({ type: 'settings', change: { lensColour } }));
  const legend = gradientLegend();
  const status = el('p', { class: 'caption lens-status' });
  const sizer = el('div', { class: 'lens-sizer' });
  const rail = el('div', { class: 'lens-rail' });
  const scroller = el('div', { class: 'lens-scroll', tabindex: 0, role: 'region', 'aria-label': t('Logit lens: layers by tokens') }, rail, sizer);
  const root = el('section', { class: 'card lens', 'aria-label': t('Logit lens') }, el('h2', {}, t('Logit lens')),
    el('p', { class: 'caption' }, t('What the model would predict next if it stopped after a block: final norm and unembedding applied to the residual stream there. A bar at a cell’s left edge: this is what really follows.')),
    el('div', { class: 'toolbar' }, mode.root, legend.root, status), scroller);

  let layers: (LensLayer | undefined)[] = [];
  let serial: number | undefined;
  let loading = false;
  /** Asked again for another explanation only, or every move of the pointer would ask. */
  let failed = false;
  const drawn = changeDetector();
  const revealed = changeDetector();

  const load = async (state: ViewState): Promise<void> => {
    if (state.shown === null || loading || failed) return;
    loading = true;
    const { serial: asked, explanation } = state.shown;
    try {
      // The final layer first: it is what the others are compared with.
      for (let layer = explanation.model.layers; layer >= 0; layer--) {
        if (layers[layer] !== undefined) continue;
        const answer = await whileBusy(root, host.query('lens', 'lens', { layer }));
        if (serial !== asked || store.state().settings.tab !== 'predictions') break;
        layers[layer] = answer;
        status.textContent = layer === 0 ? '' : t('Reading the layers: {0} of {1}', explanation.model.layers - layer + 1, explanation.model.layers + 1);
        render(store.state());
      }
    } catch (error) {
      if (error instanceof CancelledError) return;
      failed = true;
      status.replaceChildren(el('span', { class: 'view-failure', role: 'alert' }, messageOf(error)));
    } finally {
      if (serial === asked) loading = false;
    }
  };

  function render(state: ViewState): void {
    const { shown, settings, theme } = state;
    if (shown === null || scroller.clientWidth === 0) return;
    const { explanation } = shown;
    const count = explanation.tokens.length;
    sizer.style.width = `${count * COLUMN}px`;
    if (revealed(shown, settings.selected)) revealColumn(scroller, settings.selected);
    const [first, last] = visibleColumns(scroller.scrollLeft, scroller.clientWidth - LABELS, COLUMN, count);
    if (!drawn(shown, settings.selected, settings.lensColour, theme, first, last, layers.filter(Boolean).length)) return;
    rail.replaceChildren(el('div', { class: 'lens-head' }), ...layers.map((_, index) => {
      const layer = layers.length - 1 - index;
      return el('div', { class: 'lens-layer', title: placeName(layer, explanation.model.layers) }, layer === 0 ? t('input') : t('block {0}', layer - 1));
    }));
    const columns = Array.from({ length: last - first }, (_, offset) => lensColumn(state, layers, first + offset));
    sizer.replaceChildren(...columns);
    legend.set(gradient(theme.cool), ...legendTexts(settings.lensColour, explanation.model.vocab));
  }
  scroller.addEventListener('scroll', () => render(store.state()), { passive: true });
  sizer.addEventListener('click', (event) => {
    const index = positionOf(event);
    if (index !== undefined) selectToken(context, index);
  });
  sizer.addEventListener('mousemove', (event) => {
    const index = positionOf(event);
    const cell = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-layer]') : null;
    const layer = cell === null ? undefined : layers[Number(cell.dataset['layer'])];
    const { shown } = store.state();
    if (index === undefined || shown === null) return;
    markTokens(context, index + 1 < shown.explanation.tokens.length ? [index, index + 1] : [index]);
    if (layer === undefined) return context.tooltip.hide();
    const next = shown.explanation.tokens[index + 1];
    const none = t('nothing follows');
    context.tooltip.show({
      title: visibleText(layer.pieces[at(layer.topIds, index)] ?? ''),
      rows: [
        [t('Place'), placeName(layer.layer, shown.explanation.model.layers)], [t('Probability'), percent(at(layer.topProbs, index))],
        [t('Really follows'), next === undefined ? none : visibleToken(next)],
        ...(next === undefined ? [] : [[t('Its rank'), integer(at(layer.nextRank, index))], [t('Its probability'), percent(at(layer.nextProb, index))]] as const),
        [t('Entropy'), bits(at(layer.entropy, index))], [t('KL to the end'), bits(at(layer.kl, index))],
      ],
    }, event.clientX, event.clientY);
  });
  sizer.addEventListener('mouseleave', () => {
    context.tooltip.hide();
    markTokens(context, []);
  });
  scroller.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const { shown, settings } = store.state();
    if (step === undefined || shown === null) return;
    event.preventDefault();
    selectToken(context, Math.max(0, Math.min(shown.explanation.tokens.length - 1, settings.selected + step)));
  });
  new ResizeObserver(() => render(store.state())).observe(scroller);

  return {
    root,
    update: (state) => {
      if (state.shown === null) return;
      if (serial !== state.shown.serial) {
        serial = state.shown.serial;
        layers = Array.from({ length: state.shown.explanation.model.layers + 1 }, () => undefined);
        loading = false;
        failed = false;
        status.textContent = '';
      }
      mode.set(state.settings.lensColour);
      if (layers.includes(undefined)) void load(state);
      render(state);
    },
  };
}

function lensColumn({ shown, settings, theme }: ViewState, layers: readonly (LensLayer | undefined)[], position: number): HTMLElement {
  const token = shown?.explanation.tokens[position];
  const next = shown?.explanation.tokens[position + 1];
  const cells = layers.map((_, index) => {
    const number = layers.length - 1 - index;
    const layer = layers[number];
    if (layer === undefined || shown === null) return el('div', { class: 'lens-cell empty' });
    const share = lensShare(layer, position, settings.lensColour, shown.explanation.model.vocab);
    const right = at(layer.topIds, position) === next?.id;
    const cell = el('div', { class: right ? 'lens-cell right' : 'lens-cell', 'data-layer': number },
      el('span', { class: 'token-text' }, shortened(visibleText(layer.pieces[at(layer.topIds, position)] ?? ''), 9)), el('span', { class: 'lens-number' }, lensNumber(lensValue(layer, position, settings.lensColour), settings.lensColour)));
    if (!Number.isNaN(share)) {
      const colour = colourAt(theme.cool, share);
      cell.style.backgroundColor = css(colour);
      cell.style.color = css(textOn(theme, colour));
    }
    return cell;
  });
  const column = el('div', { class: position === settings.selected ? 'lens-column selected' : 'lens-column', 'data-position': position },
    el('div', { class: 'lens-head' }, el('span', { class: 'token-text' }, token === undefined ? '' : shortened(visibleToken(token), 9)), el('span', { class: 'lens-next token-text' }, next === undefined ? '' : `↳ ${shortened(visibleToken(next), 8)}`)), ...cells);
  column.style.left = `${position * COLUMN}px`;
  return column;
}

function lensNumber(value: number, mode: LensColour): string {
  if (Number.isNaN(value)) return '–';
  if (mode === 'probability') return percent(value);
  return mode === 'rank' ? `#${integer(value)}` : decimal(value, 2);
}

function legendTexts(mode: LensColour, vocab: number): readonly [string, string] {
  const texts: Readonly<Record<LensColour, readonly [string, string]>> = {
    probability: [percent(0), percent(1)],
    rank: [`> ${integer(1000)}`, '#1'],
    entropy: [t('{0} bits', decimal(guessBits(vocab), 0)), t('{0} bits', 0)],
    kl: [t('≥ {0} bits', KL_FULL_BITS), t('{0} bits', 0)],
  };
  return texts[mode];
}

function revealColumn(scroller: HTMLElement, position: number): void {
  const left = position * COLUMN;
  const seen = scroller.clientWidth - LABELS;
  if (left < scroller.scrollLeft || left + COLUMN > scroller.scrollLeft + seen) scroller.scrollLeft = left - (seen - COLUMN) / 2;
}

/** Position of the column an event is in. */
function positionOf(event: Event): number | undefined {
  const column = event.target instanceof Element ? event.target.closest<HTMLElement>('.lens-column') : null;
  return column === null ? undefined : Number(column.dataset['position']);
}
