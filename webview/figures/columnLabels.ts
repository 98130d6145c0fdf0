import { shortened } from '../../src/core/visibleText.ts';
import type { Theme } from '../theme.ts';
import { baseAxis, type Trace } from './figure.ts';
import { plotlyText, textWidth } from './plotlyText.ts';

/** Largest number of characters of a name written downwards, and of a rotated one. */
const STACKED_LENGTH = 5;
const TURNED_LENGTH = 10;
/** Height of a line in units of the font size. */
const LINE = 1.3;
/** Pixels between a figure's frame and its names, and below these. */
const FROM_FRAME = 10;
/** Han, kana and hangul, and the punctuation written with them. */
const UPRIGHT = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303f\uff00-\uffef]/u;

/** Columns of a figure, of which some have names below them. */
export interface Columns {
  readonly range: readonly [number, number];
  /** Columns with a name. */
  readonly places: readonly number[];
  /** Name of a column. */
  readonly text: (column: number) => string;
}

/** Additions to a figure with named columns: axes for its layout, and data that makes Plotly draw the second axis. */
export interface ColumnAxes {
  /** Pixels that the names take below the figure's frame. */
  readonly depth: number;
  readonly layout: { readonly xaxis: Readonly<Record<string, unknown>>; readonly xaxis2?: Readonly<Record<string, unknown>> };
  readonly data: readonly Trace[];
}

/**
 * Names under narrow columns: names in letters are rotated to run upwards; East Asian names have their characters upright, one below the
 * other, as these scripts are written, never on their side. A Plotly axis has one angle for its labels, so the latter have an axis of their
 * own.
 */
export function columnAxes({ range, places, text }: Columns, theme: Theme): ColumnAxes {
  const upright = places.filter((column) => UPRIGHT.test(text(column)));
  const turned = places.filter((column) => !UPRIGHT.test(text(column)));
  const axis = { ...baseAxis(theme), range };
  const xaxis = {
    ...axis,
    tickvals: turned,
    ticktext: turned.map((column) => plotlyText(shortened(text(column), TURNED_LENGTH))),
    tickangle: -90,
  };
  const size = theme.fontSize - 2;
  const depths = [
    ...turned.map((column) => size * textWidth(shortened(text(column), TURNED_LENGTH))),
    ...upright.map((column) => size * LINE * (stacked(text(column)).match(/<br>/g) ?? []).length + size * LINE),
  ];
  const depth = Math.ceil(depths.reduce((most, one) => Math.max(most, one), 0)) + FROM_FRAME;
  if (upright.length === 0) return { depth, layout: { xaxis }, data: [] };
  return {
    depth,
    layout: {
      xaxis,
      xaxis2: {
        ...axis,
        overlaying: 'x',
        side: 'bottom',
        tickvals: upright,
        ticktext: upright.map((column) => stacked(text(column))),
        tickangle: 0,
      },
    },
    data: [{ type: 'scatter', mode: 'markers', x: [range[0]], y: [null], xaxis: 'x2', yaxis: 'y', hoverinfo: 'skip' }],
  };
}

/** A name's characters one below the other. */
export function stacked(text: string): string {
  const characters = [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment);
  const shown = characters.length > STACKED_LENGTH ? [...characters.slice(0, STACKED_LENGTH - 1), '⋮'] : characters;
  return shown.map(plotlyText).join('<br>');
}
