import type { Rgb } from '../colour.ts';
import { guessBits, needsEntropy, RANK_BUCKETS, stepsOf, stripScale } from '../figures/tokenColour.ts';
import type { ViewState } from '../state.ts';
import { t } from '../strings.ts';
import { colourAt, gradient } from '../theme.ts';
import { decimal, integer, percent, signedDecimal } from './format.ts';
import { gradientLegend, legendItem, swatch } from './legend.ts';

/** Legend of the strip's colours: a swatch for each step, or a gradient. */
export function stripLegend({ shown, settings, surprisalScale, theme }: ViewState): readonly HTMLElement[] {
  if (shown === null) return [];
  if (shown.explanation.model.served !== undefined && needsEntropy(settings.stripColour, surprisalScale))
    return [legendItem(null, t('The engine does not return the entropy that this needs.'))];
  const scale = stripScale(theme, settings.stripColour);
  if (settings.stripColour === 'rank') {
    return RANK_BUCKETS.map((limit, bucket) => {
      return swatchItem(
        colourAt(scale, bucket / (RANK_BUCKETS.length - 1)),
        limit === 1 ? t('first') : Number.isFinite(limit) ? `≤ ${integer(limit)}` : t('more'),
      );
    });
  }
  if (settings.stripColour === 'surprisal') {
    const steps = stepsOf(shown.explanation, surprisalScale);
    const written = (value: number): string =>
      surprisalScale === 'excess' ? signedDecimal(value, 0) : decimal(value, surprisalScale === 'quantile' ? 1 : 0);
    return scale.map((colour, level) =>
      swatchItem(
        colour,
        level === 0
          ? `< ${written(steps[0] ?? 0)}`
          : level === scale.length - 1
            ? t('≥ {0} bits', written(steps[level - 1] ?? 0))
            : `≥ ${written(steps[level - 1] ?? 0)}`,
      ),
    );
  }
  const legend = gradientLegend();
  const full = decimal(guessBits(shown.explanation.model.vocab), 0);
  if (settings.stripColour === 'probability') legend.set(gradient(scale), percent(0), percent(1));
  else legend.set(gradient(scale), t('{0} bits', 0), t('{0} bits (a blind guess)', full));
  return [legend.root];
}

function swatchItem(colour: Rgb, text: string): HTMLElement {
  return legendItem(swatch(colour), text);
}
