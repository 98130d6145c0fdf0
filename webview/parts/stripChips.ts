import type { Token } from '../../src/core/trace.ts';
import { visibleToken } from '../../src/core/visibleText.ts';
import { css } from '../colour.ts';
import { describeToken, type PanelContext } from '../context.ts';
import { chipInNextLine, stripLines, type StripLines } from '../figures/stripLines.ts';
import { tokenColour, tokenShare } from '../figures/tokenColour.ts';
import type { ViewState } from '../state.ts';
import { textOn } from '../theme.ts';
import { el } from './dom.ts';
import { createRowWindow, WHOLE } from './rowWindow.ts';

/** Padding around a line of the strip, and gap between its chips, in pixels, as in its style sheet. */
const STRIP_PADDING = 4;
const STRIP_GAP = 2;
/** What a chip has around its text, and the least it is wide. */
const CHIP_PADDING = 8;
const LEAST_CHIP = 16;

/** The chips of a strip. Those of a long text are in the page only in the lines that are seen. */
export interface StripChips {
  /** Replaces all chips, of which this one is the selected one; as long as it is not said, the text's selected token. */
  readonly fill: (tokens: readonly Token[], selected?: number) => void;
  /** Chips in the page, by token. */
  readonly shown: ReadonlyMap<number, HTMLElement>;
  /** Makes this token's chip the selected one, brings it into the page and scrolls the strip to it. */
  readonly select: (token: number) => void;
  /** Token of the nearest chip in the line below or above; undefined in the last or first line. */
  readonly inNextLine: (from: number, down: boolean) => number | undefined;
}

/**
 * Creates the chips of a strip, still none. `list` has them, and scrolls; `paint` gives a chip its colour and its name; `tokensOf`: the
 * tokens of the text that a chip stands for.
 */
export function createStripChips(
  { store }: PanelContext,
  list: HTMLElement,
  paint: (chip: HTMLElement, index: number, state: ViewState) => void = colourChip,
  tokensOf: (index: number) => readonly number[] = (index) => [index],
): StripChips {
  const shown = new Map<number, HTMLElement>();
  let tokens: readonly Token[] = [];
  let current: HTMLElement | undefined;
  let selected = 0;
  /** Lines of a long text, whose breaks are computed: the browser breaks only lines of what is in the page. */
  let lines: StripLines | undefined;
  let brokenAt = 0;
  let frame = 0;
  const rows = createRowWindow({
    parent: list,
    scroller: () => list,
    spacer: (pixels) => {
      const room = el('div', { role: 'presentation' });
      room.style.height = `${pixels}px`;
      return room;
    },
  });

  function chip(index: number): HTMLElement {
    const state = store.state();
    const token = tokens[index];
    if (token === undefined) return el('span');
    const made = tokenChip(token, tokens.length);
    paint(made, index, state);
    choose(made, index === selected);
    markChip(made, tokensOf(index), state);
    return made;
  }
  function line(number: number): HTMLElement {
    const [first = 0, end = 0] = [lines?.starts[number], lines?.starts[number + 1]];
    const chips = Array.from({ length: end - first }, (_, offset) => chip(first + offset));
    return el('div', { class: 'strip-line', role: 'presentation' }, ...chips);
  }
  /** Tells which chips are in the page, after lines have come or gone. */
  function gather(): void {
    shown.clear();
    for (const one of list.querySelectorAll<HTMLElement>('.token')) shown.set(Number(one.dataset['index']), one);
  }
  function showSeen(): void {
    rows.update();
    gather();
  }
  function breakLines(): void {
    brokenAt = list.clientWidth;
    lines = stripLines(chipWidths(tokens, list), (index) => endsLine(tokens[index]), brokenAt - 2 * STRIP_PADDING, STRIP_GAP);
    rows.fill(lines.starts.length - 1, false, line);
    rows.keep(lines.lineOf[selected] ?? 0);
    gather();
    current = shown.get(selected);
  }
  /** With the next frame, which lays the page out anyway. */
  function revealSoon(): void {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => current !== undefined && reveal(list, current));
  }
  list.addEventListener('scroll', () => {
    if (lines !== undefined) showSeen();
  });
  // At another width the lines break elsewhere.
  new ResizeObserver(() => {
    if (lines !== undefined && list.clientWidth > 0) {
      const focused = list.contains(document.activeElement);
      if (list.clientWidth === brokenAt) showSeen();
      else breakLines();
      if (focused) current?.focus({ preventScroll: true });
    }
    if (current !== undefined) reveal(list, current);
  }).observe(list);

  return {
    shown,
    fill: (all, chosen = store.state().settings.selected) => {
      tokens = all;
      selected = chosen;
      current = undefined;
      list.classList.toggle('in-lines', all.length > WHOLE);
      if (all.length > WHOLE) return breakLines();
      lines = undefined;
      list.replaceChildren(
        ...inLines(
          all.map(({ index }) => chip(index)),
          all,
        ),
      );
      gather();
    },
    select: (token) => {
      if (current !== undefined) choose(current, false);
      selected = token;
      if (lines !== undefined) {
        rows.keep(lines.lineOf[token] ?? 0);
        gather();
      }
      current = shown.get(token);
      if (current === undefined) return;
      choose(current, true);
      if (lines === undefined) return revealSoon();
      reveal(list, current);
      showSeen();
    },
    inNextLine: (from, down) => chipInNextLine(lines ?? wrappedLines(shown), from, down),
  };
}

