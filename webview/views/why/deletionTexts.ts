import { shortened, visibleToken } from '../../../src/core/visibleText.ts';
import type { TextUnit } from '../../../src/core/textUnits.ts';
import { integer } from '../../parts/format.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { askedWhy } from './asked.ts';
import { chosenSpan } from './spanChoice.ts';

/** What the curves are of. */
export function targetText(state: ViewState): string {
  const span = chosenSpan(state);
  if (span === null) return t('log-probability of “{0}”', askedWhy(state)?.tokenText ?? '');
  const tokens = span.end - span.position + 1;
  if (tokens > 1) return t('log-probability of {0} tokens', integer(tokens));
  const own = state.shown?.explanation.tokens[span.end + 1];
  return t('log-probability of “{0}”', own === undefined ? '' : shortened(visibleToken(own), 24));
}

/** What is measured, and how to read it. */
export function meaningOf(state: ViewState): string {
  const why = askedWhy(state);
  if (why === null) return '';
  if (chosenSpan(state) !== null)
    return t(
      'Words are hidden from all later tokens, those first that a method counts highest for what is chosen under For, and the ' +
        'model says each time how likely the text is to go on so. Words of the chosen part itself are hidden too, from the ' +
        'tokens after them. A curve that falls sooner belongs to a method that names words the prediction depends on; one that ' +
        'falls no sooner than in random order names none. The token just before the last one always sees itself and is never ' +
        'hidden. Of the methods that leave words out, the one chosen above is measured.',
    );
  return t(
    'Words are hidden from all later tokens, those first that a method counts highest for “{0}” alone, and the model says each time how ' +
      'likely “{0}” is. A curve that falls sooner belongs to a method that names words the prediction depends on; one that falls no ' +
      'sooner than in random order names none. The token just before the prediction always sees itself and is never hidden. Of the ' +
      'methods that leave words out, the one chosen above is measured.',
    why.tokenText,
  );
}

/** What is counted along the axis of the curves. */
export function acrossText(unit: TextUnit): string {
  const texts = {
    token: () => t('tokens hidden'),
    word: () => t('words hidden'),
    line: () => t('lines hidden'),
    sentence: () => t('sentences hidden'),
  } satisfies Readonly<Record<TextUnit, () => string>>;
  return texts[unit]();
}
