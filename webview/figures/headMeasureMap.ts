import { headMapAt, type HeadMap } from '../../src/core/headMeasures.ts';
import { signedColours, type Theme } from '../theme.ts';
import type { Rgb } from '../colour.ts';
import { markShapes, type AttentionMapView } from './attentionMap.ts';
import type { Figure } from './figure.ts';
import { wholeMap } from './mapWindow.ts';
import { farthestReach, pairMapFigure, type PairMap, type PairNumbers } from './squareMap.ts';

/** What is measured of a head as numbers of pairs: none for keys after the query, nor for the first key where it is hidden. */
export function measuredPairs(map: Pick<HeadMap, 'values'>, tokens: number, hideFirst: boolean): PairNumbers {
  const first = hideFirst && tokens > 1 ? 1 : 0;
  return {
    count: tokens,
    centre: 0,
    at: (query, key) => (key > query || key < first ? Number.NaN : headMapAt(map, query, key)),
  };
}

/** The number with the strongest colour: the one farthest from 0. */
export function measuredReach(pairs: PairNumbers): number {
  return farthestReach(pairs, 0) || 1;
}

/** How the map is drawn. `most`: the number with the strongest colour; `isSigned`: whether there are numbers below 0. */
export interface MeasuredMapView extends Pick<
  AttentionMapView,
  'labels' | 'hideFirst' | 'locked' | 'selected' | 'width' | 'block' | 'window'
> {
  readonly most: number;
  readonly isSigned: boolean;
}

/** Colours of what is measured: two hues where there are signs, one where there are none. */
export function measuredColours(theme: Theme, isSigned: boolean): readonly Rgb[] {
  return isSigned ? signedColours(theme) : theme.sequential;
}

/** Heatmap of what is measured of one head: row = query, column = key. `z`: rows of its squares (`pooledRows`). */
export function measuredMapFigure(z: PairMap['z'], view: MeasuredMapView, theme: Theme): Figure {
  const { labels, hideFirst, width, block = 1, window = wholeMap(labels.length, hideFirst), most, isSigned, selected, locked } = view;
  const figure = pairMapFigure(
    {
      z,
      labels,
      selected: locked?.query ?? selected,
      frame: labels.length,
      zmin: isSigned ? -most : 0,
      zmax: most,
      colours: measuredColours(theme, isSigned),
      width,
      block,
      window,
    },
    theme,
  );
  return { ...figure, layout: { ...figure.layout, shapes: markShapes(view, window.key, theme) } };
}
