import { CancelledError } from '../../src/core/errors.ts';
import { at } from '../../src/core/tensor.ts';
import type { LensTop, Neighbours, TableVector } from '../../src/core/vectors.ts';
import { shortened, visibleText, visibleToken } from '../../src/core/visibleText.ts';
import { failureNotice, whileBusy, type PanelContext, type View } from '../context.ts';
import { slider } from '../controls.ts';
import { changeDetector, el } from '../dom.ts';
import { decimal, integer, percent } from '../format.ts';
import type { ViewState } from '../state.ts';
import { t } from '../strings.ts';
import { chosenReading, rankedRow, rankedTable, readingIndex, readingText, termOf, wordInput } from '../words.ts';
import { placeName } from './embeddings.ts';

/** Neighbours listed. */
export const NEIGHBOURS = 15;

/** The tokens nearest to a token: in the static table, and by what a layer would predict. */
export function createNeighbours(context: PanelContext): View {
  const { store } = context;
  const word = wordInput(context, t('Word'), t('the selected token'), (neighbourWord) => store.dispatch({ type: 'settings', change: { neighbourWord } }));
  const title = el('h2');
  const table = rankedTable(t('Nearest tokens of the static table'), t('Cosine'));
  const measured = el('p', { class: 'caption' });
  const near = el('section', { class: 'card', 'aria-label': t('Nearest in the static table') }, el('div', { class: 'card-head' }, title), word.root, table.root, measured);
  const layer = slider(t('Layer'), 0, 0, 1, (value) => store.dispatch({ type: 'settings', change: { embeddingLayer: value } }));
  const lensTitle = el('h2');
  const lensTable = rankedTable(t('Tokens a layer would predict'), t('Probability'));
  const lens = el('section', { class: 'card', 'aria-label': t('Through the final norm and unembedding') }, el('div', { class: 'card-head' }, lensTitle), layer.root, lensTable.root,
    el('p', { class: 'caption' }, t('This is not a distance: the final norm and the unembedding read this token’s residual stream after the chosen layer (logit lens). The list is what the model would predict to come next from there.')));
  const root = el('div', { class: 'two-columns' }, near, lens);
  const asked = changeDetector();
  const lensAsked = changeDetector();

  async function showNear(state: ViewState): Promise<void> {
    const { settings, shown } = state;
    try {
      const typed = settings.neighbourWord;
      const found = typed.trim() === '' ? undefined : (await whileBusy(near, context.host.query('nearWords', 'words', { texts: [typed] }))).words[0];
      word.set(typed, found, settings);
      const reading = chosenReading(found, settings);
      const token = shown?.explanation.tokens[settings.selected];
      const vector: TableVector | undefined = typed.trim() === '' ? token && [{ ids: [token.id], weight: 1 }] : reading && [termOf(reading)];
      title.replaceChildren(`${t('Nearest to')} `, el('span', { class: 'token-text chip' }, reading !== undefined ? readingText(reading) : shortened(token === undefined ? '' : visibleToken(token), 24)));
      if (vector === undefined) return;
      const answer = await whileBusy(near, context.host.query('neighbours', 'neighbours', { vector, count: NEIGHBOURS }));
      table.rows.replaceChildren(...neighbourRows(answer));
      measured.textContent = neighbourCaption(answer);
    } catch (error) {
      if (error instanceof CancelledError) return;
      table.rows.replaceChildren();
      failureNotice(measured, error);
    }
  }

  async function showLens(place: number, token: number): Promise<void> {
    try {
      const answer = await whileBusy(lens, context.host.query('lensTop', 'lensTop', { layer: place, token, count: NEIGHBOURS }));
      lensTable.rows.replaceChildren(...lensRows(answer));
    } catch (error) {
      if (error instanceof CancelledError) return;
      failureNotice(lensTable.rows, error);
    }
  }

  return {
    root,
    update: (state) => {
      const { shown, settings } = state;
      if (shown === null) return;
      const { layers } = shown.explanation.model;
      const place = Math.max(0, settings.embeddingLayer);
      if (settings.neighbourWord.trim() === '') word.set(settings.neighbourWord, undefined, settings);
      layer.set(place, placeName(place, layers), layers);
      if (asked(shown, settings.neighbourWord, readingIndex(settings.neighbourWord, settings), settings.selected)) void showNear(state);
      if (!lensAsked(shown, settings.selected, place)) return;
      const token = shown.explanation.tokens[settings.selected];
      lensTitle.replaceChildren(el('span', { class: 'token-text chip' }, token === undefined ? '' : shortened(visibleToken(token), 24)), ` ${t('at position {0}, read by the end of the model', settings.selected)}`);
      void showLens(place, settings.selected);
    },
  };
}

/** Bars of cosines: 1 is the whole length. */
export function neighbourRows({ ids, cosines, pieces }: Neighbours): readonly HTMLElement[] {
  return Array.from(ids, (id, index) => rankedRow(shortened(pieceText(pieces, id), 24), id, at(cosines, index), decimal(at(cosines, index), 4)));
}

export function neighbourCaption({ compared, length }: Neighbours): string {
  if (length === 0) return t('The sum is the zero vector: it has no direction, so no token is nearest.');
  return t('Cosine with each of the {0} other rows of the static embedding table, in all dimensions, exact. The tokens asked about are left out.', integer(compared));
}

/** What a token reads as; ids without a token have their number only. */
export function pieceText(pieces: Readonly<Record<number, string>>, id: number): string {
  const text = pieces[id] ?? '';
  return text === '' ? t('id {0}', id) : visibleText(text);
}

function lensRows({ ids, probs, pieces }: LensTop): readonly HTMLElement[] {
  const largest = at(probs, 0);
  return Array.from(ids, (id, index) => rankedRow(shortened(pieceText(pieces, id), 24), id, at(probs, index) / largest, percent(at(probs, index))));
}
