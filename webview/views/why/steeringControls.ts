import type { SteeredTokens } from '../../../src/core/run.ts';
import type { PanelContext, View } from '../../context.ts';
import { segmented, select, slider } from '../../parts/controls.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { signedDecimal } from '../../parts/format.ts';
import { t } from '../../strings.ts';
import type { Settings } from '../../viewSettings.ts';
import { createKeptSource } from './keptSource.ts';
import { createTokensSource, type MadeOf } from './steeringSources.ts';
import { createTextsSource } from './steeringTexts.ts';

/** Strengths of the slider, in lengths of the residual, or in vectors that are kept. */
const STRENGTHS = { min: -2, max: 2, step: 0.05 };

/** What is done with a vector. `layer`: where one is added that is made here. */
export interface SteeringChoice {
  readonly layer: number;
  readonly strength: number;
  readonly on: SteeredTokens;
}

/** The fields in which a vector is chosen, and what is done with it. */
export interface SteeringControls extends View {
  readonly choice: () => SteeringChoice;
  /** What the vector is made of; a sentence where something is missing. */
  readonly made: () => Promise<MadeOf | string>;
}

export function createSteeringControls(context: PanelContext): SteeringControls {
  const { store } = context;
  const kept = createKeptSource(context);
  const sources = { texts: createTextsSource(), tokens: createTokensSource(context), kept } as const;
  const by = segmented<Settings['steerBy']>(
    t('Vector of'),
    [
      ['texts', t('Texts')],
      ['tokens', t('Tokens')],
      ['kept', t('Kept or a file')],
    ],
    (steerBy) => store.dispatch({ type: 'settings', change: { steerBy } }),
    true,
  );
  let chosen: { readonly layer: number | null; readonly strength: number; readonly on: SteeredTokens } = {
    layer: null,
    strength: 0.5,
    on: 'all',
  };
  let middle = 0;
  const place = select(t('Added at the input of layer'), (layer) => (chosen = { ...chosen, layer }));
  const tokens = segmented<SteeredTokens>(
    t('Added to'),
    [
      ['all', t('All tokens')],
      ['prompt', t('The text')],
      ['generated', t('What is generated')],
    ],
    (on) => (chosen = { ...chosen, on }),
    true,
  );
  const much = slider(t('Strength'), STRENGTHS.min, STRENGTHS.max, STRENGTHS.step, (strength) => {
    chosen = { ...chosen, strength };
    showStrength();
  });
  const showStrength = (): void => {
    const times = signedDecimal(chosen.strength, 2);
    const isKept = store.state().settings.steerBy === 'kept';
    much.set(chosen.strength, isKept ? t('{0} × the vector', times) : t('{0} × the length of the residual', times));
  };
  const made = el('div', { class: 'steering-made' });
  tokens.set(chosen.on);
  const [changed, modelChanged] = [changeDetector(), changeDetector()];
  return {
    root: el(
      'div',
      { class: 'steering-choice' },
      el('div', { class: 'toolbar' }, by.root),
      made,
      el('div', { class: 'steering-controls' }, place.root, tokens.root, much.root),
    ),
    update: (state) => {
      const { shown, settings } = state;
      kept.update(state);
      if (changed(settings.steerBy)) {
        by.set(settings.steerBy);
        made.replaceChildren(sources[settings.steerBy].root);
        // A vector that is there already has layers of its own.
        place.root.hidden = settings.steerBy === 'kept';
        showStrength();
      }
      if (shown === null || !modelChanged(shown)) return;
      const { layers } = shown.explanation.model;
      middle = Math.max(1, Math.round(layers / 2));
      if (chosen.layer !== null && chosen.layer > layers) chosen = { ...chosen, layer: null };
      place.set(
        Array.from({ length: layers + 1 }, (_, i) => [i, i === layers ? t('{0}: after the last', i) : String(i)]),
        chosen.layer ?? middle,
      );
    },
    choice: () => ({ ...chosen, layer: chosen.layer ?? middle }),
    made: () => sources[store.state().settings.steerBy].made(),
  };
}
