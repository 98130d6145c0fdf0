import { selectToken, type PanelContext } from '../../context.ts';
import { attentionMapFigure, attentionShades, cellAt, type Shades } from '../../figures/attentionMap.ts';
import { differenceFigure } from '../../figures/comparisonRows.ts';
import { farthestAt, pooledRows } from '../../figures/squareMap.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { decimal, percent } from '../../parts/format.ts';
import { createMapZoom, type MapZoom, type ShownPart } from '../../parts/mapZoom.ts';
import { createPlot, type Plot, type PlotPoint } from '../../plot.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { divergingColours, type Theme } from '../../theme.ts';
import type { Cell } from '../../viewSettings.ts';
import { labelsOfBoth, numbersOf, strongestOf, tokensOf, weightContent, type ComparedMaps, type Side } from './comparedWeights.ts';

/** Map of each side, and the difference on the tokens that both have. */
export interface MapsView {
  readonly root: HTMLElement;
  readonly draw: (maps: ComparedMaps, state: ViewState) => void;
}

const SIDES: readonly Side[] = [0, 1, 2];

/** Names of saved pictures. */
const FILES = ['attention-first', 'attention-second', 'attention-difference'] as const;

/** One of the maps: its frame, its zoom, and what it shows. */
interface MapOfSide {
  readonly root: HTMLElement;
  readonly title: HTMLElement;
  readonly plot: Plot;
  readonly zoom: MapZoom;
  /** Row of the selected token; -1: it has none. */
  row: number;
  shown: ShownPart | undefined;
  squares: Shades;
  readonly drawn: (...now: readonly unknown[]) => boolean;
  readonly pooled: (...now: readonly unknown[]) => boolean;
}

