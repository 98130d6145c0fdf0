import { at } from '../../../src/core/tensor.ts';
import type { VectorFrame, VectorMap, Word } from '../../../src/core/vectors.ts';
import type { PanelContext, View } from '../../context.ts';
import { savedOf, wordCosines, wordNumbers } from '../../figures/savedNumbers.ts';
import { button, select, textField } from '../../parts/controls.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { projectionFigure } from '../../figures/projectionPlot.ts';
import { cosineKey, cosinePairs, cosineScale, similarityFigure } from '../../figures/similarityMap.ts';
import { wholeMap } from '../../figures/mapWindow.ts';
import { pooledRows } from '../../figures/squareMap.ts';
import { cosineText, integer, percent, significant } from '../../parts/format.ts';
import { createPlot } from '../../plot.ts';
import { MAX_TYPED, type Settings } from '../../viewSettings.ts';
import { question } from '../../question.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { createFrameSwitch, typicalText } from '../../parts/vectorFrame.ts';
import { chosenReading, examples, exampleSentence, readingIndex, readingText, termOf, wordLabel } from '../../parts/words.ts';

/** Most words drawn: more would only crowd the figure. */
const MAX_WORDS = 60;

interface Answer {
  readonly map: VectorMap;
  readonly frame: VectorFrame;
  readonly labels: readonly string[];
  /** Whether more words were typed than are drawn. */
  readonly cut: boolean;
}

/** Typed words as vectors of the static table: principal components, and the cosine of each pair. */
export function createWordMap(context: PanelContext): View {
  const { store } = context;
  const typed = (): string => store.state().settings.wordSet ?? examples().words;
  const field = textField(t('Words, with spaces between'), MAX_TYPED, '', (wordSet) =>
    store.dispatch({ type: 'settings', change: { wordSet } }),
  );
  const example = button(t('Example'), 'link', () => store.dispatch({ type: 'settings', change: { wordSet: null } }));
  const choices = el('div', { class: 'reading-choices' });
  const frame = createFrameSwitch(context, 'table');
  const caption = el('p', { class: 'caption' });
  const plot = createPlot(t('Words over principal components'), 'words', {
    data: () => savedOf(asked.answer(), wordNumbers),
    hover: (point, event) => hover(point?.custom, event),
    resized: () => asked.redraw(),
  });
  const matrix = createPlot(t('Cosines of all pairs of words'), 'words-cosines', {
    data: () => savedOf(asked.answer(), wordCosines),
    hover: (point, event) => hoverPair(point?.y, point?.x, event),
    resized: () => asked.redraw(),
  });
  const figures = el(
    'div',
    { class: 'two-columns' },
    plot.root,
    el('div', {}, el('div', { class: 'toolbar spread' }, el('h3', {}, t('Cosines')), matrix.tools), matrix.root),
  );
  const drawn = changeDetector();
  const asked = question<Answer>(context, {
    busy: () => root,
    parts: [choices, figures, caption],
    ask: async ({ settings }, query) => {
      const all = [...new Set(typed().split(/[\s,，、;；]+/u))].filter((text) => text !== '');
      const texts = all.slice(0, MAX_WORDS).map((text) => text.slice(0, 200));
      if (texts.length < 2) return t('Type two words or more.');
      const { words } = await query('mapWords', 'words', { texts });
      const taken = words.flatMap((word) => {
        const reading = chosenReading(word, settings);
        return reading === undefined ? [] : [{ text: word.text, reading }];
      });
      choices.replaceChildren(...words.flatMap((word) => readingChoice(context, word)));
      const vectors = taken.map(({ reading }) => [termOf(reading)]);
      const map = await query('wordMap', 'vectorMap', { vectors, frame: settings.frame });
      return {
        map,
        frame: settings.frame,
        labels: taken.map(({ text, reading }) => wordLabel(text, reading)),
        cut: all.length > texts.length,
      };
    },
    answered: (answer, { settings }) => {
      caption.textContent = captionOf(answer, settings);
    },
    draw,
  });
  const root: HTMLElement = el(
    'section',
    { class: 'card', 'aria-label': t('Words of your own') },
    el('div', { class: 'card-head' }, el('h2', {}, t('Words of your own in the static table')), example),
    field.root,
    choices,
    frame.root,
    figures,
    caption,
    asked.notice,
  );

  function hover(index: number | undefined, event: MouseEvent | null): void {
    const answer = asked.answer();
    if (index === undefined || event === null || answer === undefined) return context.tooltip.hide();
    context.tooltip.show(
      { title: answer.labels[index] ?? '', rows: [[t('Length of the vector'), significant(at(answer.map.norms, index), 4)]] },
      event.clientX,
      event.clientY,
    );
  }
  function hoverPair(row: number | undefined, column: number | undefined, event: MouseEvent | null): void {
    const answer = asked.answer();
    if (row === undefined || column === undefined || event === null || answer === undefined) return context.tooltip.hide();
    context.tooltip.show(
      {
        title: `${answer.labels[row] ?? ''} · ${answer.labels[column] ?? ''}`,
        rows: [[t('Cosine'), cosineText(row === column ? 1 : at(answer.map.cosines, row * answer.labels.length + column))]],
      },
      event.clientX,
      event.clientY,
    );
  }

  function draw(answer: Answer, { theme }: ViewState): void {
    const width = plot.width();
    if (width === 0 || !drawn(answer, width, theme)) return;
    const { map, labels } = answer;
    const height = Math.round(Math.max(300, Math.min(460, width * 0.8)));
    plot.draw(
      projectionFigure(
        { layer: -1, points: map.points, explained: map.explained, norms: map.norms, leftOut: 0 },
        { labels, selected: -1, dimensions: 2, yaw: 0, pitch: 0, width, height, axisTitles: [axisTitle(map, 1), axisTitle(map, 2), ''] },
        theme,
      ),
    );
    const scale = cosineScale(map.cosines, answer.frame, map.typical);
    const rows = pooledRows(cosinePairs(map.cosines, scale), 1, wholeMap(labels.length, false));
    matrix.draw(
      similarityFigure(rows, scale, { labels, selected: -1, width: Math.min(matrix.width(), 460) }, theme),
      cosineKey(scale, theme),
    );
  }

  return {
    root,
    update: (state) => {
      const { shown, settings } = state;
      if (shown === null) return;
      field.set(typed());
      frame.set(settings.frame);
      asked.update(state, shown.explanation.model, settings.frame, settings.wordSet, settings.readings);
    },
  };
}

