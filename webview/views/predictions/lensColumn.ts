import { html, nothing, type TemplateResult } from 'lit-html';
import type { Explanation, Token } from '../../../src/core/trace.ts';
import { shortened, visibleText, visibleToken } from '../../../src/core/visibleText.ts';
import { css, type Rgb } from '../../colour.ts';
import type { TooltipContent } from '../../parts/tooltip.ts';
import {
  ADDED_FULL_LOGITS,
  addedShare,
  addedValue,
  KL_FULL_BITS,
  lensShare,
  lensValue,
  type AddedCell,
  type LensCell,
  type LensGrid,
} from '../../figures/lensGrid.ts';
import { guessBits } from '../../figures/tokenColour.ts';
import { bits, decimal, integer, percent, percentInColumn, signedDecimal } from '../../parts/format.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { colourAt, signedColours, textOn, type Theme } from '../../theme.ts';
import type { AddedColour, LensColour } from '../../viewSettings.ts';
import { rowTitle } from './lensRows.ts';

/** Width of a token's column in pixels. */
export const COLUMN = 92;
/** Pixels that the names of the layers take. */
export const LABELS = 64;

/** Columns of the tokens from `first` to before `end`: what the model would predict after each, last layer first. */
export function columnsTemplate(
  state: ViewState,
  grid: LensGrid,
  [first, end]: readonly [number, number],
  awaited: (layer: number, position: number) => boolean,
): readonly TemplateResult[] {
  const tokens = state.shown?.explanation.tokens ?? [];
  const blocks = state.shown?.explanation.model.layers ?? 0;
  return Array.from({ length: end - first }, (_, offset) => {
    const position = first + offset;
    const [token, next] = [tokens[position], tokens[position + 1]];
    const cells = Array.from({ length: grid.layers }, (_, row) => {
      const layer = grid.layers - 1 - row;
      const found = grid.added(layer, position) ?? grid.cell(layer, position);
      return found === undefined
        ? emptyTemplate(awaited(layer, position))
        : cellTemplate(found, rowTitle(grid.rows, layer, blocks), layer, next, state);
    });
    return html`<div
      class=${position === state.settings.selected ? 'lens-column selected' : 'lens-column'}
      data-position=${position}
      style="left: ${position * COLUMN}px"
    >
      <div class="lens-head">
        <span class="token-text">${token === undefined ? '' : shortened(visibleToken(token), 9)}</span>
        <span class="lens-next token-text">${next === undefined ? '' : `↳ ${shortened(visibleToken(next), 8)}`}</span>
      </div>
      <div role="list" aria-label=${t('After {0}, position {1}', token === undefined ? '' : visibleToken(token), position)}>${cells}</div>
    </div>`;
  });
}

function cellTemplate(cell: LensCell | AddedCell, place: string, layer: number, next: Token | undefined, state: ViewState): TemplateResult {
  const { number, colour } = cellLook(cell, state);
  const topId = 'raised' in cell ? cell.raisedId : cell.topId;
  const look = colour === null ? nothing : `background-color: ${css(colour)}; color: ${css(textOn(state.theme, colour))}`;
  return html`<div
    class=${topId === next?.id ? 'lens-cell right' : 'lens-cell'}
    role="listitem"
    aria-label=${`${place}: ${visibleText(cell.piece)}, ${number}`}
    data-layer=${layer}
    style=${look}
  >
    <span class="token-text">${shortened(visibleText(cell.piece), 9)}</span>
    <span class="lens-number">${number}</span>
  </div>`;
}

/** A cell that has not been read. */
function emptyTemplate(isAwaited: boolean): TemplateResult {
  return html`<div class="lens-cell empty" role="listitem" aria-busy=${isAwaited ? 'true' : nothing}>${isAwaited ? '…' : ''}</div>`;
}

/** The number and colour of a cell; null: none. */
interface CellLook {
  readonly number: string;
  readonly colour: Rgb | null;
}

