import { at } from '../../src/core/tensor.ts';
import type { WordByLayer } from '../../src/core/vectors.ts';
import type { PanelContext } from '../context.ts';
import { layerLinesFigure, placeLabel } from '../figures/layerLines.ts';
import { layerCosines, savedOf } from '../figures/savedNumbers.ts';
import { createPlot } from '../plot.ts';
import { t } from '../strings.ts';
import type { Theme } from '../theme.ts';
import { changeDetector } from './dom.ts';
import { cosineText } from './format.ts';

/** Chart of the cosine of one token's vectors at two places, layer by layer; dashed, the mean cosine of any two tokens. */
export interface CosineLines {
  readonly root: HTMLElement;
  readonly draw: (answer: WordByLayer, theme: Theme) => void;
}

/** Creates the chart. `answer`: its data, for the tooltip; `resized` is called when its width has changed. `filename`: see `createPlot`. */
export function createCosineLines(
  { tooltip }: PanelContext,
  filename: string,
  { answer, resized }: { readonly answer: () => WordByLayer | undefined; readonly resized: () => void },
): CosineLines {
  const plot = createPlot(t('Cosine of the two vectors over the layers'), filename, {
    data: () => savedOf(answer(), layerCosines),
    hover: (point, event) => {
      const found = answer();
      if (point === null || event === null || found === undefined) return tooltip.hide();
      tooltip.show(
        {
          title: placeLabel(point.x),
          rows: [
            [t('Cosine'), cosineText(at(found.cosines, point.x))],
            [t('Any two tokens'), cosineText(at(found.typical, point.x))],
          ],
        },
        event.clientX,
        event.clientY,
      );
    },
    resized,
  });
  const drawn = changeDetector();
  return {
    root: plot.root,
    draw: (found, theme) => {
      const width = plot.width();
      if (width === 0 || !drawn(found, width, theme)) return;
      const lines = [
        { name: 'typical', values: found.typical, kind: 'reference' },
        { name: 'word', values: found.cosines, kind: 'main' },
      ] as const;
      plot.draw(layerLinesFigure(lines, width, theme));
    },
  };
}
