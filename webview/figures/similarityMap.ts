import { at } from '../../src/core/tensor.ts';
import type { TypicalPair, VectorFrame } from '../../src/core/vectors.ts';
import type { Rgb } from '../colour.ts';
import { cosineText } from '../parts/format.ts';
import { t } from '../strings.ts';
import { colourAt, signedColours, type Theme } from '../theme.ts';
import type { Figure, Scale } from './figure.ts';
import { farthestReach, pairMapFigure, type PairMap, type PairNumbers } from './squareMap.ts';

/** How the map is drawn. */
export type SimilarityView = Pick<PairMap, 'labels' | 'selected' | 'width' | 'block' | 'window'>;

/** Cosines [n, n] around a centre; none on the diagonal, as every vector has a cosine of 1 with itself. */
export function cosinePairs(matrix: Float32Array, { centre }: Pick<CosineScale, 'centre'>): PairNumbers {
  const count = Math.round(Math.sqrt(matrix.length));
  return { count, centre, at: (row, column) => (row === column ? Number.NaN : at(matrix, row * count + column)) };
}

/** Colour scale of cosines: `centre` has the neutral colour, `reach` above and below it the strongest ones. */
export interface CosineScale {
  readonly centre: number;
  readonly reach: number;
}

/** Cosines nearer to the centre than this stay faint, however near the farthest is. */
const LEAST_REACH = 0.1;

/**
 * Scale that reaches to the farthest pair, centred on 0 if the mean vector has been subtracted, and otherwise on the mean cosine of typical
 * pairs.
 */
export function cosineScale(matrix: Float32Array, frame: VectorFrame, { mean }: TypicalPair): CosineScale {
  const centre = frame === 'centred' || Number.isNaN(mean) ? 0 : mean;
  return { centre, reach: farthestReach(cosinePairs(matrix, { centre }), LEAST_REACH) };
}

/** The part of the colours that cosines can have, and the cosines at its ends: a scale around a high centre would end beyond 1. */
export function cosineLegend(
  { centre, reach }: CosineScale,
  theme: Theme,
): { readonly colours: readonly Rgb[]; readonly low: number; readonly high: number } {
  const [low, high] = [Math.max(-1, centre - reach), Math.min(1, centre + reach)];
  const place = (value: number): number => (value - centre + reach) / (2 * reach);
  return {
    low,
    high,
    colours: Array.from({ length: 17 }, (_, step) => colourAt(signedColours(theme), place(low + ((high - low) * step) / 16))),
  };
}

/** Legend of that part, with its ends and the centre in words. */
export function cosineKey(scale: CosineScale, theme: Theme): Scale {
  const { colours, low, high } = cosineLegend(scale, theme);
  return { colours, low: cosineText(low), high: t('{0}, around {1}', cosineText(high), cosineText(scale.centre)) };
}

/** Heatmap of cosines between all pairs. `z`: rows of its squares (`pooledRows`). */
export function similarityFigure(z: PairMap['z'], { centre, reach }: CosineScale, view: SimilarityView, theme: Theme): Figure {
  return pairMapFigure(
    { ...view, z, frame: view.labels.length, zmin: centre - reach, zmax: centre + reach, colours: signedColours(theme) },
    theme,
  );
}
