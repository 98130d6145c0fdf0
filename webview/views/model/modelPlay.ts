import type { PanelContext } from '../../context.ts';
import { button } from '../../parts/controls.ts';
import { changeDetector, ICONS } from '../../parts/dom.ts';
import { integer } from '../../parts/format.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';

/** Time at an end of the picture, and of all layers together, where each has at least the shortest. */
const END_MS = 1400;
const LAYERS_MS = 6000;
const SHORTEST_MS = 120;

/** Places of the picture before the layers: the text, the embedding; and behind them: the final norm, the logits, the draw. */
const BEFORE = 2;
const BEHIND = 3;

/** Shows the picture place by place, from the text to the draw. */
export interface ModelPlay {
  readonly button: HTMLElement;
  /** The place that is shown; null: all of them. Counts the text as 0. */
  readonly station: () => number | null;
  /** Whether a place is not reached yet: an index, or one counted from the end where negative. */
  readonly dimmed: (place: number) => boolean;
  /** Sentence about the place that is shown; empty where all are. */
  readonly said: () => string;
  readonly update: (state: ViewState) => void;
}

/** Where motion is unwanted, each press goes one place on. */
export function createModelPlay({ store }: PanelContext, draw: () => void): ModelPlay {
  let station: number | null = null;
  let waiting: ReturnType<typeof setTimeout> | undefined;
  const isCalm = (): boolean => matchMedia('(prefers-reduced-motion: reduce)').matches;
  const layers = (): number => store.state().shown?.explanation.model.layers ?? 0;
  const places = (): number => BEFORE + layers() + BEHIND;
  const changed = changeDetector();

  const name = (): void => {
    const span = made.querySelector('span');
    if (span !== null) span.textContent = isCalm() ? t('Next part') : station === null ? t('Play') : t('Stop');
  };
  const go = (next: number | null): void => {
    clearTimeout(waiting);
    station = next === null || next >= places() ? null : next;
    name();
    draw();
    if (station === null || isCalm()) return;
    const isLayer = station >= BEFORE && station < BEFORE + layers();
    waiting = setTimeout(() => go((station ?? 0) + 1), isLayer ? Math.max(SHORTEST_MS, LAYERS_MS / layers()) : END_MS);
  };
  const made = button(t('Play'), 'secondary', () => go(isCalm() ? (station ?? -1) + 1 : station === null ? 0 : null), ICONS.play);
  made.title = t('Follow the token through the model, from the left to the right');
  name();

  const said = (): string => {
    if (station === null) return '';
    const layer = station - BEFORE;
    if (layer >= 0 && layer < layers())
      return t('Layer {0}: attention brings what other tokens know, the MLP adds what it knows about what it reads.', integer(layer));
    return (
      [
        t('The text is cut into tokens, and each token is a number: its row in the vocabulary.'),
        t('The row of a table becomes the token’s vector: this is where the residual stream begins.'),
      ][station] ??
      [
        t('After the last layer a norm brings the vector to a common length.'),
        t('The vector is compared with the row of every token of the vocabulary: one score each, the logits.'),
        t('Softmax makes the scores probabilities, and a draw chooses the next token: then all begins again.'),
      ][layer - layers()] ??
      ''
    );
  };
  return {
    button: made,
    station: () => station,
    dimmed: (place) => station !== null && (place < 0 ? places() + place : place) > station,
    said,
    update: ({ shown }) => {
      if (changed(shown) && station !== null) go(null);
    },
  };
}
