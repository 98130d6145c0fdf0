import { SPAN_METHODS, type Attribution, type AttributionMethod, type SpanAttribution } from '../../../src/core/attribution.ts';
import { at } from '../../../src/core/tensor.ts';
import type { TextUnit } from '../../../src/core/textUnits.ts';
import { total } from '../../figures/directWaterfall.ts';
import { integer, percent, signedDecimal } from '../../parts/format.ts';
import { LOGIT_DIGITS, type SignedNumbers } from '../../parts/signedStrip.ts';
import { t } from '../../strings.ts';
import { methodTexts } from './methodTexts.ts';

/** An answer about one token, or about several together. */
export type Found = Attribution | SpanAttribution;

/** Name of a unit in which words are counted. */
export function unitName(unit: TextUnit): string {
  const names = { token: t('Token'), word: t('Word'), line: t('Line'), sentence: t('Sentence') } satisfies Readonly<
    Record<TextUnit, string>
  >;
  return names[unit];
}

/** What the numbers of several tokens are of. */
export function spanMeaning(tokens: number): string {
  return tokens === 1
    ? t('Of the token’s log-probability (natural): where the text speaks of the logit, it is this.')
    : t(
        'Of the sum of the log-probabilities (natural) of {0} tokens of the text, each given all before it: where the text speaks of the ' +
          'logit, it is this sum. Logits of several positions have no common scale.',
        tokens,
      );
}

/** What numbers of several tokens above and below 0 speak for. */
export function sidesOfSpan(): Pick<SignedNumbers, 'towards' | 'against'> {
  return { towards: t('for these tokens'), against: t('against these tokens') };
}

/** That a method is not defined for several tokens, and which are. */
export function notForSpans(method: AttributionMethod): string {
  const others = SPAN_METHODS.map((name) => methodTexts(name).name).join(' · ');
  return t(
    '{0} explains the prediction after one position and is not defined for several tokens together. These are: {1}.',
    methodTexts(method).name,
    others,
  );
}

/** The sum of the numbers beside what it is to be, where the method says so; and the first token's, where attention often rests. */
export function factsOf(found: Found, { values, shares }: SignedNumbers): readonly (readonly [string, string])[] {
  const { target, completeness } = found;
  const name = 'end' in found ? t('Log-probability') : found.rival === null ? t('Logit') : t('Logit difference');
  const written = (value: number): string => (shares ? percent(value) : signedDecimal(value, LOGIT_DIGITS));
  return [
    ...(shares ? [] : [[name, signedDecimal(target, LOGIT_DIGITS)] as const]),
    [t('Sum of the words'), written(total(values))],
    ...(completeness === null
      ? []
      : [
          [t('Of average tokens'), signedDecimal(completeness.baseline, LOGIT_DIGITS)] as const,
          [t('Sum off by'), t('{0}, at {1} points', percent(completeness.gap), integer(completeness.steps))] as const,
        ]),
    [t('Of it the first token'), written(at(values, 0))],
  ];
}
