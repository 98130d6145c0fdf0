import { CancelledError } from '../../src/core/errors.ts';
import { at } from '../../src/core/tensor.ts';
import type { VectorMap, Word } from '../../src/core/vectors.ts';
import { failureNotice, whileBusy, type PanelContext, type View } from '../context.ts';
import { button, gradientLegend, select, textField } from '../controls.ts';
import { changeDetector, el } from '../dom.ts';
import { projectionFigure } from '../figures/projectionPlot.ts';
import { matrixRows, similarityFigure, smallestCosine } from '../figures/similarityMap.ts';
import { decimal, integer, percent, significant } from '../format.ts';
import { createPlot } from '../plot.ts';
import { MAX_TYPED } from '../settings.ts';
import type { ViewState } from '../state.ts';
import { t } from '../strings.ts';
import { gradient } from '../theme.ts';
import { chosenReading, examples, readingIndex, readingText, termOf, wordLabel } from '../words.ts';

/** More words than these share the picture with no profit. */
const MAX_WORDS = 60;

interface Answer {
  readonly map: VectorMap;
  readonly labels: readonly string[];
  readonly rows: readonly (readonly number[])[];
}

/** Typed words of the static table: principal components, and the cosine of each pair. */
export function createWordMap(context: PanelContext): View {
  const { store, host } = context;
  const typed = (): string => store.state().settings.wordSet ?? examples().words;
  const field = textField(t('Words, with spaces between'), MAX_TYPED, '', (wordSet) => store.dispatch({ type: 'settings', change: { wordSet } }));
  const example = button(t('Example'), 'link', () => store.dispatch({ type: 'settings', change: { wordSet: null } }));
  const choices = el('div', { class: 'reading-choices' });
  const notice = el('p', { class: 'caption' });
  const plot = createPlot(t('Words over principal components'), { hover: (point, event) => hover(point?.custom, event), resized: () => draw(store.state()) });
  const matrix = createPlot(t('Cosines of all pairs of words'), { hover: (point, event) => hoverPair(point?.y, point?.x, event), resized: () => draw(store.state()) });
  const legend = gradientLegend();
  const figures = el('div', { class: 'two-columns' }, plot.root, el('div', {}, el('div', { class: 'toolbar spread' }, el('h3', {}, t('Cosines')), legend.root), matrix.root));
  const root = el('section', { class: 'card', 'aria-label': t('Words of your own') }, el('div', { class: 'card-head' }, el('h2', {}, t('Words of your own in the static table')), example), field.root, choices, figures, notice);
  let answer: Answer | undefined;
  const asked = changeDetector();
  const drawn = changeDetector();

  function hover(index: number | undefined, event: MouseEvent | null): void {
    if (index === undefined || event === null || answer === undefined) return context.tooltip.hide();
    context.tooltip.show({ title: answer.labels[index] ?? '', rows: [[t('Length of the vector'), significant(at(answer.map.norms, index), 4)]] }, event.clientX, event.clientY);
  }
  function hoverPair(row: number | undefined, column: number | undefined, event: MouseEvent | null): void {
    if (row === undefined || column === undefined || event === null || answer === undefined) return context.tooltip.hide();
    context.tooltip.show({ title: `${answer.labels[row] ?? ''} · ${answer.labels[column] ?? ''}`, rows: [[t('Cosine'), decimal(answer.rows[row]?.[column] ?? Number.NaN, 4)]] }, event.clientX, event.clientY);
  }

  async function load(state: ViewState): Promise<void> {
    const all = [...new Set(typed().split(/[\s,，、;；]+/u).filter((text) => text !== ''))];
    const texts = all.slice(0, MAX_WORDS).map((text) => text.slice(0, 200));
    try {
      if (texts.length < 2) return clear(t('Type two words or more.'));
      const { words } = await whileBusy(root, host.query('mapWords', 'words', { texts }));
      const taken = words.flatMap((word) => { const reading = chosenReading(word, state.settings); return reading === undefined ? [] : [{ text: word.text, reading }]; });
      choices.replaceChildren(...words.flatMap((word) => readingChoice(context, word)));
      const map = await whileBusy(root, host.query('wordMap', 'vectorMap', { vectors: taken.map(({ reading }) => [termOf(reading)]) }));
      answer = { map, labels: taken.map(({ text, reading }) => wordLabel(text, reading)), rows: matrixRows(map.cosines, taken.length) };
      const left = all.length > texts.length ? ` ${t('Only the first {0} words are drawn.', integer(MAX_WORDS))}` : '';
      notice.textContent = t('Rows of the static embedding table, before any layer. {0} of the variance is in this picture; the cosines are of all dimensions.', percent(at(map.explained, 0) + at(map.explained, 1))) + left;
      figures.hidden = false;
      draw(store.state());
    } catch (error) {
      if (error instanceof CancelledError) return;
      clear('');
      failureNotice(notice, error);
    }
  }

  function clear(sentence: string): void {
    answer = undefined;
    figures.hidden = true;
    choices.replaceChildren();
    notice.textContent = sentence;
  }

  function draw({ theme }: ViewState): void {
    const width = plot.width();
    if (answer === undefined || width === 0 || !drawn(answer, width, theme)) return;
    const { map, labels, rows } = answer;
    const height = Math.round(Math.max(300, Math.min(460, width * 0.8)));
    const title = (component: number): string => t('Component {0} · {1} of the variance', component, percent(at(map.explained, component - 1)));
    plot.draw(projectionFigure({ layer: -1, points: map.points, explained: map.explained, norms: map.norms, leftOut: 0 }, { labels, selected: -1, dimensions: 2, yaw: 0, pitch: 0, width, height, axisTitles: [title(1), title(2), ''] }, theme));
    const least = smallestCosine(map.cosines);
    matrix.draw(similarityFigure(rows, least, { labels, selected: -1, width: Math.min(matrix.width(), 460) }, theme));
    legend.set(gradient(theme.sequential), decimal(least, 2), '1');
  }

  return {
    root,
    update: (state) => {
      const { shown, settings } = state;
      if (shown === null) return;
      field.set(typed());
      if (asked(shown.explanation.model, settings.wordSet, settings.readings)) void load(state);
      else draw(state);
    },
  };
}

/** By which tokens a word of several is taken; nothing where it is one. */
function readingChoice(context: PanelContext, word: Word): readonly HTMLElement[] {
  const [first] = word.readings;
  if (first === undefined || first.ids.length === 1) return [];
  const choice = select(t('{0} is several tokens: taken as', word.text), (index) => {
    const { readings } = context.store.state().settings;
    context.store.dispatch({ type: 'settings', change: { readings: { ...readings, [word.text]: index } } });
  });
  choice.set(word.readings.map((one, index) => [index, readingText(one)]), readingIndex(word.text, context.store.state().settings));
  return [choice.root];
}