/** How a cell looks by the chosen measure. */
export function cellLook(cell: LensCell | AddedCell, { shown, settings, theme }: ViewState): CellLook {
  return 'raised' in cell ? addedLook(cell, settings, theme) : lensLook(cell, settings, theme, shown?.explanation.model.vocab ?? 1);
}

function lensLook(cell: LensCell, { lensColour }: ViewState['settings'], theme: Theme, vocab: number): CellLook {
  const share = lensShare(cell, lensColour, vocab);
  return { number: lensNumber(lensValue(cell, lensColour), lensColour), colour: Number.isNaN(share) ? null : colourAt(theme.cool, share) };
}

function addedLook(cell: AddedCell, { addedColour }: ViewState['settings'], theme: Theme): CellLook {
  const share = addedShare(cell, addedColour);
  const colour = Number.isNaN(share) ? null : colourAt(addedColours(addedColour, theme), share);
  return { number: signedDecimal(addedValue(cell, addedColour), 2), colour };
}

/** Colours of what steps add: two hues where there are signs. */
export function addedColours(mode: AddedColour, theme: Theme): readonly Rgb[] {
  return mode === 'raised' ? theme.cool : signedColours(theme);
}

/** Texts for the two ends of their scale. */
export function addedLegend(mode: AddedColour): readonly [string, string] {
  const most = t('≥ {0} logits', `+${ADDED_FULL_LOGITS}`);
  return mode === 'raised' ? [t('{0} logits', 0), most] : [t('≤ {0} logits', `−${ADDED_FULL_LOGITS}`), most];
}

function lensNumber(value: number, mode: LensColour): string {
  if (Number.isNaN(value)) return '–';
  if (mode === 'probability') return percentInColumn(value);
  return mode === 'rank' ? `#${integer(value)}` : decimal(value, 2);
}

/** Texts for the two ends of a mode's colour scale, weakest colour first. */
export function legendTexts(mode: LensColour, vocab: number): readonly [string, string] {
  const texts: Readonly<Record<LensColour, readonly [string, string]>> = {
    probability: [percent(0), percent(1)],
    rank: [`> ${integer(1000)}`, '#1'],
    entropy: [t('{0} bits', decimal(guessBits(vocab), 0)), t('{0} bits', 0)],
    kl: [t('≥ {0} bits', KL_FULL_BITS), t('{0} bits', 0)],
  };
  return texts[mode];
}

/** Tooltip of what a layer would predict after a token. */
export function lensCellContent(cell: LensCell, position: number, { tokens, model }: Explanation, rows: LensGrid['rows']): TooltipContent {
  const next = tokens[position + 1];
  return {
    title: visibleText(cell.piece),
    rows: [
      [t('Place'), rowTitle(rows, cell.layer, model.layers)],
      [t('Probability'), percent(cell.topProb)],
      [t('Really follows'), next === undefined ? t('nothing follows') : visibleToken(next)],
      ...(next === undefined
        ? []
        : ([
            [t('Its rank'), integer(cell.nextRank)],
            [t('Its probability'), percent(cell.nextProb)],
          ] as const)),
      [t('Entropy'), bits(cell.entropy)],
      [t('KL to the end'), bits(cell.kl)],
    ],
  };
}

/** Tooltip of what a step adds after a token. */
export function addedCellContent(cell: AddedCell, position: number, { tokens, model }: Explanation): TooltipContent {
  const next = tokens[position + 1];
  const logits = (value: number): string => t('{0} logits', signedDecimal(value, 3));
  return {
    title: visibleText(cell.piece),
    rows: [
      [t('Place'), rowTitle('added', cell.layer, model.layers)],
      [t('Raised most'), logits(cell.raised)],
      [t('Lowered most'), `${visibleText(cell.loweredPiece)}  ${logits(cell.lowered)}`],
      [t('Really follows'), next === undefined ? t('nothing follows') : visibleToken(next)],
      ...(next === undefined
        ? []
        : ([
            [t('Adds to it'), logits(cell.next)],
            [t('Its rank'), integer(cell.nextRank)],
          ] as const)),
    ],
  };
}
