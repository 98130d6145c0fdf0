import { html, type TemplateResult } from 'lit-html';
import { at } from '../../../src/core/tensor.ts';
import { NEIGHBOURS } from '../../../src/protocol/queries.ts';
import type { LensTop, Neighbours, TableVector, VectorFrame } from '../../../src/core/vectors.ts';
import { shortened, visibleText, visibleToken } from '../../../src/core/visibleText.ts';
import type { PanelContext, View } from '../../context.ts';
import { savedOf } from '../../figures/savedNumbers.ts';
import { neighbourNumbers, rankedNumbers } from '../../figures/tableNumbers.ts';
import { slider } from '../../parts/controls.ts';
import { el } from '../../parts/dom.ts';
import { cosineText, integer, percentInColumn } from '../../parts/format.ts';
import { question } from '../../question.ts';
import { t } from '../../strings.ts';
import type { Settings } from '../../viewSettings.ts';
import { chosenReading, rankedRow, rankedTable, readingIndex, readingText, termOf, wordInput } from '../../parts/words.ts';
import { placeFile, placeName } from './placeChoice.ts';
import { createFrameSwitch, typicalRow } from '../../parts/vectorFrame.ts';
import { chipTemplate, drawInto } from '../../parts/templates.ts';

/** Tokens nearest to a token in the static table, and those that a layer would predict. */
export function createNeighbours(context: PanelContext): View {
  const { store } = context;
  const word = wordInput(context, t('Word'), t('the selected token'), (neighbourWord) =>
    store.dispatch({ type: 'settings', change: { neighbourWord } }),
  );
  const title = el('h2');
  const table = nearestTable(t('Nearest tokens of the static table'), 'nearest-tokens', () => nearest.answer());
  const measured = el('p', { class: 'caption' });
  const frame = createFrameSwitch(context, 'table');
  const nearest = question(context, {
    busy: () => near,
    parts: [table.root, measured],
    ask: async ({ settings, shown }, query) => {
      const typed = settings.neighbourWord;
      const found = typed.trim() === '' ? undefined : (await query('nearWords', 'words', { texts: [typed] })).words[0];
      word.set(typed, found, settings);
      const reading = chosenReading(found, settings);
      const token = shown?.explanation.tokens[settings.selected];
      const vector: TableVector | undefined =
        typed.trim() === '' ? token && [{ ids: [token.id], weight: 1 }] : reading && [termOf(reading)];
      const name = reading !== undefined ? readingText(reading) : shortened(token === undefined ? '' : visibleToken(token), 24);
      drawInto(title, html`${t('Nearest to')} ${chipTemplate(name)}`);
      if (vector === undefined) return '';
      return query('neighbours', 'neighbours', { vector, frame: settings.frame, count: NEIGHBOURS });
    },
    answered: (answer, { settings }) => {
      drawInto(table.rows, neighbourRows(answer));
      drawInto(table.foot, typicalRow(answer.typical));
      measured.textContent = neighbourCaption(answer, settings.frame);
    },
  });
  const near: HTMLElement = el(
    'section',
    { class: 'card', 'aria-label': t('Nearest in the static table') },
    el('div', { class: 'card-head' }, title),
    word.root,
    frame.root,
    table.root,
    measured,
    nearest.notice,
  );
  const layer = slider(t('Layer'), 0, 0, 1, (value) => store.dispatch({ type: 'settings', change: { embeddingLayer: value } }));
  const lensTitle = el('h2');
  const lensTable = rankedTable(t('Tokens a layer would predict'), t('Probability'), {
    file: () => `${placeFile(placeOf(store.state().settings))}-lens`,
    numbers: () => savedOf(lensTop.answer(), ({ ids, probs, pieces }) => rankedNumbers('probability', ids, probs, pieces)),
  });
  const lensTop = question(context, {
    busy: () => lens,
    parts: [lensTable.root],
    ask: ({ settings }, query) => query('lensTop', 'lensTop', { layer: placeOf(settings), token: settings.selected, count: NEIGHBOURS }),
    answered: (answer) => drawInto(lensTable.rows, lensRows(answer)),
  });
  const lens: HTMLElement = el(
    'section',
    { class: 'card', 'aria-label': t('Through the final norm and unembedding') },
    el('div', { class: 'card-head' }, lensTitle),
    layer.root,
    lensTable.root,
    lensTop.notice,
    el(
      'p',
      { class: 'caption' },
      t(
        'This is not a distance: the final norm and the unembedding read this token’s residual stream after the chosen ' +
          'layer (logit lens). The list is what the model would predict to come next from there.',
      ),
    ),
  );
  const root = el('div', { class: 'two-columns' }, near, lens);
  return {
    root,
    update: (state) => {
      const { shown, settings } = state;
      if (shown === null) return;
      const { layers } = shown.explanation.model;
      const place = placeOf(settings);
      if (settings.neighbourWord.trim() === '') word.set(settings.neighbourWord, undefined, settings);
      layer.set(place, placeName(place, layers), layers);
      frame.set(settings.frame);
      nearest.update(
        state,
        shown,
        settings.frame,
        settings.neighbourWord,
        readingIndex(settings.neighbourWord, settings),
        settings.selected,
      );
      const token = shown.explanation.tokens[settings.selected];
      const name = token === undefined ? '' : shortened(visibleToken(token), 24);
      drawInto(lensTitle, html`${chipTemplate(name)} ${t('at position {0}, read by the end of the model', settings.selected)}`);
      lensTop.update(state, shown, settings.selected, place);
    },
  };
}

/** Place of the residual stream that is decoded, from 0: for the static table (-1), the first block's input instead. */
function placeOf({ embeddingLayer }: Settings): number {
  return Math.max(0, embeddingLayer);
}

/** A table of the tokens nearest to a vector, still empty. `file`: the name of what is saved of it. */
export function nearestTable(caption: string, file: string, near: () => Neighbours | undefined): ReturnType<typeof rankedTable> {
  return rankedTable(caption, t('Cosine'), { file: () => file, numbers: () => savedOf(near(), neighbourNumbers) });
}

/** Rows of a ranked list of cosines; a cosine of 1 has the full length of a bar. */
export function neighbourRows({ ids, cosines, pieces }: Neighbours): readonly TemplateResult[] {
  return Array.from(ids, (id, index) =>
    rankedRow(shortened(pieceText(pieces, id), 24), id, at(cosines, index), cosineText(at(cosines, index))),
  );
}

/** Sentence on what the cosines compare, and how. */
export function neighbourCaption({ compared, length }: Neighbours, frame: VectorFrame): string {
  if (length === 0) return t('The sum is the zero vector: it has no direction, so no token is nearest.');
  if (frame === 'centred')
    return t(
      'Cosine with each of the {0} other rows of the static embedding table, each less the table’s mean, in all ' +
        'dimensions, exact. The tokens asked about are left out.',
      integer(compared),
    );
  return t(
    'Cosine with each of the {0} other rows of the static embedding table, in all dimensions, exact. The tokens asked about are left out.',
    integer(compared),
  );
}

/** Visible text of a token; for an id without a text, its number. */
export function pieceText(pieces: Readonly<Record<number, string>>, id: number): string {
  const text = pieces[id] ?? '';
  return text === '' ? t('id {0}', id) : visibleText(text);
}

function lensRows({ ids, probs, pieces }: LensTop): readonly TemplateResult[] {
  const largest = at(probs, 0);
  return Array.from(ids, (id, index) =>
    rankedRow(shortened(pieceText(pieces, id), 24), id, at(probs, index) / largest, percentInColumn(at(probs, index))),
  );
}
