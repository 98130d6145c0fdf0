import type { SampledDistribution } from '../../../src/core/sampling.ts';
import type { PanelContext } from '../../context.ts';
import { hasCode, nextTokenCode } from '../../figures/pythonCode.ts';
import { rankNumbers } from '../../figures/savedNumbers.ts';
import { el } from '../../parts/dom.ts';
import { foldout } from '../../parts/foldout.ts';
import { rankCurve, rankCurveFigure, type RankCurve } from '../../figures/rankCurve.ts';
import { integer, percent } from '../../parts/format.ts';
import { legendItem, legendRow, lineSign } from '../../parts/legend.ts';
import { createPlot } from '../../plot.ts';
import { t } from '../../strings.ts';
import type { ViewState } from '../../state.ts';
import type { Theme } from '../../theme.ts';

/** Likeliest tokens that code which is copied computes. */
const NAMED_IN_CODE = 20;

/** Probability by rank over the whole vocabulary as a curve, and where the filters cut it. */
export interface SamplingCurve {
  readonly root: HTMLElement;
  show(own: Float32Array, sampled: SampledDistribution): void;
  update(state: Pick<ViewState, 'settings' | 'theme'>): void;
}

/** Creates the curve, still empty. */
export function createSamplingCurve({ store, tooltip }: PanelContext): SamplingCurve {
  let curve: RankCurve | undefined;
  let of: { readonly own: Float32Array; readonly sampled: SampledDistribution } | undefined;
  let drawn: readonly unknown[] = [];
  const plot = createPlot(t('Probability by rank over the whole vocabulary, with the cut of each filter'), 'probability-by-rank', {
    code: () => {
      const { shown, settings } = store.state();
      return shown === null || !hasCode(shown.explanation) ? null : nextTokenCode(shown.explanation, settings.selected, NAMED_IN_CODE);
    },
    data: () => (of === undefined ? null : rankNumbers(of.own, of.sampled.probs, of.sampled.final)),
    resized: () => draw(store.state().theme),
    hover: (point, event) => {
      const place = point?.custom;
      if (curve === undefined || place === undefined || event === null) return tooltip.hide();
      const value = (values: readonly (number | null)[]): string => percent(values[place] ?? 0);
      tooltip.show(
        {
          title: t('Rank {0}', integer(curve.ranks[place] ?? 0)),
          rows: [
            [t('Model'), value(curve.model)],
            [t('At temperature'), value(curve.tempered)],
            [t('Drawn with'), value(curve.final)],
          ],
        },
        event.clientX,
        event.clientY,
      );
    },
  });
  const legend = legendRow(
    legendItem(lineSign('model'), t('Model')),
    legendItem(lineSign('tempered'), t('At temperature')),
    legendItem(lineSign('final'), t('Drawn with')),
    legendItem(lineSign('cut'), t('a filter’s cut')),
  );
  const title = t('The whole vocabulary');
  const fold = foldout(
    store,
    'curve',
    'sampling-curve',
    [el('h3', {}, title), el('span', { class: 'beside' }, t('probability by rank, both logarithmic'))],
    legend,
    plot.root,
  );

  const draw = (theme: Theme): void => {
    const width = plot.width();
    if (of === undefined || width === 0) return;
    curve ??= rankCurve(of.own, of.sampled);
    const next = [curve, theme, width];
    if (next.every((value, place) => value === drawn[place])) return;
    drawn = next;
    plot.draw(rankCurveFigure(curve, width, theme));
  };
  return {
    root: fold.root,
    show: (own, sampled) => {
      of = { own, sampled };
      curve = undefined;
      draw(store.state().theme);
    },
    update: ({ settings, theme }) => {
      if (fold.set(settings)) draw(theme);
    },
  };
}
