import { CancelledError, messageOf } from '../../src/core/errors.ts';
import type { LastTokenAttention } from '../../src/core/generation.ts';
import { visibleText, visibleToken } from '../../src/core/visibleText.ts';
import { whileBusy, type PanelContext, type View } from '../context.ts';
import { changeDetector, el } from '../dom.ts';
import { stepAttentionFigure } from '../figures/stepAttention.ts';
import { percent } from '../format.ts';
import { idsTo, numbersOf, pathTo } from '../generation.ts';
import { createPlot } from '../plot.ts';
import { NAMED } from '../generator.ts';
import type { ViewState } from '../state.ts';
import { t } from '../strings.ts';

/** What the token before the selected one attended to, in every layer and head: the row that its distribution came from. Asked for when it is opened. */
export function createStepAttention({ host, store, tooltip }: PanelContext): View {
  const status = el('p', { class: 'caption' });
  const plot = createPlot(t('Attention of the last token read, a row for each head'), {
    resized: () => draw(store.state()),
    hover: (point, event) => {
      const weight = point === null || attention === undefined ? undefined : attention.weights[point.y * labels.length + point.x];
      const heads = store.state().shown?.explanation.model.heads ?? 1;
      if (point === null || event === null || weight === undefined) return tooltip.hide();
      tooltip.show({ title: labels[point.x] ?? '', rows: [[t('Layer'), String(Math.floor(point.y / heads))], [t('Head'), String(point.y % heads)], [t('Weight'), percent(weight)]] }, event.clientX, event.clientY);
    },
  });
  const root = el('details', { class: 'step-attention' }, el('summary', {}, t('Attention of the last token read')), status, plot.root);
  root.addEventListener('toggle', () => update(store.state()));
  let attention: LastTokenAttention | undefined;
  let labels: readonly string[] = [];
  const asked = changeDetector();
  const drawn = changeDetector();

  const load = async ({ generation: { tree } }: ViewState, names: readonly string[]): Promise<void> => {
    const token = tree.tokens[tree.selected];
    if (token === undefined) return;
    const { sampling, seed } = token.settings;
    attention = undefined;
    try {
      const step = await whileBusy(root, host.query('stepAttention', 'step', { continuation: idsTo(tree, token.parent), sampling, seed, topK: NAMED, attention: true }));
      attention = step.attention;
      labels = names;
      const sinks = attention?.sinks === undefined ? '' : ` ${t('The rest of each row is its sink’s.')}`;
      status.textContent = t('Token {0}, the last one read before this step: a row for each head, a column for each token.', names.at(-1) ?? '') + sinks;
      draw(store.state());
    } catch (error) {
      if (!(error instanceof CancelledError)) status.textContent = messageOf(error);
    }
  };
  const draw = ({ shown, theme }: ViewState): void => {
    const width = plot.width();
    if (shown === null || attention === undefined || width === 0 || !drawn(attention, theme, width)) return;
    const { layers, heads } = shown.explanation.model;
    plot.draw(stepAttentionFigure(attention, { layers, heads, labels, width, layerName: (layer) => t('Layer {0}', layer) }, theme));
  };
  const update = (state: ViewState): void => {
    const { shown, generation: { tree, running } } = state;
    // While tokens are written the rows would be of one long gone.
    if (shown === null || running || !root.open || tree.tokens[tree.selected] === undefined) return;
    if (asked(shown, tree.selected, tree.prompt)) {
      const before = pathTo(tree, tree.tokens[tree.selected]?.parent ?? -1);
      const names = [...shown.explanation.tokens.map(visibleToken), ...before.map((index) => {
        const token = tree.tokens[index];
        const numbers = token === undefined ? null : numbersOf(token);
        return numbers === null ? t('id {0}', token?.id ?? 0) : visibleText(numbers.text);
      })];
      void load(state, names);
    }
    draw(state);
  };
  return { root, update };
}
