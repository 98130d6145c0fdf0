import type { SteeredTokens } from '../../../src/core/run.ts';
import type { SteeringRead } from '../../../src/core/steering.ts';
import { segmented, select, slider, uniqueId } from '../../parts/controls.ts';
import { el } from '../../parts/dom.ts';
import { displayLanguage, signedDecimal } from '../../parts/format.ts';
import { t } from '../../strings.ts';

/** Texts of two sides at first; in the display language. */
const EXAMPLES = {
  english: {
    positive: ['I love this place, it is wonderful', 'What a lovely and happy day', 'She was delighted with the beautiful gift'],
    negative: ['I hate this place, it is terrible', 'What an awful and sad day', 'He was disgusted by the ugly mess'],
  },
  chinese: {
    positive: ['我很喜欢这里，真是太美好了', '今天真是快乐的一天', '她收到美丽的礼物非常高兴'],
    negative: ['我很讨厌这里，真是太糟糕了', '今天真是悲伤的一天', '他看到肮脏的房间非常厌恶'],
  },
} as const;
/** Longest list of texts, and most texts in it. */
const MOST_CHARACTERS = 20_000;
const MOST_TEXTS = 64;
/** Strengths of the slider, in lengths of the residual. */
const STRENGTHS = { min: -2, max: 2, step: 0.05 };

/** What a vector is made of, and what is done with it. */
export interface SteeringChoice {
  readonly positive: readonly string[];
  readonly negative: readonly string[];
  readonly read: SteeringRead;
  readonly layer: number;
  readonly strength: number;
  readonly on: SteeredTokens;
}

/** The fields in which that is chosen. */
export interface SteeringControls {
  readonly root: HTMLElement;
  /** Sets the number of layers of the model. */
  setLayers(layers: number): void;
  choice(): SteeringChoice;
}

export function createSteeringControls(): SteeringControls {
  const examples = EXAMPLES[displayLanguage().startsWith('zh') ? 'chinese' : 'english'];
  const positive = lines(t('Towards: a text a line'), examples.positive);
  const negative = lines(t('Away from: a text a line'), examples.negative);
  let chosen: { readonly read: SteeringRead; readonly layer: number | null; readonly strength: number; readonly on: SteeredTokens } = {
    read: 'last',
    layer: null,
    strength: 0.5,
    on: 'all',
  };
  let middle = 0;
  const place = select(t('Added at the input of layer'), (layer) => (chosen = { ...chosen, layer }));
  const reading = segmented<SteeringRead>(
    t('Residual compared'),
    [
      ['last', t('Of the last token')],
      ['mean', t('Mean of the tokens')],
    ],
    (read) => (chosen = { ...chosen, read }),
    true,
  );
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
  const showStrength = (): void => much.set(chosen.strength, t('{0} × the length of the residual', signedDecimal(chosen.strength, 2)));
  reading.set(chosen.read);
  tokens.set(chosen.on);
  showStrength();
  return {
    root: el(
      'div',
      { class: 'steering-choice' },
      el('div', { class: 'steering-sides' }, positive.root, negative.root),
      el('div', { class: 'steering-controls' }, reading.root, place.root, tokens.root, much.root),
    ),
    setLayers: (layers) => {
      middle = Math.max(1, Math.round(layers / 2));
      if (chosen.layer !== null && chosen.layer > layers) chosen = { ...chosen, layer: null };
      place.set(
        Array.from({ length: layers + 1 }, (_, i) => [i, i === layers ? t('{0}: after the last', i) : String(i)]),
        chosen.layer ?? middle,
      );
    },
    choice: () => ({ ...chosen, layer: chosen.layer ?? middle, positive: positive.texts(), negative: negative.texts() }),
  };
}

/** A labelled field of texts, one a line. */
function lines(label: string, first: readonly string[]): { readonly root: HTMLElement; texts(): readonly string[] } {
  const id = uniqueId('lines');
  const input = el('textarea', { id, class: 'text-input steering-lines', rows: 4, maxlength: MOST_CHARACTERS, spellcheck: 'false' });
  input.value = first.join('\n');
  return {
    root: el('div', { class: 'text-field' }, el('label', { for: id, class: 'control-label' }, label), input),
    texts: () =>
      input.value
        .split('\n')
        .filter((line) => line.trim() !== '')
        .slice(0, MOST_TEXTS),
  };
}
