import { at } from '../../src/core/tensor.ts';
import type { TokenRun } from '../../src/core/textUnits.ts';
import type { Explanation, Token } from '../../src/core/trace.ts';
import { visibleToken } from '../../src/core/visibleText.ts';
import { css } from '../colour.ts';
import { markTokens, tokenLabels, type PanelContext } from '../context.ts';
import { largestSize } from '../figures/directWaterfall.ts';
import { unitTokens } from '../figures/unitTokens.ts';
import type { ViewState } from '../state.ts';
import { t } from '../strings.ts';
import { colourAt, gradient, signedColours, textOn, type Theme } from '../theme.ts';
import { chip } from './controls.ts';
import { changeDetector, el, stepKey } from './dom.ts';
import { integer, percent, signedDecimal } from './format.ts';
import { plainKey } from './keys.ts';
import { gradientLegend } from './legend.ts';
import { createStripChips, markChip } from './stripChips.ts';

/** Most tokens of a unit that its tooltip lists. */
const MOST_NAMED = 12;

/** Digits after the point of a logit. */
export const LOGIT_DIGITS = 3;

/** What a strip of signed numbers shows: one number for each of the text's first tokens or units, and what the two signs are for. */
export interface SignedNumbers {
  /** NaN: not known (yet). */
  readonly values: Float32Array;
  /** What each number is of; absent: of one token. */
  readonly units?: readonly TokenRun[];
  readonly against: string;
  readonly towards: string;
  /** Whether the numbers are shares of a whole, none below 0; otherwise they are logits, or where `nats` says so log-probabilities. */
  readonly shares?: boolean;
  readonly nats?: boolean;
}

/** Tokens from the start of the text, each coloured by a number in logits: one hue above 0, another below. */
export interface SignedStrip {
  readonly root: HTMLElement;
  readonly show: (numbers: SignedNumbers, state: ViewState) => void;
}

/** What a strip does beyond showing. */
export interface StripActions {
  /** Called with a token that was clicked or entered. */
  readonly opened?: (token: number) => void;
  /** What can be done with the tokens whose number is written out, to stand beside it. */
  readonly offer?: (tokens: TokenRun, state: ViewState) => HTMLElement | null;
}

/**
 * Creates a strip, still empty. A line under a chip, or above it where the number is negative, is as long as the number is large; one
 * token's number is written out, first the largest, then the one that was clicked or reached with the arrow keys.
 */
export function createSignedStrip(context: PanelContext, label: string, { opened, offer }: StripActions = {}): SignedStrip {
  const { store } = context;
  const list = el('div', { class: 'signed-strip', role: 'listbox', 'aria-label': label, 'aria-orientation': 'horizontal' });
  const readout = el('p', { class: 'signed-readout', 'aria-live': 'polite' });
  const legend = gradientLegend();
  const offered = el('span', { class: 'signed-offer' });
  const readoutLine = el('div', { class: 'toolbar' }, readout, offered);
  const root = el('div', { class: 'signed' }, list, el('div', { class: 'signed-foot' }, readoutLine, legend.root));
  let shown: SignedNumbers | undefined;
  let tokens: readonly Token[] = [];
  let most = 1;
  let inspected = 0;
  /** What the reader picked, and of which text and how many numbers: it stays for other numbers of the same tokens. */
  let picked: { readonly token: number; readonly text: string; readonly count: number } | undefined;
  /** The tokens that a number is of. */
  const runOf = (index: number): TokenRun => shown?.units?.[index] ?? { first: index, end: index + 1 };
  const tokensOf = (index: number): readonly number[] => {
    const { first, end } = runOf(index);
    return Array.from({ length: end - first }, (_, offset) => first + offset);
  };
  const paint = (made: HTMLElement, index: number, { theme }: ViewState): void => {
    const value = shown === undefined ? 0 : at(shown.values, index);
    paintChip(made, value, most, theme);
    made.setAttribute('aria-label', `${visibleToken(tokens[index] ?? NO_TOKEN)}, ${placeText(runOf(index))}, ${named(value)}`);
  };
  const chips = createStripChips(context, list, paint, tokensOf);
  const filled = changeDetector();
  const refilled = changeDetector();
  const markedChanged = changeDetector();
  const offerChanged = changeDetector();

  const named = (value: number): string =>
    Number.isNaN(value) || shown?.shares === true
      ? written(value)
      : shown?.nats === true
        ? t('{0} nats', signedDecimal(value, LOGIT_DIGITS))
        : logits(value);
  const written = (value: number): string =>
    Number.isNaN(value) ? t('not measured yet') : shown?.shares === true ? percent(value) : signedDecimal(value, LOGIT_DIGITS);
  function inspect(token: number): void {
    if (shown === undefined) return;
    inspected = token;
    chips.select(token);
    readout.replaceChildren(
      chip(visibleToken(tokens[token] ?? NO_TOKEN)),
      ' ',
      el('strong', {}, written(at(shown.values, token))),
      el('span', { class: 'beside' }, placeText(runOf(token))),
    );
    showOffer();
  }
  function pick(token: number): void {
    inspect(token);
    picked = { token, text: store.state().shown?.explanation.text ?? '', count: tokens.length };
  }
  function showOffer(): void {
    const found = shown === undefined ? null : (offer?.(runOf(inspected), store.state()) ?? null);
    const focused = offered.contains(document.activeElement);
    offered.replaceChildren(...(found === null ? [] : [found]));
    if (focused) (found ?? chips.shown.get(inspected))?.focus();
  }
  followPointer(context, list, tokensOf, (index) => (shown === undefined ? undefined : written(at(shown.values, index))));
  list.addEventListener('click', (event) => {
    const index = indexAt(event);
    if (index === undefined) return;
    pick(index);
    opened?.(index);
  });
  list.addEventListener('keydown', (event) => {
    const key = plainKey(event);
    if (key === 'Enter' && opened !== undefined) return opened(inspected);
    const vertical = key === 'ArrowUp' || key === 'ArrowDown';
    const next = vertical ? chips.inNextLine(inspected, key === 'ArrowDown') : stepKey(key, inspected, tokens.length);
    if (next === undefined) return;
    event.preventDefault();
    pick(next);
    chips.shown.get(next)?.focus({ preventScroll: true });
  });

  return {
    root,
    show: (numbers, state) => {
      const explanation = state.shown?.explanation;
      if (explanation === undefined) return;
      const isOther = offerChanged(state.settings.recipe);
      // More numbers of the same chips: they stay where they are, with the focus and what is scrolled to.
      if (filled(explanation, numbers.units, numbers.values.length)) fill(numbers, explanation, state);
      else if (refilled(numbers, state.theme)) refill(numbers, state);
      else if (isOther) showOffer();
      if (markedChanged(numbers, state.marked, state.stale))
        for (const [index, made] of chips.shown) markChip(made, tokensOf(index), state);
    },
  };

  function fill(numbers: SignedNumbers, { tokens: all, text }: Explanation, state: ViewState): void {
    refilled(numbers, state.theme);
    tokens = numbers.units === undefined ? all.slice(0, numbers.values.length) : unitTokens(all, numbers.units);
    const first = picked?.text === text && picked.count === tokens.length ? picked.token : largestOf(numbers.values);
    take(numbers, state.theme);
    chips.fill(tokens, first);
    inspect(first);
  }
  function refill(numbers: SignedNumbers, state: ViewState): void {
    const before = shown;
    take(numbers, state.theme);
    for (const [index, made] of chips.shown) paint(made, index, state);
    const text = state.shown?.explanation.text;
    const isPicked = (picked?.text === text && picked?.count === tokens.length) || list.contains(document.activeElement);
    const now = isPicked ? inspected : largestOf(numbers.values);
    if (now !== inspected || !Object.is(before?.values[now], numbers.values[now]) || before?.towards !== numbers.towards) inspect(now);
  }
  /** Takes numbers, and says what the colours mean. */
  function take(numbers: SignedNumbers, theme: Theme): void {
    shown = numbers;
    most = largestSize(numbers.values.filter((value) => !Number.isNaN(value)));
    const colours = signedColours(theme);
    if (numbers.shares === true) legend.set(gradient(colours.slice((colours.length - 1) / 2)), percent(0), written(most));
    else legend.set(gradient(colours), `${written(-most)} ${numbers.against}`, `${written(most)} ${numbers.towards}`);
  }
}

