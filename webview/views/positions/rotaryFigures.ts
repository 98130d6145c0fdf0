import { wavelength, type Rotation } from '../../../src/core/positions.ts';
import type { PanelContext } from '../../context.ts';
import { angleAt, distanceFigure, pairFigure, pairParts, turnFigure, turnGrid, wavelengthFigure } from '../../figures/positionFigures.ts';
import type { FigureData } from '../../figures/figureData.ts';
import { distanceNumbers, productNumbers, turnNumbers, wavelengthNumbers } from '../../figures/savedNumbers.ts';
import { changeDetector } from '../../parts/dom.ts';
import { decimal, integer, significant } from '../../parts/format.ts';
import { createPlot, type Plot } from '../../plot.ts';
import { t } from '../../strings.ts';
import { signedColours, type Theme } from '../../theme.ts';

/** Figures of what rotation does; a click on a figure chooses a pair. */
export interface RotaryFigures {
  readonly distance: Plot;
  readonly contributions: Plot;
  readonly waves: Plot;
  readonly turns: Plot;
  readonly draw: (rotation: Rotation, chosen: number, tokens: number, theme: Theme) => void;
}

/** Creates the figures. `resized` is called when their width has changed. */
export function createRotaryFigures({ tooltip }: PanelContext, choose: (pair: number) => void, resized: () => void): RotaryFigures {
  let shown: { readonly rotation: Rotation; readonly tokens: number } | undefined;
  const distance = plot(t('Score by distance'), 'rotary-distance', distanceNumbers, (x) => {
    const value = shown === undefined ? undefined : shown.rotation.byDistance[x];
    return value === undefined || shown === undefined
      ? null
      : { title: significant(value * shown.rotation.scale, 6), rows: [[t('Tokens between'), integer(x)]] };
  });
  const contributions = plot(
    t('What each pair adds to the product'),
    'rotary-product',
    productNumbers,
    (x) => {
      if (shown === undefined) return null;
      const { before, after } = pairParts(shown.rotation);
      return {
        title: t('Pair {0}', x),
        rows: [
          [t('Not rotated'), significant(before[x] ?? 0, 5)],
          [t('Rotated'), significant(after[x] ?? 0, 5)],
        ],
      };
    },
    choose,
  );
  const waves = plot(
    t('Tokens in which each pair rotates once'),
    'rotary-wavelength',
    wavelengthNumbers,
    (x) => {
      const frequency = shown?.rotation.frequencies[x];
      return frequency === undefined
        ? null
        : {
            title: t('Pair {0}', x),
            rows: [
              [t('One rotation in'), waveText(wavelength(frequency))],
              [t('Radians a position'), significant(frequency, 5)],
            ],
          };
    },
    choose,
  );
  const turns = plot(
    t('Rotation of each pair by position'),
    'rotary-turns',
    turnNumbers,
    (x, y) => {
      const frequency = shown?.rotation.frequencies[y];
      return frequency === undefined
        ? null
        : {
            title: t('{0}°', decimal((angleAt(frequency, x) * 180) / Math.PI, 1)),
            rows: [
              [t('Pair'), integer(y)],
              [t('Position'), integer(x)],
              [t('Cosine'), significant(Math.cos(frequency * x), 5)],
            ],
          };
    },
    (_, y) => choose(y),
  );
  const changed = changeDetector();
  const gridChanged = changeDetector();
  let grid: readonly (readonly number[])[] = [];

  function plot(
    label: string,
    what: string,
    data: (rotation: Rotation, tokens: number) => FigureData,
    describe: (x: number, y: number) => Parameters<PanelContext['tooltip']['show']>[0] | null,
    click?: (x: number, y: number) => void,
  ): Plot {
    return createPlot(label, () => (shown === undefined ? what : `layer-${shown.rotation.layer}-head-${shown.rotation.head}-${what}`), {
      data: () => (shown === undefined ? null : data(shown.rotation, shown.tokens)),
      hover: (point, event) => {
        const content = point === null || event === null ? null : describe(point.x, point.y);
        if (content === null || event === null) tooltip.hide();
        else tooltip.show(content, event.clientX, event.clientY);
      },
      click: (point) => click?.(point.x, point.y),
      resized,
    });
  }

  return {
    distance,
    contributions,
    waves,
    turns,
    draw: (rotation, chosen, tokens, theme) => {
      shown = { rotation, tokens };
      const width = distance.width();
      if (width === 0 || !changed(rotation, chosen, tokens, width, contributions.width(), waves.width(), turns.width(), theme)) return;
      const { frequencies, query, key } = rotation;
      if (gridChanged(frequencies, tokens)) grid = turnGrid(frequencies, tokens);
      distance.draw(distanceFigure(rotation, width, theme));
      contributions.draw(pairFigure(pairParts(rotation), chosen, contributions.width(), theme));
      if (waves.width() > 0) waves.draw(wavelengthFigure(Array.from(frequencies, wavelength), tokens, chosen, waves.width(), theme));
      if (turns.width() === 0) return;
      turns.draw(turnFigure(grid, [key, query], chosen, turns.width(), theme), { colours: signedColours(theme), low: '−1', high: '1' });
    },
  };
}

/** Wavelength of a pair: tokens per whole turn. */
export function waveText(tokens: number): string {
  return Number.isFinite(tokens) ? t('{0} tokens', significant(tokens, 5)) : t('never');
}
