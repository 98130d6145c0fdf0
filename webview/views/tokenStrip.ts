import { gradientLegend, segmented } from '../controls.ts';
import { css } from '../colour.ts';
import { describeToken, markTokens, selectToken, type PanelContext, type View } from '../context.ts';
import { changeDetector, el, stepKey } from '../dom.ts';
import { guessBits, RANK_BUCKETS, stripScale, tokenColour, tokenShare } from '../figures/tokenColour.ts';
import { decimal, integer, percent } from '../format.ts';
import { STRIP_COLOURS, type StripColour } from '../settings.ts';
import type { ViewState } from '../state.ts';
import { t } from '../strings.ts';
import { colourAt, gradient, textOn } from '../theme.ts';
import { visibleToken } from '../../src/core/visibleText.ts';

/** Pixels around a line of the strip, as in its style sheet. */
const STRIP_PADDING = 4;

/** Every token as a chip; the chip's colour and the length of the line under it both tell the chosen measure. */
export function createTokenStrip(context: PanelContext): View {
  const list = el('div', { class: 'strip', role: 'listbox', 'aria-label': t('Tokens of the text'), 'aria-orientation': 'horizontal' });
  const names: Readonly<Record<StripColour, string>> = { surprisal: t('Surprisal'), rank: t('Rank'), entropy: t('Entropy'), probability: t('Probability') };
  const mode = segmented(t('Colour tokens by'), STRIP_COLOURS.map((name) => [name, names[name]] as const), (stripColour) => context.store.dispatch({ type: 'settings', change: { stripColour } }));
  const legend = el('div', { class: 'strip-legend' });
  const root = el('section', { class: 'strip-section', 'aria-label': t('Tokens') }, list, el('div', { class: 'strip-footer' }, mode.root, legend));
  let chips: readonly HTMLElement[] = [];
  const built = changeDetector();
  const coloured = changeDetector();
  const selectedChanged = changeDetector();
  const markedChanged = changeDetector();
  const staleChanged = changeDetector();
  let marked: readonly number[] = [];
  let current: HTMLElement | undefined;

  list.addEventListener('click', (event) => {
    const index = indexAt(event);
    if (index === undefined) return;
    selectToken(context, index);
    chips[index]?.focus({ preventScroll: true });
  });
  list.addEventListener('mousemove', (event) => {
    const index = indexAt(event);
    const { shown } = context.store.state();
    if (index === undefined || shown === null) return leave();
    markTokens(context, [index]);
    context.tooltip.show(describeToken(shown.explanation, index), event.clientX, event.clientY);
  });
  const leave = (): void => {
    markTokens(context, []);
    context.tooltip.hide();
  };
  list.addEventListener('mouseleave', leave);
  list.addEventListener('keydown', (event) => {
    const { shown, settings } = context.store.state();
    if (shown === null || event.altKey || event.ctrlKey || event.metaKey) return;
    const vertical = event.key === 'ArrowUp' || event.key === 'ArrowDown';
    const next = vertical ? chipInNextLine(chips, settings.selected, event.key === 'ArrowDown') : stepKey(event.key, settings.selected, chips.length);
    if (next === undefined) return;
    event.preventDefault();
    selectToken(context, next);
    chips[next]?.focus();
  });

  // Another width breaks the lines anew.
  new ResizeObserver(() => {
    if (current !== undefined) reveal(list, current);
  }).observe(list);

  return {
    root,
    update: (state) => {
      const { shown, settings, theme } = state;
      root.hidden = shown === null;
      if (shown === null) return;
      const { explanation } = shown;
      if (built(shown)) {
        chips = explanation.tokens.map((token) => {
          const kind = token.special ? ' special' : token.partial ? ' partial' : '';
          return el('span', { class: `token token-text${kind}`, role: 'option', 'aria-selected': 'false', tabindex: -1, 'data-index': token.index }, visibleToken(token));
        });
        // A line of the text ends where its line end is shown.
        list.replaceChildren(...chips.flatMap((chip, index) => (explanation.tokens[index]?.text.includes('\n') === true ? [chip, el('span', { class: 'line-end' })] : [chip])));
        marked = [];
        current = undefined;
      }
      mode.set(settings.stripColour);
      if (coloured(shown, settings.stripColour, theme)) {
        colourChips(chips, state);
        legend.replaceChildren(...stripLegend(state));
      }
      if (selectedChanged(shown, settings.selected)) {
        if (current !== undefined) {
          current.setAttribute('aria-selected', 'false');
          current.tabIndex = -1;
        }
        current = chips[settings.selected];
        current?.setAttribute('aria-selected', 'true');
        if (current !== undefined) {
          current.tabIndex = 0;
          reveal(list, current);
        }
      }
      if (markedChanged(shown, state.marked)) {
        for (const index of marked) chips[index]?.classList.remove('marked');
        marked = state.marked;
        for (const index of marked) chips[index]?.classList.add('marked');
      }
      if (staleChanged(shown, state.stale)) {
        chips.forEach((chip, index) => {
          chip.classList.toggle('stale', state.stale.has(index));
        });
      }
    },
  };
}

