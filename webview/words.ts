import type { Reading, VectorTerm, Word } from '../src/core/vectors.ts';
import { visibleText } from '../src/core/visibleText.ts';
import { select, textField } from './controls.ts';
import type { PanelContext } from './context.ts';
import { el } from './dom.ts';
import { displayLanguage } from './format.ts';
import { MAX_WORD, type Settings } from './settings.ts';
import { t } from './strings.ts';

/** Words and texts to begin with, in the display language. */
export interface Examples {
  readonly arithmetic: readonly [string, string, string];
  readonly words: string;
  /** One word with two meanings, in two sentences. */
  readonly texts: readonly [string, string];
}

export function examples(): Examples {
  return displayLanguage().toLowerCase().startsWith('zh')
    ? { arithmetic: ['他的', '他', '她'], words: '好 坏 优秀 糟糕', texts: ['春天到了，公园里的花开了。', '为了学好数学，她花了很多时间。'] }
    : { arithmetic: ['his', 'he', 'she'], words: 'good bad excellent poor', texts: ['She ate a red apple after lunch.', 'Shares of apple rose after the company showed a new phone.'] };
}

/** The reading a word is taken by; undefined for a text without tokens. */
export function chosenReading(word: Word | undefined, settings: Pick<Settings, 'readings'>): Reading | undefined {
  return word?.readings[readingIndex(word.text, settings)] ?? word?.readings[0];
}

/** Which of a word's readings is chosen. A word may be called like anything that objects have. */
export function readingIndex(text: string, { readings }: Pick<Settings, 'readings'>): number {
  return (Object.hasOwn(readings, text) ? readings[text] : undefined) ?? 0;
}

export function termOf(reading: Reading, weight = 1): VectorTerm {
  return { ids: reading.ids, weight };
}

/** The token, or the mean of which tokens. */
export function readingText(reading: Reading): string {
  const pieces = reading.pieces.map(visibleText);
  return pieces.length === 1 ? (pieces[0] ?? '') : t('mean of {0}', pieces.join(' + '));
}

/** What a word is called in a picture: its token, or as it was typed where it is several. */
export function wordLabel(text: string, reading: Reading): string {
  return reading.ids.length === 1 ? readingText(reading) : text;
}

export interface WordInput {
  readonly root: HTMLElement;
  /** The typed text, and how it can be taken once that is known. */
  set(text: string, word: Word | undefined, settings: Settings): void;
}

/** A line for one word, and below it by which tokens it is taken where there is a choice. */
export function wordInput(context: PanelContext, label: string, placeholder: string, typed: (text: string) => void): WordInput {
  let current = '';
  const field = textField(label, MAX_WORD, placeholder, typed);
  const reading = select(t('{0}: taken as', label), (index) => {
    const { readings } = context.store.state().settings;
    context.store.dispatch({ type: 'settings', change: { readings: { ...readings, [current]: index } } });
  });
  reading.root.querySelector('label')?.classList.add('visually-hidden');
  const taken = el('span', { class: 'caption taken' });
  return {
    root: el('div', { class: 'word-input' }, field.root, reading.root, taken),
    set: (text, word, settings) => {
      current = text;
      field.set(text);
      const count = word?.readings.length ?? 0;
      reading.root.hidden = count < 2;
      const only = count === 1 ? word?.readings[0] : undefined;
      taken.replaceChildren(...(only === undefined ? [] : [el('span', { class: 'token-text chip' }, readingText(only))]));
      taken.hidden = only === undefined;
      if (word !== undefined) reading.set(word.readings.map((one, index) => [index, readingText(one)]), readingIndex(text, settings));
    },
  };
}

/** A row of a ranked list: a token and its number, drawn as a bar of `share` 0..1. */
export function rankedRow(text: string, id: number, share: number, value: string): HTMLElement {
  const bar = el('span', { class: 'bar', 'aria-hidden': 'true' }, el('span', { class: 'bar-after' }));
  bar.style.setProperty('--after', Math.max(0, Math.min(1, share)).toFixed(4));
  return el('tr', {}, el('th', { scope: 'row' }, el('span', { class: 'token-text chip', title: t('Token id {0}', id) }, text)), el('td', { class: 'bar-cell' }, bar), el('td', { class: 'number strong' }, value));
}

/** A ranked list as a table of its own. */
export function rankedTable(caption: string, column: string): { readonly root: HTMLElement; readonly rows: HTMLElement } {
  const rows = el('tbody');
  const head = el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, t('Token')), el('th', { scope: 'col', colspan: 2, class: 'number' }, column)));
  return { root: el('table', { class: 'candidates ranked' }, el('caption', { class: 'visually-hidden' }, caption), head, rows), rows };
}
