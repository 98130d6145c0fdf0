import { html, nothing, type TemplateResult } from 'lit-html';
import type { Reading, VectorTerm, Word } from '../../src/core/vectors.ts';
import { visibleText } from '../../src/core/visibleText.ts';
import { select, textField } from './controls.ts';
import type { PanelContext } from '../context.ts';
import { el } from './dom.ts';
import { displayLanguage } from './format.ts';
import { MAX_WORD, type Settings } from '../viewSettings.ts';
import { t } from '../strings.ts';
import { chipTemplate, drawInto, numberTemplate } from './templates.ts';
import { withTableMenu, type SavedTable } from './tableMenu.ts';

/** How many candidates a search for examples tried, and for how many of them the example worked. */
export interface Search {
  readonly tried: number;
  readonly worked: number;
}

/** Example words and texts in the display language, found for the bundled model by training/examples.py. */
export interface Examples {
  readonly arithmetic: readonly [string, string, string];
  readonly words: string;
  /** One word with two meanings, in two sentences. */
  readonly texts: readonly [string, string];
  readonly searched: { readonly arithmetic: Search; readonly words: Search; readonly context: Search };
}

/** The examples in the display language. */
export function examples(): Examples {
  return displayLanguage().toLowerCase().startsWith('zh')
    ? {
        arithmetic: ['他的', '他', '她'],
        words: '二 三 四 五 英国 法国 德国',
        texts: ['这条河很长。', '他是这所学校的校长。'],
        searched: { arithmetic: { tried: 464, worked: 255 }, words: { tried: 66, worked: 9 }, context: { tried: 9, worked: 6 } },
      }
    : {
        arithmetic: ['brother', 'sister', 'daughter'],
        words: 'red blue green white day week month year',
        texts: ['She ate a red apple after lunch.', 'Shares of apple rose after the company showed a new phone.'],
        searched: { arithmetic: { tried: 928, worked: 604 }, words: { tried: 45, worked: 27 }, context: { tried: 12, worked: 12 } },
      };
}

/** Sentence beside an example: that it was chosen, and from how many. */
export function exampleSentence(kind: keyof Examples['searched']): string {
  const { tried, worked } = examples().searched[kind];
  const sentences: Readonly<Record<keyof Examples['searched'], string>> = {
    arithmetic: t(
      'An example found by a search with the bundled model: of {0} sums of word lists that were tried, {1} had the expected word nearest.',
      tried,
      worked,
    ),
    words: t(
      'An example found by a search with the bundled model: of {0} pairs of groups of words that were tried, {1} lie apart.',
      tried,
      worked,
    ),
    context: t(
      'An example found by a search with the bundled model: of {0} words that were tried, {1} part by meaning up to the last layer.',
      tried,
      worked,
    ),
  };
  return sentences[kind];
}

/** The reading chosen for a word; undefined for a text without tokens. */
export function chosenReading(word: Word | undefined, settings: Pick<Settings, 'readings'>): Reading | undefined {
  return word?.readings[readingIndex(word.text, settings)] ?? word?.readings[0];
}

/** Index of the reading chosen for a word. Own properties only: a word may have the name of a property that every object has. */
export function readingIndex(text: string, { readings }: Pick<Settings, 'readings'>): number {
  return (Object.hasOwn(readings, text) ? readings[text] : undefined) ?? 0;
}

/** The reading as a term of vector arithmetic. */
export function termOf(reading: Reading, weight = 1): VectorTerm {
  return { ids: reading.ids, weight };
}

/** The reading in words: its token, or which tokens it is the mean of. */
export function readingText(reading: Reading): string {
  const pieces = reading.pieces.map(visibleText);
  return pieces.length === 1 ? (pieces[0] ?? '') : t('mean of {0}', pieces.join(' + '));
}

/** Name of a word in a figure: its token, or the typed text if it has several tokens. */
export function wordLabel(text: string, reading: Reading): string {
  return reading.ids.length === 1 ? readingText(reading) : text;
}

/** Line for one word, with a choice of its readings. */
export interface WordInput {
  readonly root: HTMLElement;
  /** Sets the text, and its possible readings once they are known. */
  set(text: string, word: Word | undefined, settings: Settings): void;
}

/** A line for one word and, if it can be tokenized in several ways, a list below it to choose the reading. */
export function wordInput(context: PanelContext, label: string, placeholder: string, typed: (text: string) => void): WordInput {
  let current = '';
  const field = textField(label, MAX_WORD, placeholder, typed);
  const read = (index: number): void => {
    const { readings } = context.store.state().settings;
    context.store.dispatch({ type: 'settings', change: { readings: { ...readings, [current]: index } } });
  };
  const reading = select(t('{0}: taken as', label), read, 'tokens');
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
      drawInto(taken, only === undefined ? nothing : chipTemplate(readingText(only)));
      taken.hidden = only === undefined;
      if (word !== undefined)
        reading.set(
          word.readings.map((one, index) => [index, readingText(one)]),
          readingIndex(text, settings),
        );
    },
  };
}

/** Row of a ranked list: a token, its id, and `value` with a bar of length `share`, 0..1. */
export function rankedRow(text: string, id: number, share: number, value: string): TemplateResult {
  return html`<tr>
    <th scope="row">${chipTemplate(text, `${text} · ${t('Token id {0}', id)}`)}</th>
    <td class="bar-cell">
      <span class="bar" aria-hidden="true" style="--after: ${Math.max(0, Math.min(1, share)).toFixed(4)}">
        <span class="bar-after"></span>
      </span>
    </td>
    ${numberTemplate(value, true)}
  </tr>`;
}

/** A ranked list as a table of its own, with its menu: `rows` is its body and `foot` its footer, both still empty. */
export function rankedTable(
  caption: string,
  column: string,
  saved: SavedTable,
): { readonly root: HTMLElement; readonly rows: HTMLElement; readonly foot: HTMLElement } {
  const rows = el('tbody');
  const foot = el('tfoot');
  const head = el(
    'thead',
    {},
    el('tr', {}, el('th', { scope: 'col' }, t('Token')), el('th', { scope: 'col', colspan: 2, class: 'number' }, column)),
  );
  const table = el('table', { class: 'candidates ranked' }, el('caption', { class: 'visually-hidden' }, caption), head, rows, foot);
  return {
    root: withTableMenu(caption, table, saved),
    rows,
    foot,
  };
}
