import type { SteeringRead, SteeringSource } from '../../../src/core/steering.ts';
import { segmented, uniqueId } from '../../parts/controls.ts';
import { el } from '../../parts/dom.ts';
import { displayLanguage } from '../../parts/format.ts';
import { t } from '../../strings.ts';
import type { SourceFields } from './steeringSources.ts';

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

/** Two sets of texts, whose residuals differ on average by a vector. */
export function createTextsSource(): SourceFields {
  const examples = EXAMPLES[displayLanguage().startsWith('zh') ? 'chinese' : 'english'];
  const positive = lines(t('Towards: a text a line'), examples.positive);
  const negative = lines(t('Away from: a text a line'), examples.negative);
  let read: SteeringRead = 'last';
  const reading = segmented<SteeringRead>(
    t('Residual compared'),
    [
      ['last', t('Of the last token')],
      ['mean', t('Mean of the tokens')],
    ],
    (chosen) => (read = chosen),
    true,
  );
  reading.set(read);
  return {
    root: el(
      'div',
      { class: 'steering-source' },
      el('div', { class: 'steering-sides' }, positive.root, negative.root),
      el('div', { class: 'steering-controls' }, reading.root),
    ),
    made: async () => {
      const source: SteeringSource = { kind: 'texts', positive: positive.texts(), negative: negative.texts(), read };
      const [up, down] = [source.positive.length, source.negative.length];
      if (up === 0 || down === 0) return t('Each side needs at least one text.');
      return {
        source,
        name: t('Texts'),
        description: up + down === 2 ? t('Difference of two texts.') : t('Difference of the means of {0} and {1} texts.', up, down),
      };
    },
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