function captionOf({ map, cut }: Answer, { wordSet }: Settings): string {
  return [
    t(
      'Rows of the static embedding table, before any layer. {0} of the variance is in this picture; the cosines are of all dimensions.',
      percent(at(map.explained, 0) + at(map.explained, 1)),
    ),
    t('Two random rows have a cosine of {0}.', typicalText(map.typical)),
    ...(cut ? [t('Only the first {0} words are drawn.', integer(MAX_WORDS))] : []),
    ...(wordSet === null ? [exampleSentence('words')] : []),
  ].join(' ');
}

/** Choice of the reading of a word that is several tokens; none for a single token. */
function readingChoice(context: PanelContext, word: Word): readonly HTMLElement[] {
  const [first] = word.readings;
  if (first === undefined || first.ids.length === 1) return [];
  const read = (index: number): void => {
    const { readings } = context.store.state().settings;
    context.store.dispatch({ type: 'settings', change: { readings: { ...readings, [word.text]: index } } });
  };
  const choice = select(t('{0} is several tokens: taken as', word.text), read, 'tokens');
  choice.set(
    word.readings.map((one, index) => [index, readingText(one)]),
    readingIndex(word.text, context.store.state().settings),
  );
  return [choice.root];
}

/** Title of the axis of a principal component, counted from 1. */
function axisTitle({ explained }: VectorMap, component: number): string {
  return t('Component {0} · {1} of the variance', component, percent(at(explained, component - 1)));
}