/** Creates the three maps. `answer`: their data, for the tooltips; `resized` is called when their width has changed. */
export function createComparedMaps(
  context: PanelContext,
  { answer, resized }: { readonly answer: () => ComparedMaps | undefined; readonly resized: () => void },
): MapsView {
  const labels = [t('Attention, first side'), t('Attention, second side'), t('Difference of attention')] as const;
  const maps = SIDES.map((side): MapOfSide => {
    const zoom = createMapZoom(context, {
      pooled: side === 2 ? pooledDifferences : pooledWeights,
      named: (...edges) => t('Queries {0} to {1}, keys {2} to {3}', ...edges),
      keys: false,
      cell: () => (map.row < 0 ? null : { query: map.row, key: map.row }),
      changed: resized,
    });
    const plot = createPlot(labels[side], () => fileOf(side, answer()), {
      data: () => {
        const loaded = answer();
        return loaded === undefined ? null : numbersOf(side, loaded);
      },
      hover: (point, event) => hover(side, point, event),
      click: (point) => pick(side, point),
      wheel: zoom.wheel,
      resized,
    });
    const title = el('h3');
    const root = el('div', { class: 'map-side' }, title, ...zoom.notes, plot.root, side === 2 ? plot.tools : null);
    const changes = { drawn: changeDetector(), pooled: changeDetector() };
    const map: MapOfSide = { root, title, plot, zoom, row: -1, shown: undefined, squares: [], ...changes };
    return map;
  });
  const root = el('div', { class: 'maps' }, ...maps.map((map) => map.root));

  /** Cell that a point of a map stands for. */
  function cellOf(side: Side, point: PlotPoint | null): Cell | undefined {
    const [loaded, shown] = [answer(), maps[side]?.shown];
    if (loaded === undefined || shown === undefined || point === null) return undefined;
    if (side === 2) return shown.block === 1 ? { query: point.y, key: point.x } : farthestAt(loaded.difference, shown.block, point);
    return cellAt(side === 0 ? loaded.first : loaded.second, tokensOf(loaded, side), loaded.hideFirst, shown.block, point);
  }
  function hover(side: Side, point: PlotPoint | null, event: MouseEvent | null): void {
    const loaded = answer();
    const cell = cellOf(side, point);
    if (cell === undefined || event === null || loaded === undefined || cell.key > cell.query) return context.tooltip.hide();
    context.tooltip.show(weightContent(side, cell, loaded), event.clientX, event.clientY);
  }
  function pick(side: Side, point: PlotPoint): void {
    const pairs = answer()?.pairs ?? [];
    const row = cellOf(side, point)?.query ?? -1;
    const token = side === 0 ? row : side === 2 ? pairs[row]?.[0] : pairs.find(([, b]) => b === row)?.[0];
    if (token !== undefined && token >= 0) selectToken(context, token);
  }

  /** Draws one side's map, `place` (-1: none) marked, if anything has changed. */
  function drawSide(side: Side, loaded: ComparedMaps, place: number, width: number, theme: Theme): void {
    const map = maps[side];
    if (map === undefined) return;
    const { hideFirst: hide, difference, most, pairs, of } = loaded;
    map.row = place;
    const shown = map.zoom.update(
      { of, tokens: tokensOf(loaded, side), hideFirst: side < 2 && hide, row: Math.max(0, place), column: null },
      width,
    );
    if (!map.drawn(loaded, place, width, theme, shown.part)) return;
    map.shown = shown;
    const { block, window, part } = shown;
    const names = labelsOfBoth(of);
    const view = { width, block, window };
    if (side === 2) {
      if (map.pooled(loaded, block, part)) map.squares = pooledRows(difference, block, window);
      const ofPairs = pairs.map(([a]) => names[0][a] ?? '');
      map.title.textContent = t('Second less first');
      map.plot.draw(differenceFigure(map.squares, { ...view, labels: ofPairs, selected: place, most }, theme), {
        colours: divergingColours(theme),
        low: t('first: {0} points more', decimal(100 * most, 1)),
        high: t('second: {0} points more', decimal(100 * most, 1)),
      });
      return;
    }
    const picture = side === 0 ? loaded.first : loaded.second;
    if (map.pooled(loaded, block, part)) map.squares = attentionShades(picture, tokensOf(loaded, side), hide, false, block, window);
    // One scale for both maps, or a weak one would look like a strong one.
    const strongest = [strongestOf(loaded, 0), strongestOf(loaded, 1)] as const;
    map.plot.draw(
      attentionMapFigure(
        map.squares,
        {
          ...view,
          labels: names[side],
          hideFirst: hide,
          strongest: Math.max(...strongest),
          logScale: false,
          locked: null,
          selected: Math.max(0, place),
          sink: picture.sink !== undefined,
        },
        theme,
      ),
    );
    map.title.textContent = t('{0}: up to {1}', side === 0 ? t('First') : t('Second'), percent(strongest[side]));
  }

  return {
    root,
    draw: (loaded, { settings, theme }) => {
      const width = maps[0]?.plot.width() ?? 0;
      if (width === 0) return;
      const { pairs } = loaded;
      const place = pairs.findIndex(([a]) => a === settings.selected);
      drawSide(0, loaded, settings.selected, width, theme);
      drawSide(1, loaded, pairs[place]?.[1] ?? 0, width, theme);
      const last = maps[2];
      if (last === undefined) return;
      last.root.hidden = pairs.length < 2;
      if (pairs.length >= 2) drawSide(2, loaded, place, last.plot.width() || width, theme);
    },
  };
}

function pooledWeights(side: number): string {
  return t('A square shows the strongest of {0} × {0} weights; pointing at it names that one.', side);
}

function pooledDifferences(side: number): string {
  return t('A square shows the largest of {0} × {0} differences; pointing at it names that one.', side);
}

/** Name of a saved picture of a side's map. */
function fileOf(side: Side, loaded: ComparedMaps | undefined): string {
  return loaded === undefined ? FILES[side] : `layer-${loaded.first.layer}-head-${loaded.first.head}-${FILES[side]}`;
}