/** Chips with a break after each token whose text holds a line end. */
export function inLines(chips: readonly HTMLElement[], tokens: readonly Token[]): readonly HTMLElement[] {
  return chips.flatMap((chip, index) => (endsLine(tokens[index]) ? [chip, el('span', { class: 'line-end' })] : [chip]));
}

/** Class of a token that is not simply a piece of the text, after a space; else empty. */
export function kindClass({ special, partial }: Token): string {
  return special ? ' special' : partial ? ' partial' : '';
}

function tokenChip(token: Token, count: number): HTMLElement {
  return el(
    'span',
    {
      class: `token token-text${kindClass(token)}`,
      role: 'option',
      'aria-setsize': count,
      'aria-posinset': token.index + 1,
      'data-index': token.index,
    },
    visibleToken(token),
  );
}

/** Shows whether one of the tokens that a chip stands for is marked, or stale. */
export function markChip(chip: HTMLElement, tokens: readonly number[], { marked, picked, stale }: ViewState): void {
  chip.classList.toggle(
    'marked',
    tokens.some((token) => marked.includes(token) || picked.has(token)),
  );
  chip.classList.toggle(
    'stale',
    tokens.some((token) => stale.has(token)),
  );
}

function choose(chip: HTMLElement, selected: boolean): void {
  chip.setAttribute('aria-selected', String(selected));
  chip.tabIndex = selected ? 0 : -1;
}

/** Gives a chip its colour, the length of the line under it, and its name for screen readers. */
export function colourChip(chip: HTMLElement, index: number, { shown, settings, surprisalScale, theme }: ViewState): void {
  if (shown === null) return;
  const colour = tokenColour(shown.explanation, index, settings.stripColour, theme, surprisalScale);
  const share = tokenShare(shown.explanation, index, settings.stripColour, surprisalScale);
  chip.style.backgroundColor = colour === undefined ? '' : css(colour);
  chip.style.color = colour === undefined ? '' : css(textOn(theme, colour));
  chip.style.setProperty('--share', Number.isNaN(share) ? '0' : share.toFixed(3));
  const { title, rows } = describeToken(shown.explanation, index);
  chip.setAttribute('aria-label', `${title}, ${rows.map(([label, value]) => `${label} ${value}`).join(', ')}`);
}

function endsLine(token: Token | undefined): boolean {
  return token?.text.includes('\n') === true;
}

/** Widths of the chips of all tokens in pixels, as the browser would lay them out in this list. */
function chipWidths(tokens: readonly Token[], list: HTMLElement): Float32Array {
  const probe = el('span', { class: 'token token-text' });
  list.append(probe);
  const { font } = getComputedStyle(probe);
  probe.remove();
  const paint = new OffscreenCanvas(1, 1).getContext('2d');
  const known = new Map<string, number>();
  return Float32Array.from(tokens, (token) => {
    const text = visibleToken(token);
    const key = `${token.special ? 'italic' : 'normal'} ${text}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    if (paint !== null) paint.font = token.special ? `italic ${font}` : font;
    const width = Math.max(LEAST_CHIP, (paint?.measureText(text).width ?? 0) + CHIP_PADDING);
    known.set(key, width);
    return width;
  });
}

/** The lines into which the browser broke chips that are all in the page. */
function wrappedLines(chips: ReadonlyMap<number, HTMLElement>): StripLines {
  const tops = Array.from({ length: chips.size }, (_, index) => chips.get(index)?.offsetTop ?? 0);
  const starts = tops.flatMap((top, index) => (index === 0 || top !== tops[index - 1] ? [index] : []));
  const lineOf = new Int32Array(tops.length);
  for (let index = 0, number = -1; index < tops.length; index++) lineOf[index] = index === starts[number + 1] ? ++number : number;
  return {
    starts: Int32Array.from([...starts, tops.length]),
    lineOf,
    left: Float32Array.from({ length: tops.length }, (_, index) => chips.get(index)?.offsetLeft ?? 0),
  };
}

/** Scrolls only the strip itself: scrollIntoView would move the page too. */
function reveal(list: HTMLElement, chip: HTMLElement): void {
  // The strip is the chip's offset parent. The padding around a line scrolls with it, or the chip's outline would be cut off.
  const top = chip.offsetTop - STRIP_PADDING;
  const bottom = chip.offsetTop + chip.offsetHeight + STRIP_PADDING;
  if (top < list.scrollTop) list.scrollTop = top;
  else if (bottom > list.scrollTop + list.clientHeight) list.scrollTop = bottom - list.clientHeight;
}
