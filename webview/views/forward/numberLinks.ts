import { html, type TemplateResult } from 'lit-html';
import { stageOf, type ForwardPath, type StageName, type WeightedSum } from '../../../src/core/forwardPath.ts';
import type { Place } from '../../figures/pathSteps.ts';
import { numberLabel, stageTitle } from './stageTexts.ts';

/** Significant digits of a number whose computation is shown. */
export const NUMBER_DIGITS = 6;

/** Data of the card, and targets of its links. */
export interface NumberCardView {
  readonly path: ForwardPath;
  readonly place: Place;
  readonly labels: readonly string[];
  readonly sum: WeightedSum | null;
  readonly goTo: (place: Place) => void;
  /** Goes to another head's number in a stage that all heads make together. */
  readonly goToHead: (head: number, stage: StageName) => void;
  /** Whether that head can be chosen: a layer that keeps a state may have more than attention has. */
  readonly canFollow: (head: number) => boolean;
  /** Goes to where the given stream was computed, before this layer. */
  readonly goBefore: () => void;
  readonly goToLayer: (layer: number) => void;
}

/** A text that leads to another number. */
export function numberLink(text: string, follow: () => void): TemplateResult {
  return html`<button type="button" class="button link" @click=${follow}>${text}</button>`;
}

/** The way to an operand, named by its vector and its place in it. */
export function placeLink(place: Place, { path, labels, goTo }: NumberCardView): TemplateResult {
  const stage = stageOf(path.stages, place.stage);
  return numberLink(`${stageTitle(place.stage)} · ${numberLabel(path, stage, place.index, labels)}`, () => goTo(place));
}