function colourChips(chips: readonly HTMLElement[], { shown, settings, theme }: ViewState): void {
  if (shown === null) return;
  chips.forEach((chip, index) => {
    const colour = tokenColour(shown.explanation, index, settings.stripColour, theme);
    const share = tokenShare(shown.explanation, index, settings.stripColour);
    chip.style.backgroundColor = colour === undefined ? '' : css(colour);
    chip.style.color = colour === undefined ? '' : css(textOn(theme, colour));
    chip.style.setProperty('--share', Number.isNaN(share) ? '0' : share.toFixed(3));
    const { title, rows } = describeToken(shown.explanation, index);
    chip.setAttribute('aria-label', `${title}, ${rows.map(([label, value]) => `${label} ${value}`).join(', ')}`);
  });
}

function stripLegend({ shown, settings, theme }: ViewState): readonly HTMLElement[] {
  if (shown === null) return [];
  const scale = stripScale(theme, settings.stripColour);
  if (settings.stripColour === 'rank') {
    return RANK_BUCKETS.map((limit, bucket) => {
      const swatch = el('span', { class: 'swatch', 'aria-hidden': 'true' });
      swatch.style.backgroundColor = css(colourAt(scale, bucket / (RANK_BUCKETS.length - 1)));
      return el('span', { class: 'legend-item' }, swatch, limit === 1 ? t('first') : Number.isFinite(limit) ? `≤ ${integer(limit)}` : t('more'));
    });
  }
  const legend = gradientLegend();
  const full = decimal(guessBits(shown.explanation.model.vocab), 0);
  if (settings.stripColour === 'probability') legend.set(gradient(scale), percent(0), percent(1));
  else legend.set(gradient(scale), t('{0} bits', 0), t('{0} bits (a blind guess)', full));
  return [legend.root];
}

/** The chip nearest below or above, or undefined in the last or first line. */
function chipInNextLine(chips: readonly HTMLElement[], from: number, down: boolean): number | undefined {
  const start = chips[from];
  if (start === undefined) return undefined;
  const beyond = chips.map((chip, index) => ({ index, top: chip.offsetTop, left: Math.abs(chip.offsetLeft - start.offsetLeft) })).filter(({ top }) => (down ? top > start.offsetTop : top < start.offsetTop));
  if (beyond.length === 0) return undefined;
  const line = down ? Math.min(...beyond.map(({ top }) => top)) : Math.max(...beyond.map(({ top }) => top));
  return beyond.filter(({ top }) => top === line).reduce((best, next) => (next.left < best.left ? next : best)).index;
}

/** Scrolls only the strip itself: scrollIntoView would move the page too. */
function reveal(list: HTMLElement, chip: HTMLElement): void {
  // The strip is the chip's offset parent. The room around a line belongs to it, or its outline would be cut.
  const top = chip.offsetTop - STRIP_PADDING;
  const bottom = chip.offsetTop + chip.offsetHeight + STRIP_PADDING;
  if (top < list.scrollTop) list.scrollTop = top;
  else if (bottom > list.scrollTop + list.clientHeight) list.scrollTop = bottom - list.clientHeight;
}

/** Index of the token an event is on. */
function indexAt(event: Event): number | undefined {
  const chip = event.target instanceof Element ? event.target.closest<HTMLElement>('.token') : null;
  return chip === null ? undefined : Number(chip.dataset['index']);
}