/** Gives a chip the colour and the line of a number, of which `most` is the largest; a number that is not known has none. */
function paintChip(made: HTMLElement, value: number, most: number, theme: Theme): void {
  const isKnown = !Number.isNaN(value);
  const share = isKnown ? value / most : 0;
  const colour = colourAt(signedColours(theme), 0.5 + share / 2);
  made.style.backgroundColor = isKnown ? css(colour) : '';
  made.style.color = isKnown ? css(textOn(theme, colour)) : '';
  made.style.setProperty('--share', Math.abs(share).toFixed(3));
  made.classList.toggle('negative', value < 0);
  made.classList.toggle('unknown', !isKnown);
}

/** Index of the number that is largest in size. */
function largestOf(values: Float32Array): number {
  const size = (index: number): number => Math.abs(at(values, index)) || 0;
  return values.reduce((best, _, index) => (size(index) > size(best) ? index : best), 0);
}

/** Marks the tokens whose number is under the pointer, and shows it with them. `textOf`: the number as text; undefined: none is shown. */
function followPointer(
  context: PanelContext,
  list: HTMLElement,
  tokensOf: (index: number) => readonly number[],
  textOf: (index: number) => string | undefined,
): void {
  const { store, tooltip } = context;
  const leave = (): void => {
    markTokens(context, []);
    tooltip.hide();
  };
  list.addEventListener('mousemove', (event) => {
    const index = indexAt(event);
    const explanation = store.state().shown?.explanation;
    const title = index === undefined ? undefined : textOf(index);
    if (index === undefined || title === undefined || explanation === undefined) return leave();
    const tokens = tokensOf(index);
    markTokens(context, tokens);
    const labels = tokenLabels(explanation);
    tooltip.show(
      {
        title,
        rows: tokens.slice(0, MOST_NAMED).map((token) => [t('Token'), `${labels[token] ?? ''}  (${integer(token)})`] as const),
      },
      event.clientX,
      event.clientY,
    );
  });
  list.addEventListener('mouseleave', leave);
}

/** The positions of a run of tokens. */
function placeText({ first, end }: TokenRun): string {
  return end - first === 1 ? t('position {0}', first) : t('positions {0} to {1}', first, end - 1);
}

/** A number with its unit: +0.312 logits. */
export function logits(value: number): string {
  return t('{0} logits', signedDecimal(value, LOGIT_DIGITS));
}

const NO_TOKEN = { text: '', bytes: [], special: false };

function indexAt({ target }: Event): number | undefined {
  const made = target instanceof Element ? target.closest<HTMLElement>('.token') : null;
  return made === null ? undefined : Number(made.dataset['index']);
}
