import { describeToken, markTokens, selectToken, type PanelContext, type View } from '../context.ts';
import { SURPRISAL_SCALES, type SurprisalScale } from '../../src/core/surprisalScale.ts';
import { t } from '../strings.ts';
import { STRIP_COLOURS, type StripColour } from '../viewSettings.ts';
import { segmented, select } from './controls.ts';
import { changeDetector, el, stepKey } from './dom.ts';
import { plainKey } from './keys.ts';
import { colourChip, createStripChips, markChip } from './stripChips.ts';
import { createStripFold } from './stripFold.ts';
import { legendRow } from './legend.ts';
import { stripLegend } from './stripLegend.ts';

/**
 * The strip: every token as a chip. A chip's colour and the length of the line under it both show the chosen measure. `tools`: what
 * else is under it.
 */
export function createTokenStrip(context: PanelContext, ...tools: readonly HTMLElement[]): View {
  const list = el('div', { class: 'strip', role: 'listbox', 'aria-label': t('Tokens of the text'), 'aria-orientation': 'horizontal' });
  const names: Readonly<Record<StripColour, string>> = {
    surprisal: t('Surprisal'),
    rank: t('Rank'),
    entropy: t('Entropy'),
    probability: t('Probability'),
  };
  const mode = segmented(
    t('Colour tokens by'),
    STRIP_COLOURS.map((name) => [name, names[name]] as const),
    (stripColour) => context.store.dispatch({ type: 'settings', change: { stripColour } }),
  );
  const scaleNames: Readonly<Record<SurprisalScale, string>> = {
    quantile: t('Fifths of this text'),
    excess: t('Beyond what was expected'),
    bits: t('Fixed bits'),
  };
  const chooseScale = (chosen: SurprisalScale): void => {
    context.store.dispatch({ type: 'host', message: { type: 'surprisalScale', scale: chosen } });
    context.host.post({ type: 'surprisalScale', scale: chosen });
  };
  const scale = segmented(
    t('Measured by'),
    SURPRISAL_SCALES.map((name) => [name, scaleNames[name]] as const),
    chooseScale,
  );
  /** The same choice as a list, in a panel too narrow for both choices in a row. */
  const scaleList = select(t('Measured by'), (index) => {
    const chosen = SURPRISAL_SCALES[index];
    if (chosen !== undefined) chooseScale(chosen);
  });
  scaleList.root.querySelector('label')?.classList.add('visually-hidden');
  const legend = legendRow();
  const folding = createStripFold(context, () => root);
  const root: HTMLElement = el(
    'section',
    { class: 'strip-section', 'aria-label': t('Tokens') },
    el('div', { class: 'strip-row' }, list, folding.button),
    el('div', { class: 'strip-footer' }, mode.root, scale.root, scaleList.root, legend, ...tools),
  );
  const chips = createStripChips(context, list);
  const foldChanged = changeDetector();
  const built = changeDetector();
  const coloured = changeDetector();
  const selectedChanged = changeDetector();
  const markedChanged = changeDetector();
  const notesChanged = changeDetector();
  let marked: readonly number[] = [];

  list.addEventListener('click', (event) => {
    const index = indexAt(event);
    if (index === undefined) return;
    selectToken(context, index);
    chips.shown.get(index)?.focus({ preventScroll: true });
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
    if (shown === null) return;
    const key = plainKey(event);
    const vertical = key === 'ArrowUp' || key === 'ArrowDown';
    const next = vertical
      ? chips.inNextLine(settings.selected, key === 'ArrowDown')
      : stepKey(key, settings.selected, shown.explanation.tokens.length);
    if (next === undefined) return;
    event.preventDefault();
    selectToken(context, next);
    chips.shown.get(next)?.focus({ preventScroll: true });
  });

  return {
    root,
    update: (state) => {
      const { shown, settings, theme } = state;
      root.hidden = shown === null || state.reading !== null;
      if (shown === null) return;
      if (foldChanged(settings.stripFolded)) {
        folding.show();
        chips.select(settings.selected);
      }
      mode.set(settings.stripColour);
      scale.root.hidden = settings.stripColour !== 'surprisal';
      scale.set(state.surprisalScale);
      scaleList.root.hidden = scale.root.hidden;
      scaleList.set(
        SURPRISAL_SCALES.map((name, index) => [index, scaleNames[name]]),
        SURPRISAL_SCALES.indexOf(state.surprisalScale),
      );
      const isNew = built(shown, theme.monoFamily, theme.fontSize);
      if (isNew) {
        chips.fill(shown.explanation.tokens);
        marked = [];
      }
      if (coloured(shown, settings.stripColour, state.surprisalScale, theme)) {
        if (!isNew) for (const [index, chip] of chips.shown) colourChip(chip, index, state);
        legend.replaceChildren(...stripLegend(state));
      }
      if (selectedChanged(shown, theme.monoFamily, theme.fontSize, settings.selected)) chips.select(settings.selected);
      if (notesChanged(shown, state.picked, state.stale) && !isNew) for (const [index, chip] of chips.shown) markChip(chip, [index], state);
      if (markedChanged(shown, state.marked)) {
        for (const index of marked) chips.shown.get(index)?.classList.toggle('marked', state.picked.has(index));
        marked = state.marked;
        for (const index of marked) chips.shown.get(index)?.classList.add('marked');
      }
    },
  };
}

/** Index of the token that an event happened on. */
function indexAt(event: Event): number | undefined {
  const chip = event.target instanceof Element ? event.target.closest<HTMLElement>('.token') : null;
  return chip === null ? undefined : Number(chip.dataset['index']);
}
