import { isPair } from '../../src/core/alignment.ts';
import { CancelledError } from '../../src/core/errors.ts';
import { at } from '../../src/core/tensor.ts';
import type { WordByLayer } from '../../src/core/vectors.ts';
import { failureNotice, selectToken, whileBusy, type PanelContext } from '../context.ts';
import { select } from '../controls.ts';
import { changeDetector, el } from '../dom.ts';
import type { ComparisonRow } from '../figures/comparison.ts';
import { layerLinesFigure, placeLabel } from '../figures/layerLines.ts';
import { snippet } from '../figures/occurrences.ts';
import { decimal } from '../format.ts';
import { createPlot } from '../plot.ts';
import type { ViewState } from '../state.ts';
import { t } from '../strings.ts';
import type { Compared, ComparePart } from './compare.ts';

/** A token that both texts have: the cosine of its two vectors over the layers. */
export function createCompareWord(context: PanelContext): ComparePart {
  const { store, host } = context;
  const word = select(t('Token of both texts'), (token) => selectToken(context, token));
  const plot = createPlot(t('Cosine of the two vectors over the layers'), { hover: (point, event) => hover(point?.x, event), resized: () => draw(store.state()) });
  const notice = el('p', { class: 'caption' });
  const body = el('div', { class: 'context-figures' }, word.root, plot.root);
  const root = el('section', { class: 'card', 'aria-label': t('The same token in both texts') }, el('h2', {}, t('The same token in both texts, layer by layer')), body, notice);
  let answer: WordByLayer | null = null;
  const asked = changeDetector();
  const drawn = changeDetector();

  function hover(index: number | undefined, event: MouseEvent | null): void {
    if (index === undefined || event === null || answer === null) return context.tooltip.hide();
    context.tooltip.show({ title: placeLabel(index), rows: [[t('Cosine'), decimal(at(answer.cosines, index), 6)]] }, event.clientX, event.clientY);
  }

  async function load({ comparison }: Compared, row: ComparisonRow): Promise<void> {
    try {
      const ids = comparison.explanation.tokens.map(({ id }) => id);
      answer = await whileBusy(root, host.query('compareWord', 'wordByLayer', { first: { ids: null, token: row.aStart }, second: { ids, token: row.bStart } }));
      body.hidden = false;
      notice.textContent = t('Both places hold the same row of the static table. Where the texts before it are the same, so is everything: cosine 1. Dashed: any two different tokens of the first text, on average.');
      draw(store.state());
    } catch (error) {
      if (error instanceof CancelledError) return;
      answer = null;
      body.hidden = true;
      failureNotice(notice, error);
    }
  }

  function draw({ theme }: ViewState): void {
    const width = plot.width();
    if (answer === null || width === 0 || !drawn(answer, width, theme)) return;
    plot.draw(layerLinesFigure([{ name: 'typical', values: answer.typical, kind: 'reference' }, { name: 'word', values: answer.cosines, kind: 'main' }], width, theme));
  }

  return {
    root,
    update: (state, compared) => {
      const pairs = compared.rows.filter((row) => isPair(row) && row.a[0]?.special !== true);
      // Vectors of two models have nothing in common to be compared by.
      root.hidden = compared.comparison.kind === 'model' || pairs.length === 0;
      if (root.hidden) return;
      const row = pairs.find(({ aStart }) => aStart === state.settings.selected) ?? firstApart(compared.rows, pairs);
      if (row === undefined) return;
      word.set(pairs.map(({ aStart }) => [aStart, snippet(compared.first.tokens, aStart)]), row.aStart);
      if (asked(compared, row.aStart)) void load(compared, row);
      else draw(state);
    },
  };
}

/** The first shared token after the texts part: before, nothing differs. */
function firstApart(rows: readonly ComparisonRow[], pairs: readonly ComparisonRow[]): ComparisonRow | undefined {
  const apart = rows.findIndex(({ same }) => !same);
  return (apart < 0 ? undefined : rows.slice(apart).find((row) => pairs.includes(row))) ?? pairs[0];
}
