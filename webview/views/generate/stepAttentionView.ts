import { recurrencesIn } from '../../../src/core/recurrence.ts';
import { visibleText, visibleToken } from '../../../src/core/visibleText.ts';
import type { PanelContext, View } from '../../context.ts';
import { stepNumbers } from '../../figures/savedNumbers.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { stepAttentionFigure } from '../../figures/stepAttention.ts';
import { foldout } from '../../parts/foldout.ts';
import { percent } from '../../parts/format.ts';
import { idsTo, numbersOf, pathTo, type GenerationTree } from '../../generation/generationTree.ts';
import { createPlot } from '../../plot.ts';
import { NAMED } from '../../generation/generator.ts';
import { question } from '../../question.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';

/**
 * Attention of the token before the selected one in every layer and head: the rows that the distribution came from. Requested when it is
 * opened.
 */
export function createStepAttention(context: PanelContext): View {
  const { store, tooltip } = context;
  const status = el('p', { class: 'caption' });
  const plot = createPlot(t('Attention of the last token read, a row for each head'), stepFile, {
    data: () => {
      const [found, { shown }] = [asked.answer(), store.state()];
      return found === undefined || shown === null
        ? null
        : stepNumbers(found.attention.weights, shown.explanation.model.heads, found.labels);
    },
    resized: () => asked.redraw(),
    hover: (point, event) => {
      const { attention, labels = [] } = asked.answer() ?? {};
      const weight = point === null ? undefined : attention?.weights[point.y * labels.length + point.x];
      const heads = store.state().shown?.explanation.model.heads ?? 1;
      if (point === null || event === null || weight === undefined || Number.isNaN(weight)) return tooltip.hide();
      tooltip.show(
        {
          title: labels[point.x] ?? '',
          rows: [
            [t('Layer'), String(Math.floor(point.y / heads))],
            [t('Head'), String(point.y % heads)],
            [t('Weight'), percent(weight)],
          ],
        },
        event.clientX,
        event.clientY,
      );
    },
  });
  /** The position of the token drawn names the file. */
  function stepFile(): string {
    const { shown, generation } = store.state();
    const step = generation.tree.tokens[generation.tree.selected]?.step;
    return shown === null || step === null || step === undefined ? 'step-attention' : `position-${step.position}-step-attention`;
  }
  const drawn = changeDetector();
  const asked = question(context, {
    busy: () => root,
    parts: [status, plot.root],
    ask: async ({ shown, generation: { tree } }, query) => {
      const token = tree.tokens[tree.selected];
      if (shown === null || token === undefined) return '';
      const { sampling, seed } = token.settings;
      const labels = [...shown.explanation.tokens.map(visibleToken), ...generatedLabels(tree, token.parent)];
      const continuation = idsTo(tree, token.parent);
      const { attention } = await query('stepAttention', 'step', { continuation, sampling, seed, topK: NAMED, attention: true });
      return attention === undefined ? '' : { attention, labels };
    },
    answered: ({ attention, labels }, { shown }) => {
      const some = shown !== null && recurrencesIn(shown.explanation.model) !== undefined;
      const without = some ? ` ${t('Layers without attention weights have no rows.')}` : '';
      const sinks = attention.sinks === undefined ? '' : ` ${t('The rest of each row is its sink’s.')}`;
      status.textContent =
        t('Token {0}, the last one read before this step: a row for each head, a column for each token.', labels.at(-1) ?? '') +
        ` ${t('Colours go by the fourth root of the weight, so that small weights still differ.')}` +
        sinks +
        without;
    },
    draw: ({ attention, labels }, { shown, theme }) => {
      const width = plot.width();
      if (shown === null || width === 0 || !drawn(attention, theme, width)) return;
      const { layers, heads } = shown.explanation.model;
      const figure = stepAttentionFigure(attention, { layers, heads, labels, width, layerName: (layer) => t('Layer {0}', layer) }, theme);
      plot.draw(figure, { colours: theme.sequential, low: percent(0), high: percent(1) });
    },
  });
  const title = t('Attention of the last token read');
  const { root, set } = foldout(store, 'stepAttention', 'step-attention', [title], asked.notice, status, plot.root);
  const update = (state: ViewState): void => {
    const {
      shown,
      generation: { tree, running },
    } = state;
    const open = set(state.settings);
    // During generation the rows would belong to a token long past.
    if (shown === null || running || !open || tree.tokens[tree.selected] === undefined) return;
    asked.update(state, shown, tree.selected, tree.prompt);
  };
  return { root, update };
}

/** Visible texts of the generated tokens up to and including `end`. */
function generatedLabels(tree: GenerationTree, end: number): readonly string[] {
  return pathTo(tree, end).map((index) => {
    const token = tree.tokens[index];
    const numbers = token === undefined ? null : numbersOf(token);
    return numbers === null ? t('id {0}', token?.id ?? 0) : visibleText(numbers.text);
  });
}
