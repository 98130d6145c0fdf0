import { at } from '../../../src/core/tensor.ts';
import type { Neighbours, Reading, TableVector, VectorMap, VectorTerm } from '../../../src/core/vectors.ts';
import type { PanelContext, View } from '../../context.ts';
import { savedOf, wordNumbers } from '../../figures/savedNumbers.ts';
import { button } from '../../parts/controls.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { parallelogramFigure } from '../../figures/parallelogram.ts';
import { cosineText, percent, significant } from '../../parts/format.ts';
import { createPlot } from '../../plot.ts';
import { question } from '../../question.ts';
import type { ViewState } from '../../state.ts';
import { NEIGHBOURS } from '../../../src/protocol/queries.ts';
import { t } from '../../strings.ts';
import { chosenReading, examples, exampleSentence, termOf, wordInput, wordLabel } from '../../parts/words.ts';
import { nearestTable, neighbourCaption, neighbourRows, pieceText } from './neighbours.ts';
import { createFrameSwitch, typicalRow } from '../../parts/vectorFrame.ts';
import { drawInto } from '../../parts/templates.ts';

const NAMES = ['a', 'b', 'c'] as const;
const SIGNS = [1, -1, 1] as const;

interface Answer {
  readonly readings: readonly (Reading | undefined)[];
  readonly near: Neighbours;
  readonly map: VectorMap;
  readonly labels: readonly [string, string, string, string, string];
}

/** a - b + c with rows of the static table: its nearest tokens, and the parallelogram. */
export function createArithmetic(context: PanelContext): View {
  const { store } = context;
  const typed = (): readonly [string, string, string] => store.state().settings.arithmetic ?? examples().arithmetic;
  const inputs = NAMES.map((name, index) =>
    wordInput(context, name, '', (text) => {
      const next = typed().map((old, i) => (i === index ? text : old));
      store.dispatch({ type: 'settings', change: { arithmetic: [next[0] ?? '', next[1] ?? '', next[2] ?? ''] } });
    }),
  );
  const [a, b, c] = inputs;
  const sign = (text: string): HTMLElement => el('span', { class: 'sign', 'aria-hidden': 'true' }, text);
  const equation = el('div', { class: 'equation' }, a?.root ?? null, sign('−'), b?.root ?? null, sign('+'), c?.root ?? null);
  const example = button(t('Example'), 'link', () => store.dispatch({ type: 'settings', change: { arithmetic: null } }));
  const table = nearestTable(t('Tokens nearest to a − b + c'), 'arithmetic-nearest-tokens', () => asked.answer()?.near);
  const caption = el('p', { class: 'caption' });
  const frame = createFrameSwitch(context, 'table');
  const facts = el('p', { class: 'caption' });
  const plot = createPlot(t('a, b, c, a − b + c and the nearest token over two principal components'), 'arithmetic', {
    data: () => savedOf(asked.answer(), wordNumbers),
    hover: (point, event) => hover(point?.custom, event),
    resized: () => asked.redraw(),
  });
  const results = el('div', { class: 'arithmetic-results' }, table.root, el('div', { class: 'arithmetic-plot' }, plot.root, facts));
  const drawn = changeDetector();
  const asked = question<Answer>(context, {
    busy: () => root,
    parts: [results, caption],
    ask: async ({ settings }, query) => {
      const texts = typed();
      const wanted = texts.filter((text) => text.trim() !== '');
      const words = wanted.length === 0 ? [] : (await query('arithmeticWords', 'words', { texts: wanted })).words;
      const found = texts.map((text) => words.find((word) => word.text === text));
      const readings = found.map((word) => chosenReading(word, settings));
      inputs.forEach((input, index) => input.set(texts[index] ?? '', found[index], settings));
      const [first, second, third] = readings.map((reading, index): VectorTerm | undefined => reading && termOf(reading, SIGNS[index]));
      if (first === undefined || second === undefined || third === undefined) return t('Type three words.');
      const sum: TableVector = [first, second, third];
      const near = await query('arithmetic', 'neighbours', { vector: sum, frame: settings.frame, count: NEIGHBOURS });
      const best = near.ids[0];
      if (best === undefined) return neighbourCaption(near, settings.frame);
      const alone = (term: VectorTerm): TableVector => [{ ids: term.ids, weight: 1 }];
      const map = await query('arithmeticMap', 'vectorMap', {
        vectors: [alone(first), alone(second), alone(third), sum, [{ ids: [best], weight: 1 }]],
        frame: settings.frame,
      });
      const name = (index: number): string => {
        const reading = readings[index];
        return reading === undefined ? '' : wordLabel(texts[index] ?? '', reading);
      };
      return { readings, near, map, labels: [name(0), name(1), name(2), 'a − b + c', pieceText(near.pieces, best)] };
    },
    answered: ({ near, readings }, { settings }) => {
      drawInto(table.rows, neighbourRows(near));
      drawInto(table.foot, typicalRow(near.typical));
      const means = readings.some((reading) => (reading?.ids.length ?? 0) > 1)
        ? ` ${t('A word of several tokens is taken as the mean of their rows, or as the one you choose below it.')}`
        : '';
      caption.textContent =
        neighbourCaption(near, settings.frame) + means + (settings.arithmetic === null ? ` ${exampleSentence('arithmetic')}` : '');
    },
    draw,
  });
  const root: HTMLElement = el(
    'section',
    { class: 'card', 'aria-label': t('Vector arithmetic') },
    el('div', { class: 'card-head' }, el('h2', {}, t('a − b + c in the static table')), example),
    equation,
    frame.root,
    results,
    caption,
    asked.notice,
  );

  function hover(index: number | undefined, event: MouseEvent | null): void {
    const answer = asked.answer();
    if (index === undefined || event === null || answer === undefined) return context.tooltip.hide();
    const { map, labels } = answer;
    context.tooltip.show(
      {
        title: labels[index] ?? '',
        rows: [
          [t('Length of the vector'), significant(at(map.norms, index), 4)],
          [t('Cosine with a − b + c'), cosineText(at(map.cosines, index * labels.length + 3))],
        ],
      },
      event.clientX,
      event.clientY,
    );
  }

  function draw(answer: Answer, { theme }: ViewState): void {
    const width = plot.width();
    if (width === 0 || !drawn(answer, width, theme)) return;
    const { map, labels } = answer;
    const share = (component: number): string => percent(at(map.explained, component));
    const axisTitles = [
      t('Component {0} · {1} of the variance', 1, share(0)),
      t('Component {0} · {1} of the variance', 2, share(1)),
    ] as const;
    plot.draw(
      parallelogramFigure(map, { labels, axisTitles, width, height: Math.round(Math.max(300, Math.min(440, width * 0.75))) }, theme),
    );
    facts.textContent = t(
      'Real rows of the table, projected: sides that are parallel there are parallel here. The dotted line is what the ' +
        'sum misses its nearest token by: cosine {0}. {1} of the variance of the five points is in this picture.',
      cosineText(at(map.cosines, 3 * labels.length + 4)),
      percent(at(map.explained, 0) + at(map.explained, 1)),
    );
  }

  return {
    root,
    update: (state) => {
      const { shown, settings } = state;
      if (shown === null) return;
      frame.set(settings.frame);
      asked.update(state, shown.explanation.model, settings.frame, settings.arithmetic, settings.readings);
    },
  };
}
