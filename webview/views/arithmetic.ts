import { CancelledError } from '../../src/core/errors.ts';
import { at } from '../../src/core/tensor.ts';
import type { Neighbours, TableVector, VectorMap, VectorTerm } from '../../src/core/vectors.ts';
import { failureNotice, whileBusy, type PanelContext, type View } from '../context.ts';
import { button } from '../controls.ts';
import { changeDetector, el } from '../dom.ts';
import { parallelogramFigure } from '../figures/parallelogram.ts';
import { decimal, percent, significant } from '../format.ts';
import { createPlot } from '../plot.ts';
import type { ViewState } from '../state.ts';
import { t } from '../strings.ts';
import { chosenReading, examples, rankedTable, termOf, wordInput, wordLabel } from '../words.ts';
import { NEIGHBOURS, neighbourCaption, neighbourRows, pieceText } from './neighbours.ts';

const NAMES = ['a', 'b', 'c'] as const;
const SIGNS = [1, -1, 1] as const;

interface Answer {
  readonly near: Neighbours;
  readonly map: VectorMap;
  readonly labels: readonly [string, string, string, string, string];
}

/** a - b + c with rows of the static table: its nearest tokens, and the parallelogram. */
export function createArithmetic(context: PanelContext): View {
  const { store, host } = context;
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
  const table = rankedTable(t('Tokens nearest to a − b + c'), t('Cosine'));
  const caption = el('p', { class: 'caption' });
  const facts = el('p', { class: 'caption' });
  const plot = createPlot(t('a, b, c, a − b + c and the nearest token over two principal components'), { hover: (point, event) => hover(point?.custom, event), resized: () => draw(store.state()) });
  const results = el('div', { class: 'arithmetic-results' }, table.root, el('div', { class: 'arithmetic-plot' }, plot.root, facts));
  const root = el('section', { class: 'card', 'aria-label': t('Vector arithmetic') }, el('div', { class: 'card-head' }, el('h2', {}, t('a − b + c in the static table')), example), equation, results, caption);
  let answer: Answer | undefined;
  const asked = changeDetector();
  const drawn = changeDetector();

  function hover(index: number | undefined, event: MouseEvent | null): void {
    if (index === undefined || event === null || answer === undefined) return context.tooltip.hide();
    const { map, labels } = answer;
    context.tooltip.show({ title: labels[index] ?? '', rows: [[t('Length of the vector'), significant(at(map.norms, index), 4)], [t('Cosine with a − b + c'), decimal(at(map.cosines, index * labels.length + 3), 4)]] }, event.clientX, event.clientY);
  }

  async function load(state: ViewState): Promise<void> {
    const { settings } = state;
    const texts = typed();
    try {
      const wanted = texts.filter((text) => text.trim() !== '');
      const words = wanted.length === 0 ? [] : (await whileBusy(root, host.query('arithmeticWords', 'words', { texts: wanted }))).words;
      const readings = texts.map((text) => chosenReading(words.find((word) => word.text === text), settings));
      inputs.forEach((input, index) => input.set(texts[index] ?? '', words.find((word) => word.text === texts[index]), settings));
      const terms = readings.map((reading, index): VectorTerm | undefined => reading && termOf(reading, SIGNS[index]));
      const [first, second, third] = terms;
      if (first === undefined || second === undefined || third === undefined) return clear(t('Type three words.'));
      const sum: TableVector = [first, second, third];
      const near = await whileBusy(root, host.query('arithmetic', 'neighbours', { vector: sum, count: NEIGHBOURS }));
      const best = near.ids[0];
      if (best === undefined) return clear(neighbourCaption(near));
      const alone = (term: VectorTerm): TableVector => [{ ids: term.ids, weight: 1 }];
      const map = await whileBusy(root, host.query('arithmeticMap', 'vectorMap', { vectors: [alone(first), alone(second), alone(third), sum, [{ ids: [best], weight: 1 }]] }));
      const name = (index: number): string => { const reading = readings[index]; return reading === undefined ? '' : wordLabel(texts[index] ?? '', reading); };
      answer = { near, map, labels: [name(0), name(1), name(2), 'a − b + c', pieceText(near.pieces, best)] };
      table.rows.replaceChildren(...neighbourRows(near));
      const means = readings.some((reading) => (reading?.ids.length ?? 0) > 1) ? ` ${t('A word of several tokens is taken as the mean of their rows, or as the one you choose below it.')}` : '';
      caption.textContent = neighbourCaption(near) + means;
      results.hidden = false;
      draw(store.state());
    } catch (error) {
      if (error instanceof CancelledError) return;
      clear('');
      failureNotice(caption, error);
    }
  }

  function clear(sentence: string): void {
    answer = undefined;
    results.hidden = true;
    caption.textContent = sentence;
  }

  function draw({ theme }: ViewState): void {
    const width = plot.width();
    if (answer === undefined || width === 0 || !drawn(answer, width, theme)) return;
    const { map, labels } = answer;
    const share = (component: number): string => percent(at(map.explained, component));
    const axisTitles = [t('Component {0} · {1} of the variance', 1, share(0)), t('Component {0} · {1} of the variance', 2, share(1))] as const;
    plot.draw(parallelogramFigure(map, { labels, axisTitles, width, height: Math.round(Math.max(300, Math.min(440, width * 0.75))) }, theme));
    facts.textContent = t('Real rows of the table, projected: sides that are parallel there are parallel here. The dotted line is what the sum misses its nearest token by: cosine {0}. {1} of the variance of the five points is in this picture.',
      decimal(at(map.cosines, 3 * labels.length + 4), 4), percent(at(map.explained, 0) + at(map.explained, 1)));
  }

  return {
    root,
    update: (state) => {
      const { shown, settings } = state;
      if (shown === null) return;
      if (asked(shown.explanation.model, settings.arithmetic, settings.readings)) void load(state);
      else draw(state);
    },
  };
}

